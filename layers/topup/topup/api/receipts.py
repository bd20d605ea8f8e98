"""The response bodies of what has changed a user's credits; see `responses`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from topup.domain.receipts import Receipt

if TYPE_CHECKING:
    from topup.api import receipt_schemas


def of_spend(receipt: Receipt) -> "receipt_schemas.SpendReceipt":
    """POST /api/users/credits/spend."""
    return {
        "transaction_id": str(receipt.transaction_id),
        "amount": receipt.amount,
        "balance_after": receipt.balance_after,
        "available_after": receipt.available_after,
    }


def of_batch(receipts: Iterable[Receipt]) -> "receipt_schemas.BatchReceipt":
    """POST /api/users/credits/spend/batch."""
    return {"items": [of_spend(receipt) for receipt in receipts]}


def of_reversal(receipt: Receipt) -> "receipt_schemas.ReversalReceipt":
    """POST /api/users/credits/spend/reverse."""
    return {
        "transaction_id": receipt.transaction_id,
        "amount": receipt.amount,
        "lapsed": receipt.lapsed,
        "balance_after": receipt.balance_after,
        "available_after": receipt.available_after,
    }


def of_grant(receipt: Receipt) -> "receipt_schemas.GrantReceipt":
    """POST /api/admin/credits/grant."""
    return {
        "transaction_id": str(receipt.transaction_id),
        "lot_id": str(receipt.lot_id),
        "balance_after": receipt.balance_after,
    }


def of_adjustment(receipt: Receipt) -> "receipt_schemas.AdjustmentReceipt":
    """POST /api/admin/credits/adjust."""
    return {
        "transaction_id": str(receipt.transaction_id),
        "lot_id": receipt.lot_id,
        "balance_after": receipt.balance_after,
    }
