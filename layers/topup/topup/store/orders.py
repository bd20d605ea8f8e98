"""Read orders, and write their changes: among them the transaction that fulfils one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from topup.domain.credits import Entry, Wallet
from topup.domain.errors import Busy
from topup.domain.orders import Advance, Change, Order, Settlement, Status
from topup.domain.times import to_sortable_text
from topup.runtime import config
from topup.store import attributes, credit_items, credits, lot_writes, order_items
from topup.store.client import client
from topup.store.races import LostRace, LotExists, detect_lost_race
from topup.store.updates import update_changed

# An id is placed once: a second request gets the order that exists.
NOT_YET_PLACED = "attribute_not_exists(payment_id)"
# An update was decided on this status: the first one to write wins, the other decides again.
STATUS_UNCHANGED_SINCE_READ = "#status = :status_read"
# The same for the Checkout Session, which `attach_session` may be storing at this moment.
SESSION_UNCHANGED_SINCE_READ = "provider_order_id = :session_read"
STILL_NO_SESSION = "attribute_not_exists(provider_order_id)"
# An order keeps its first Checkout Session: a buyer may have its address already.
NO_OTHER_SESSION = "(attribute_not_exists(provider_order_id) OR provider_order_id = :session_id)"
# An order that has an address keeps it: once it is settled, it has only the part that names the session.
STILL_NO_ADDRESS = "attribute_not_exists(payment_url)"
# The user has not been erased since: what was asked for in their name must not be done in that of the pseudonym.
STILL_THE_USERS = "user_id = :user_read"
# An order that has ended is not looked at any more, so nobody may be sent to a session of it.
NOT_ENDED = "NOT #status IN (:expired, :failed)"
# Nobody has tried to open another session since. Two retries that both saw this attempt fail must open one new attempt,
# not two; and an order keeps the attempt that its session was opened for, because the payment carries it.
SAME_ATTEMPT = "attempt = :attempt_read"
# Another payment of the order may be quarantined at this moment: then the order waits for a person.
QUARANTINE_UNCHANGED_SINCE_READ = "quarantine_reason = :quarantine_read"
STILL_NOT_QUARANTINED = "attribute_not_exists(quarantine_reason)"
# Nobody has looked at it since: when it is looked at next would be overwritten.
LOOK_UNCHANGED_SINCE_READ = "next_look_at = :look_read"
STILL_NO_LOOK = "attribute_not_exists(next_look_at)"
# Nobody has decided over its quarantine since: the order cannot be fulfilled while its money goes back. And none of its
# other payments has been refused. Nothing leaves one of these two lists without a change of the other.
LIST_UNCHANGED_SINCE_READ = "size({0}) = :{0}_read"
STILL_NO_LIST = "attribute_not_exists({0})"
# Stripe is asked about an order at most once per interval, however many requests look at it.
NOT_SYNCED_SINCE = "attribute_exists(payment_id) AND (attribute_not_exists(synced_at) OR synced_at <= :latest)"


def place_order(order: Order) -> Order:
    """Write a new order and return it; if its id is taken, write nothing and return the order that has it."""
    existing = _write_unless("put_item", Item=order_items.order_to_item(order), ConditionExpression=NOT_YET_PLACED)
    return order_items.order_from_item(existing) if existing else order


def load_order(payment_id: str) -> Order | None:
    """The order, read consistently."""
    found = client().get_item(
        TableName=config.settings().orders_table, Key=order_items.order_key(payment_id), ConsistentRead=True
    )
    return order_items.order_from_item(found["Item"]) if "Item" in found else None


def load_orders_of(entries: Iterable[Entry]) -> list[Order]:
    """The orders that these entries (at most a hundred) name a package of, if they exist; 1 request. Raises Busy."""
    payment_ids = {entry.payment_id for entry in entries if entry.payment_id and entry.cause.package}
    if not payment_ids:
        return []
    table = config.settings().orders_table
    keys = [order_items.order_key(payment_id) for payment_id in payment_ids]
    found = client().batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
    if found.get("UnprocessedKeys"):
        raise Busy("DynamoDB returned only part of the read; please retry")
    return [order_items.order_from_item(item) for item in found["Responses"].get(table, [])]


def load_order_and_wallet(payment_id: str, user_id: str) -> tuple[Order | None, Wallet]:
    """The order and its user's wallet, read consistently; 1 request where `user_id` is the order's."""
    settings = config.settings()
    records = [credit_items.WALLET]
    found = client().batch_get_item(
        RequestItems={
            settings.orders_table: {"Keys": [order_items.order_key(payment_id)], "ConsistentRead": True},
            settings.credits_table: {"Keys": credit_items.keys(user_id, records), "ConsistentRead": True},
        }
    )
    if found.get("UnprocessedKeys"):
        raise LostRace("DynamoDB returned only part of the read")
    orders, its = (found["Responses"].get(table, []) for table in (settings.orders_table, settings.credits_table))
    order = order_items.order_from_item(orders[0]) if orders else None
    if order is not None and order.user_id != user_id:
        user_id, its = order.user_id, credits.load_records(order.user_id, records)
    return order, credit_items.wallet_from_item(user_id, its[0] if its else None)


def list_orders(user_id: str, limit: int, after: Sequence[str] | None) -> tuple[list[Order], tuple[str, str] | None]:
    """At most `limit` of the user's orders, newest first, and the position of the last one if there may be more.

    `after` is such a position: (created_at, payment_id). Eventually consistent: a list, never a basis for decisions.
    """
    request: dict[str, Any] = {}
    if after is not None:
        request["ExclusiveStartKey"] = order_items.order_key(after[1]) | attributes.to_item(
            {"user_id": user_id, "created_at": after[0]}
        )
    page = client().query(
        TableName=config.settings().orders_table,
        IndexName="by_user",
        KeyConditionExpression="user_id = :user_id",
        ExpressionAttributeValues=attributes.to_item({":user_id": user_id}),
        ScanIndexForward=False,
        Limit=limit,
        **request,
    )
    orders = [order_items.order_from_item(item) for item in page["Items"]]
    more = "LastEvaluatedKey" in page
    return orders, (to_sortable_text(orders[-1].created_at), orders[-1].payment_id) if more and orders else None


def record_order_change(change: Change) -> None:
    """Write a decision, completely or not at all; raises LostRace when what it was based on has changed.

    Raises LotExists where the order's lot is there already: then the orders table is older than the credits table.
    """
    update = _order_update(change)
    match change:
        case Advance():
            with detect_lost_race():
                client().update_item(**update)
        case Settlement(grant=grant):
            with detect_lost_race(), credits.changing(grant) as writes, _detect_lot():
                once = [write for lot in grant.new_lots for write in lot_writes.granted_once(lot)]
                client().transact_write_items(TransactItems=[{"Update": update}, *once, *writes])


@contextmanager
def _detect_lot() -> Iterator[None]:
    """Raise LotExists where a lot, its timer or the mark of its grant is all that a transaction was refused for."""
    try:
        yield
    except ClientError as error:
        reasons = error.response.get("CancellationReasons", [])
        refused = [reason for reason in reasons if reason.get("Code") != "None"]
        existing = [reason["Item"] for reason in refused if "Item" in reason]
        if existing and len(existing) == len(refused):
            raise LotExists(credit_items.expiry_of(existing[0])) from error
        raise


def attach_session(order: Order, session_id: str, payment_url: str) -> Order:
    """Store the Checkout Session that was opened for an order, and return the order with it.

    If the order has the address of one, that one stays and is returned: the buyer may have it already. Raises LostRace
    where the order has ended, got another attempt or was erased since it was read.
    """
    existing = _write_unless(
        "update_item",
        Key=order_items.order_key(order.payment_id),
        UpdateExpression="SET provider_order_id = :session_id, payment_url = :payment_url",
        ConditionExpression=f"{NO_OTHER_SESSION} AND {STILL_NO_ADDRESS} AND {NOT_ENDED}"
        f" AND {SAME_ATTEMPT} AND {STILL_THE_USERS}",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues=attributes.to_item(
            {
                ":session_id": session_id,
                ":payment_url": payment_url,
                ":expired": Status.EXPIRED.value,
                ":failed": Status.FAILED.value,
                ":attempt_read": order.attempt,
                ":user_read": order.user_id,
            }
        ),
    )
    if existing is not None:
        stored = order_items.order_from_item(existing) if existing else None
        if stored is None or not stored.payment_url:
            raise LostRace("the order has ended, got another attempt or was erased")
        return stored
    return replace(order, provider_order_id=session_id, payment_url=payment_url)


def reopen(ended: Order, order: Order) -> None:
    """Give an order that ended without a session another attempt; raises LostRace."""
    with detect_lost_race():
        client().update_item(**_order_update(Advance(before=ended, after=order)))


def next_attempt(order: Order) -> None:
    """Give the next try to open a session a new key: Stripe replays the failure of this one for a day.

    Writes nothing where another request has opened a session, or begun the next attempt, since the order was read.
    """
    _write_unless(
        "update_item",
        Key=order_items.order_key(order.payment_id),
        UpdateExpression="SET attempt = :attempt",
        ConditionExpression=f"{SAME_ATTEMPT} AND {STILL_NO_SESSION}",
        ExpressionAttributeValues=attributes.to_item({":attempt": order.attempt + 1, ":attempt_read": order.attempt}),
    )


def claim_sync(payment_id: str, now: datetime, interval: timedelta) -> bool:
    """Whether this caller may ask Stripe about the order: one may in each interval."""
    refused = _write_unless(
        "update_item",
        Key=order_items.order_key(payment_id),
        UpdateExpression="SET synced_at = :now",
        ConditionExpression=NOT_SYNCED_SINCE,
        ExpressionAttributeValues=attributes.to_item(
            {":now": to_sortable_text(now), ":latest": to_sortable_text(now - interval)}
        ),
    )
    return refused is None


def claim_look(order: Order, now: datetime, next_look_at: datetime) -> Order | None:
    """Move the order's next look on, and return it; None if another caller has looked, or has changed what is due.

    The caller may ask Stripe about it, as after `claim_sync`.
    """
    claimed = replace(order, next_look_at=next_look_at, synced_at=now)
    unread: dict[str, Any] = {"waits_for": "", "waits_since": ""}  # an older version may have written another time
    conditions, values = _still_as_read(order)
    read, wanted = order_items.order_fields(order) | unread, order_items.order_fields(claimed)
    update = update_changed(read, wanted, " AND ".join(conditions), values)
    refused = _write_unless("update_item", Key=order_items.order_key(order.payment_id), **update)
    return claimed if refused is None else None


def _write_unless(operation: str, **request: Any) -> Mapping[str, Any] | None:
    """Write to the orders table on a condition: None if written, else the existing item (or {})."""
    write = getattr(client(), operation)
    try:
        write(
            TableName=config.settings().orders_table,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **request,
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
            raise
        item: Mapping[str, Any] = error.response.get("Item", {})  # type: ignore[assignment]
        return item
    return None


def order_address(order: Order) -> dict[str, Any]:
    """The table and key of the order, for a write."""
    return {"TableName": config.settings().orders_table, "Key": order_items.order_key(order.payment_id)}


def order_update(before: Order, after: Order, condition: str, condition_values: Mapping[str, Any]) -> Any:
    """The update of the order's fields that changed."""
    read, wanted = order_items.order_fields(before), order_items.order_fields(after)
    return {**order_address(after), **update_changed(read, wanted, condition, condition_values)}


def _order_update(change: Change) -> Any:
    before = change.before
    session = SESSION_UNCHANGED_SINCE_READ if before.provider_order_id else STILL_NO_SESSION
    conditions, values = _still_as_read(before)
    values |= {":session_read": before.provider_order_id, ":attempt_read": before.attempt}
    return order_update(before, change.after, " AND ".join((session, SAME_ATTEMPT, *conditions)), values)


def _still_as_read(order: Order) -> tuple[Sequence[str], dict[str, Any]]:
    """Nothing has changed that a decision about the order depends on: the conditions of a write, and their values."""
    lists = {"releases": order.releases, "refused_besides": order.refused_besides}
    conditions = (
        STILL_THE_USERS,
        STATUS_UNCHANGED_SINCE_READ,
        LOOK_UNCHANGED_SINCE_READ if order.next_look_at else STILL_NO_LOOK,
        QUARANTINE_UNCHANGED_SINCE_READ if order.quarantine_reason else STILL_NOT_QUARANTINED,
        *((LIST_UNCHANGED_SINCE_READ if read else STILL_NO_LIST).format(name) for name, read in lists.items()),
    )
    values = {
        ":user_read": order.user_id,
        ":status_read": order.status.value,
        ":look_read": attributes.text_of(order.next_look_at),
        ":quarantine_read": order.quarantine_reason,
        **{f":{name}_read": len(read) or None for name, read in lists.items()},
    }
    return conditions, values
