from enum import StrEnum


class GetPaymentExpand(StrEnum):
    RECEIPT = "receipt"
    RELEASE_QUOTE = "release_quote"

    def __str__(self) -> str:
        return str(self.value)
