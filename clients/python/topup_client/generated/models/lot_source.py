from enum import StrEnum


class LotSource(StrEnum):
    ADJUSTMENT = "adjustment"
    GRANT = "grant"
    IMPORT = "import"
    PURCHASE = "purchase"
    RESTORED = "restored"

    def __str__(self) -> str:
        return str(self.value)
