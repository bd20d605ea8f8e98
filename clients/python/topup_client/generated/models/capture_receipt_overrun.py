from enum import StrEnum


class CaptureReceiptOverrun(StrEnum):
    AVAILABLE = "available"
    DEBT = "debt"
    REFUSE = "refuse"

    def __str__(self) -> str:
        return str(self.value)
