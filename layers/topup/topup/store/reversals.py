"""Read a payment with its refunds and disputes, and write the transaction that changes one of them."""

from datetime import datetime
from typing import Any

from topup.domain.payments import Payment, ReversalChange, SettledPayment
from topup.runtime import config
from topup.store import attributes, credits, order_items, orders
from topup.store.client import client
from topup.store.races import LostRace, detect_lost_race

# No other refund or dispute of this order has been added or changed since it was read.
FIGURES_UNCHANGED_SINCE_READ = (
    "#status = :status_read AND refunded_minor = :refunded_read AND disputed_minor = :disputed_read"
    " AND clawed_back = :clawed_back_read AND credits_swept = :swept_read"
)
# A refund or dispute is recorded once, by the first update of it.
NOT_YET_RECORDED = "attribute_not_exists(payment_id)"
# Its change was decided on what was read.
REVERSAL_UNCHANGED_SINCE_READ = "#status = :status_read AND clawed_back = :clawed_back_read"


def load_payment(payment_id: str) -> Payment | None:
    """The order with its refunds and disputes, read consistently; 1 request."""
    page = client().query(
        TableName=config.settings().orders_table,
        KeyConditionExpression="payment_id = :payment_id",
        ExpressionAttributeValues=attributes.to_item({":payment_id": payment_id}),
        ConsistentRead=True,
    )
    order, reversals = None, []
    for item in page["Items"]:
        if item["record"]["S"] == order_items.ORDER:
            order = order_items.order_from_item(item)
        else:
            reversals.append(order_items.reversal_from_item(item))
    by_age = sorted(reversals, key=lambda reversal: reversal.created_at)
    return Payment(order, by_age) if order else None


def load_settled_payment(payment: Payment, now: datetime) -> SettledPayment:
    """A settled payment with its user's credits; 1 request, and another where the order's lot has expired."""
    order = payment.order
    assert order.credits_expire_at, "Bug! a settled order knows when its credits expire"
    wallet, lots = credits.load_credits(order.user_id, now)
    own_lot = next((lot for lot in lots if lot.lot_id == order.payment_id), None) or credits.load_lot(
        order.user_id, order.payment_id, order.credits_expire_at
    )
    if own_lot is None:
        raise LostRace("the order's lot is not there")
    return SettledPayment(order=order, reversals=payment.reversals, wallet=wallet, lots=lots, own_lot=own_lot)


def record_reversal(change: ReversalChange) -> None:
    """Write a change of a refund or dispute, completely or not at all; raises LostRace."""
    writes: list[Any] = [_order_write(change), _reversal_write(change)]
    if change.credits:
        writes += credits.change_writes(change.credits)
    with detect_lost_race():
        client().transact_write_items(TransactItems=writes)


def _order_write(change: ReversalChange) -> dict[str, Any]:
    before = change.order_before
    values = {
        ":status_read": before.status.value,
        ":refunded_read": before.refunded_minor,
        ":disputed_read": before.disputed_minor,
        ":clawed_back_read": before.clawed_back,
        ":swept_read": before.credits_swept,
    }
    if change.order_after == before:
        return {
            "ConditionCheck": {
                **orders.order_address(before),
                "ConditionExpression": FIGURES_UNCHANGED_SINCE_READ,
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": attributes.to_item(values),
            }
        }
    return {"Update": orders.changed_fields_update(before, change.order_after, FIGURES_UNCHANGED_SINCE_READ, values)}


def _reversal_write(change: ReversalChange) -> dict[str, Any]:
    put: dict[str, Any] = {
        "TableName": config.settings().orders_table,
        "Item": order_items.reversal_to_item(change.after),
        "ConditionExpression": NOT_YET_RECORDED,
    }
    if change.before:
        put["ConditionExpression"] = REVERSAL_UNCHANGED_SINCE_READ
        put["ExpressionAttributeValues"] = attributes.to_item(
            {":status_read": change.before.status.value, ":clawed_back_read": change.before.clawed_back}
        )
        put["ExpressionAttributeNames"] = {"#status": "status"}
    return {"Put": put}
