from enum import StrEnum


class ReleaseStatus(StrEnum):
    DONE = "done"
    IN_FLIGHT = "in_flight"

    def __str__(self) -> str:
        return str(self.value)
