"""The response bodies about holds."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from topup.api import hold_ids
from topup.domain import times
from topup.domain.holds import Hold, HoldStatus
from topup.domain.receipts import Receipt

if TYPE_CHECKING:
    from topup.api import hold_schemas


def listed(holds: Iterable[Hold], now: datetime) -> "hold_schemas.HoldList":
    """GET /api/users/{user_id}/holds."""
    open_ones = sorted((hold for hold in holds if hold.is_open(now)), key=lambda one: (one.ends_at, one.hold_id))
    return {"holds": [{**hold(one), "actor": one.actor} for one in open_ones]}


def hold(one: Hold) -> "hold_schemas.Hold":
    """A hold as it is stored."""
    return {
        "hold_id": hold_ids.of(one.user_id, one.hold_id),
        "user_id": one.user_id,
        "amount": one.amount,
        "held": one.left if one.status is HoldStatus.OPEN else 0,
        "captured": one.captured,
        "shortfall": one.shortfall,
        "status": one.status.value,
        "overrun": one.overrun.value,
        "ends_at": times.to_text(one.ends_at),
        "created_at": times.to_text(one.created_at),
        "description": one.description,
        "metadata": dict(one.metadata),
    }


def receipt(of: Receipt) -> "hold_schemas.HoldReceipt":
    """Opening, extending and releasing a hold."""
    return {**hold(_hold_of(of)), "available_after": of.available_after}


def capture_receipt(of: Receipt) -> "hold_schemas.CaptureReceipt":
    """POST /api/users/credits/holds/{hold_id}/capture."""
    captured = _hold_of(of)
    return {
        **receipt(of),
        "transaction_id": of.transaction_id,
        "amount_captured": of.amount,
        "shortfall": of.shortfall,
        "balance_after": of.balance_after,
        "late": captured.status is HoldStatus.EXPIRED,
    }


def _hold_of(of: Receipt) -> Hold:
    assert of.hold, "Bug! a change of a hold has the hold"
    return of.hold
