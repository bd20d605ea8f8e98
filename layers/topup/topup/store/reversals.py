"""Read a payment with its refunds and disputes, and write the transaction that changes one of them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from topup.domain import clawbacks
from topup.domain.credits import Wallet
from topup.domain.errors import Busy
from topup.domain.lots import Lot
from topup.domain.orders import Order
from topup.domain.payments import Payment, ReversalChange, SettledPayment
from topup.domain.reversals import Kind, Reversal, reversed_by
from topup.domain.takings import Clawback
from topup.runtime import config
from topup.store import attributes, clawback_items, credits, order_items, orders, pages, user_credits
from topup.store.client import client
from topup.store.races import LostRace, detect_lost_race
from topup.store.updates import update_changed

# No other refund or dispute of this order has been added or changed since it was read.
FIGURES_UNCHANGED_SINCE_READ = (
    "#status = :status_read AND refunded_minor = :refunded_read AND disputed_minor = :disputed_read"
    " AND clawed_back = :clawed_back_read"
    " AND (attribute_not_exists(reversal_changes) OR reversal_changes = :changes_read)"
)
# A refund or dispute is recorded once, by the first update of it.
NOT_YET_RECORDED = "attribute_not_exists(payment_id)"
# Its change was decided on what was read. A refusal ends a refund only while no other request tries to make it.
REVERSAL_UNCHANGED_SINCE_READ = (
    "#status IN (:status_read, :older_word) AND clawed_back = :clawed_back_read"
    " AND (attribute_not_exists(tries) OR tries = :tries_read)"
)
READS = 4  # of a payment on several pages (a page is 1 MB, hundreds of refunds) that changes while it is read
# Nobody has heard of the refund's outcome, and no other request has begun the next try to make it, or, of a version
# that does not count tries, the next attempt.
STILL_IN_FLIGHT_AND_NOT_TRIED_AGAIN = (
    "#status = :status_read AND (tries = :tries_read OR attribute_not_exists(tries))"
    " AND (attempt = :attempt_read OR attribute_not_exists(attempt))"
)


def load_payment(payment_id: str) -> Payment | None:
    """The order with its refunds and disputes, as they were at one moment; 1 request, and more where they change then.

    Raises Busy where a payment changes again and again while it is read.
    """
    query = _query("payment_id = :payment_id", {":payment_id": payment_id})
    page = client().query(**query)
    payment = _payment_from_items(page["Items"])
    if "LastEvaluatedKey" not in page and (payment is None or _adds_up(payment)):
        return payment
    order_alone = _query(
        "payment_id = :payment_id AND #record = :order", {":payment_id": payment_id, ":order": order_items.ORDER}
    ) | {"ExpressionAttributeNames": {"#record": "record"}}
    # A refund or dispute that counts changes the order too: the same order before and after means that all of it
    # belongs together. Disputes stand before the order in the table, and refunds after it.
    before = _payment_from_items(pages.query_all(order_alone))
    for _ in range(READS):
        payment = _payment_from_items(pages.query_all(query))
        after = _payment_from_items(pages.query_all(order_alone))
        if before == after:
            return payment
        before = after
    raise Busy("The payment is changing; please retry")


def _adds_up(payment: Payment) -> bool:
    """Whether the refunds and disputes make the order's figures, as they do at every moment."""
    figures = {Kind.REFUND: payment.order.refunded_minor, Kind.DISPUTE: payment.order.disputed_minor}
    return all(reversed_by(kind, payment.reversals) == figure for kind, figure in figures.items())


def with_reversals(listed: Iterable[Order]) -> list[Payment]:
    """Listed orders with their refunds and disputes; 1 request for each order that has any, else none."""
    return [_with_reversals(order) for order in listed]


def _with_reversals(order: Order) -> Payment:
    # An older version, which may run beside this one, changes the figures and does not count the changes.
    has_any = order.has_reversals or order.reversed_minor or order.clawed_back
    # Both from one read: the list's order may be older than its refunds.
    payment = load_payment(order.payment_id) if has_any else None
    return payment or Payment(order, ())


def _query(condition: str, values: Mapping[str, str]) -> dict[str, Any]:
    return {
        "TableName": config.settings().orders_table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": attributes.to_item(values),
        "ConsistentRead": True,
    }


def _payment_from_items(items: Iterable[Any]) -> Payment | None:
    order, reversals = None, []
    for item in items:
        if item["record"]["S"] == order_items.ORDER:
            order = order_items.order_from_item(item)
        elif item["record"]["S"].startswith(tuple(order_items.REVERSAL_PREFIX.values())):
            reversals.append(order_items.reversal_from_item(item))
    by_age = sorted(reversals, key=lambda reversal: reversal.created_at)
    return Payment(order, by_age) if order else None


def load_settled_payment(payment: Payment, now: datetime) -> SettledPayment:
    """A settled payment with its user's credits; 2 requests, and more where credits are out or have come back."""
    order = payment.order
    user = user_credits.load_credits(order.user_id, now)
    wallet, lots = user.wallet, user.lots
    # Also where the order has nothing out: a restored orders table is older than the credits table.
    own_lots, out = _load_out(order, wallet)
    known = {lot.lot_id for lot in (*lots, *own_lots)}
    taken = {taking.lot_id: taking.expires_at for taking in out.takings if taking.lot_id not in known | {""}}
    return SettledPayment(
        order=order,
        reversals=payment.reversals,
        wallet=wallet,
        lots=lots,
        own_lots=own_lots,
        out=out,
        taken_lots=credits.load_lots(wallet, taken) if taken else (),
        holds=user.holds,
    )


def _load_out(order: Order, wallet: Wallet) -> tuple[list[Lot], Clawback]:
    """The order's own lots, and what its reversals have out; 1 request, and another for lots that continue its own."""
    own = {order.payment_id: order.credits_expire_at}
    record = clawback_items.clawback_record(order.payment_id)
    found = {
        item["record"]["S"]: item for item in credits.load_records(order.user_id, [record, *credits.lot_records(own)])
    }
    item = found.pop(record, None)
    own_lots = [credits.finished(wallet, lot) for lot in found.values()]
    if not own_lots:
        raise LostRace("the order's lot is not there")
    empty = Clawback(payment_id=order.payment_id, is_whole=False)
    out = clawback_items.clawback_from_item(item) if item else empty
    if not out.is_whole:
        own_lot = own_lots[0]
        life = own_lot.expires_at - order.paid_at if own_lot.expires_at and order.paid_at else None
        out = clawbacks.assumed(out, wallet, own_lot, order.clawed_back, life)
    return [*own_lots, *credits.load_lots(wallet, out.continued_by)], out


def record_reversal(change: ReversalChange) -> None:
    """Write a change of a refund or dispute, completely or not at all; raises LostRace."""
    with detect_lost_race(), credits.changing(change.credits) as writes:
        client().transact_write_items(TransactItems=[_order_write(change), _reversal_write(change), *writes])


def begin_try(refund: Reversal, wanted: Reversal, now: datetime) -> Reversal:
    """Count the next try to make a refund in flight, before it is made; `wanted` may name another key at Stripe.

    Raises LostRace where another request has begun it, or the outcome is recorded.
    """
    begun = replace(wanted, tries=refund.tries + 1, tried_last_at=now)
    read = {":status_read": refund.status.value, ":tries_read": refund.tries, ":attempt_read": refund.attempt}
    fields, wanted_fields = order_items.reversal_fields(refund), order_items.reversal_fields(begun)
    update = update_changed(fields, wanted_fields, STILL_IN_FLIGHT_AND_NOT_TRIED_AGAIN, read)
    with detect_lost_race():
        client().update_item(TableName=config.settings().orders_table, Key=order_items.reversal_key(refund), **update)
    return begun


def _order_write(change: ReversalChange) -> Any:
    before, after = change.order_before, change.order_after
    values = {
        ":status_read": before.status.value,
        ":refunded_read": before.refunded_minor,
        ":disputed_read": before.disputed_minor,
        ":clawed_back_read": before.clawed_back,
        ":changes_read": before.reversal_changes,
    }
    if after == before:
        return {
            "ConditionCheck": {
                **orders.order_address(before),
                "ConditionExpression": FIGURES_UNCHANGED_SINCE_READ,
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": attributes.to_item(values),
            }
        }
    return {"Update": orders.order_update(before, after, FIGURES_UNCHANGED_SINCE_READ, values)}


def _reversal_write(change: ReversalChange) -> Any:
    table = config.settings().orders_table
    if change.before is None:
        item = order_items.reversal_to_item(change.after)
        return {"Put": {"TableName": table, "Item": item, "ConditionExpression": NOT_YET_RECORDED}}
    before = change.before
    read = {
        ":status_read": before.status.value,
        ":older_word": order_items.older_word(before.status),
        ":clawed_back_read": before.clawed_back,
        ":tries_read": before.tries,
    }
    fields, wanted = order_items.reversal_fields(before), order_items.reversal_fields(change.after)
    update = update_changed(fields, wanted, REVERSAL_UNCHANGED_SINCE_READ, read)
    return {"Update": {"TableName": table, "Key": order_items.reversal_key(before), **update}}
