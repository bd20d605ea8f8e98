from enum import StrEnum


class HoldBodyOverrun(StrEnum):
    AVAILABLE = "available"
    DEBT = "debt"
    REFUSE = "refuse"

    def __str__(self) -> str:
        return str(self.value)
