"""The response bodies about holds as types; as `schemas`, no function imports this module when it runs."""

from typing import Annotated, Literal

from typing_extensions import TypedDict

from topup.api.schema_values import Count, HoldId, Id, Moment, Schema


class Hold(TypedDict):
    """Credits that are reserved until `ends_at`; `captured` is what captures have taken."""

    hold_id: HoldId
    user_id: str
    amount: Count
    held: Annotated[int, Schema({"minimum": 0, "description": "What it reserves now"})]
    captured: Count
    shortfall: Annotated[int, Schema({"minimum": 0, "description": "What captures asked for and could not take"})]
    status: Literal["open", "captured", "released", "expired"]
    overrun: Literal["available", "refuse", "debt"]
    ends_at: Moment
    created_at: Moment
    description: str
    metadata: dict[str, str]


class HoldReceipt(Hold):
    """A hold after the request, and what is available then."""

    available_after: int


class CaptureReceipt(HoldReceipt):
    """A capture that has happened; `shortfall` is what this one could not take, `late` says that the hold was over."""

    transaction_id: Id | None
    amount_captured: Count
    balance_after: int
    late: bool


class ListedHold(Hold):
    """A hold, and who opened it."""

    actor: str


class HoldList(TypedDict):
    """The holds that reserve credits, the soonest to end first."""

    holds: list[ListedHold]
