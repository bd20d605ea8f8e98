from enum import StrEnum


class ReleaseBodyAction(StrEnum):
    FULFIL = "fulfil"
    REFUND = "refund"

    def __str__(self) -> str:
        return str(self.value)
