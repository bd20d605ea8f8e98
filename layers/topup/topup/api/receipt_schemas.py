"""The response bodies of what has changed a user's credits, as types; see `schemas`."""

from typing import Annotated

from typing_extensions import TypedDict  # below Python 3.12 pydantic reads no other

from topup.api.schema_values import Count, Id, Schema


class SpendReceipt(TypedDict):
    """A spend that has happened."""

    transaction_id: Id
    amount: Annotated[int, Schema({"minimum": 1})]
    balance_after: int
    available_after: int


class BatchReceipt(TypedDict):
    """Spends that have happened, in the order of the request."""

    items: list[SpendReceipt]


class ReversalReceipt(TypedDict):
    """A spend that has been given back: `amount` credits came back, `lapsed` did not, since their lots had expired."""

    transaction_id: Id | None
    amount: Count
    lapsed: Count
    balance_after: int
    available_after: int


class GrantReceipt(TypedDict):
    """A grant that has been made."""

    transaction_id: Id
    lot_id: Id
    balance_after: int


class AdjustmentReceipt(TypedDict):
    """An adjustment that has been made; `lot_id` where it gave credits."""

    transaction_id: Id
    lot_id: Id | None
    balance_after: int
