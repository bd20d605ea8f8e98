from enum import StrEnum


class ListedHoldOverrun(StrEnum):
    AVAILABLE = "available"
    DEBT = "debt"
    REFUSE = "refuse"

    def __str__(self) -> str:
        return str(self.value)
