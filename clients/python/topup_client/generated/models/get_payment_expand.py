from enum import StrEnum


class GetPaymentExpand(StrEnum):
    RECEIPT = "receipt"

    def __str__(self) -> str:
        return str(self.value)
