"""An order's refunds and disputes, and the transaction that moves one."""

from datetime import datetime
from typing import Any

from topup import config
from topup.domain.reversals import Books, Payment, ReversalChange
from topup.store import credits, items, orders
from topup.store.client import client
from topup.store.failures import LostRace, races_told_apart

# Nobody has added or moved another refund or dispute of this order since it was read.
FIGURES_UNCHANGED_SINCE_READ = (
    "#status = :status_read AND refunded_minor = :refunded_read AND disputed_minor = :disputed_read"
    " AND clawed_back = :clawed_read AND credits_swept = :swept_read"
)
# A refund or dispute is recorded once, by whoever hears of it first.
NOT_YET_RECORDED = "attribute_not_exists(payment_id)"
# It moves on from where it was decided to move.
STANDING_UNCHANGED_SINCE_READ = "standing = :standing_read AND clawed = :clawed_read"


def load_payment(payment_id: str) -> Payment | None:
    """The order with its refunds and disputes, read consistently; 1 request."""
    page = client().query(
        TableName=config.settings().orders_table,
        KeyConditionExpression="payment_id = :payment_id",
        ExpressionAttributeValues=items.to_item({":payment_id": payment_id}),
        ConsistentRead=True,
    )
    order, reversals = None, []
    for item in page["Items"]:
        if item["record"]["S"] == items.ORDER:
            order = items.order_of(item)
        else:
            reversals.append(items.reversal_of(item))
    by_age = sorted(reversals, key=lambda reversal: reversal.created_at)
    return Payment(order, by_age) if order else None


def load_books(payment: Payment, now: datetime) -> Books:
    """All that decides over a settled order's reversals; 1 request, and another where the order's lot has expired."""
    order = payment.order
    assert order.credits_expire_at, "Bug! a settled order knows when its credits expire"
    wallet, lots = credits.load_credits(order.user_id, now)
    own_lot = next((lot for lot in lots if lot.lot_id == order.payment_id), None) or credits.load_lot(
        order.user_id, order.payment_id, order.credits_expire_at
    )
    if own_lot is None:
        raise LostRace("the order's lot is not there")
    return Books(order=order, reversals=payment.reversals, wallet=wallet, lots=lots, own_lot=own_lot)


def record_reversal(change: ReversalChange) -> None:
    """Write a refund's or dispute's move, completely or not at all; raises LostRace."""
    writes: list[Any] = [_order_write(change), _reversal_write(change)]
    if change.credits:
        writes += credits.change_writes(change.credits)
    with races_told_apart():
        client().transact_write_items(TransactItems=writes)


def _order_write(change: ReversalChange) -> dict[str, Any]:
    before = change.order_before
    values = {
        ":status_read": before.status.value,
        ":refunded_read": before.refunded_minor,
        ":disputed_read": before.disputed_minor,
        ":clawed_read": before.clawed_back,
        ":swept_read": before.credits_swept,
    }
    if change.order_after == before:
        return {
            "ConditionCheck": {
                **orders.order_address(before),
                "ConditionExpression": FIGURES_UNCHANGED_SINCE_READ,
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": items.to_item(values),
            }
        }
    return {"Update": orders.update_of(before, change.order_after, FIGURES_UNCHANGED_SINCE_READ, values)}


def _reversal_write(change: ReversalChange) -> dict[str, Any]:
    put: dict[str, Any] = {
        "TableName": config.settings().orders_table,
        "Item": items.reversal_item(change.after),
        "ConditionExpression": NOT_YET_RECORDED,
    }
    if change.before:
        put["ConditionExpression"] = STANDING_UNCHANGED_SINCE_READ
        put["ExpressionAttributeValues"] = items.to_item(
            {":standing_read": change.before.standing.value, ":clawed_read": change.before.clawed}
        )
    return {"Put": put}
