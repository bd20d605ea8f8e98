"""How orders, refunds and disputes look as DynamoDB items, and the keys under which they are found."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from topup.domain import times
from topup.domain.orders import Order, Status
from topup.domain.reversal_kinds import Kind, Standing
from topup.domain.reversals import Reversal

Item = dict[str, Any]

ORDER = "ORDER"
REVERSAL_PREFIX = {Kind.REFUND: "REFUND#", Kind.DISPUTE: "DISPUTE#"}

# A record that waits for something is found through the index `waiting`, under what it waits for.
# Orders are spread over as many partitions of it as their ids have first digits: one would limit all purchases.
WAITS_FOR_PAYMENT = "payment"
WAITS_FOR_EXPIRY = "expiry"
WAITS_FOR_REFUND = "refund"
SHARDS = "0123456789abcdef"


def to_item(fields: Mapping[str, Any]) -> Item:
    """DynamoDB's form of plain fields; what is None is left out, so that sparse indexes stay sparse."""
    return {name: _typed(value) for name, value in fields.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> Item:
    """Plain fields of DynamoDB's form, whole numbers as int."""
    return {name: _plain(value) for name, value in item.items()}


# boto3.dynamodb.types does the same for every type there is, and importing it imports all of boto3.


def _typed(value: Any) -> Item:
    match value:
        case bool():  # before int, of which it is one
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case dict():
            return {"M": {name: _typed(part) for name, part in value.items()}}
    raise TypeError(f"Bug! items hold no {type(value).__name__}")


def _plain(attribute: Mapping[str, Any]) -> Any:
    [(kind, value)] = attribute.items()
    match kind:
        case "N":
            return int(Decimal(value))
        case "M":
            return from_item(value)
        case "L":
            return [_plain(part) for part in value]
        case "NULL":
            return None
        case _:  # a text or a truth; or what somebody added by hand, and nothing here reads
            return value


# --------------------------------------------------------------------------------------------------------- orders


def order_key(payment_id: str) -> Item:
    return to_item({"payment_id": payment_id, "record": ORDER})


def order_fields(order: Order) -> dict[str, Any]:
    """All attributes of an order's item but its key."""
    return {
        "user_id": order.user_id,
        "provider": order.provider,
        "provider_order_id": order.provider_order_id,
        "package": {"id": order.package_id, "name": order.package_name},
        "amount_minor": order.amount_minor,
        "currency": order.currency,
        "credits_purchased": order.credits_purchased,
        "livemode": order.livemode,
        "status": order.status.value,
        "payment_url": order.payment_url,
        "transaction_id": order.transaction_id,
        "error_message": order.error_message,
        "quarantine_reason": order.quarantine_reason,
        "rejected_intent": order.rejected_intent,
        "return_url": order.return_url,
        "request_fingerprint": order.request_fingerprint,
        "attempt": order.attempt,
        "created_at": times.to_sortable_text(order.created_at),
        "paid_at": text_of(order.paid_at),
        "credits_expire_at": text_of(order.credits_expire_at),
        "credits_swept": order.credits_swept,
        "refunded_minor": order.refunded_minor,
        "disputed_minor": order.disputed_minor,
        "clawed_back": order.clawed_back,
        "synced_at": text_of(order.synced_at),
        **waiting_fields(order),
    }


def waiting_fields(order: Order) -> dict[str, str | None]:
    """What puts an order into the index `waiting`, or takes it out."""
    if order.is_unfinished:
        return _waits(WAITS_FOR_PAYMENT, order.payment_id, order.created_at)
    if order.credits_expire_at and not order.credits_swept:
        return _waits(WAITS_FOR_EXPIRY, order.payment_id, order.credits_expire_at)
    return {"waits_for": None, "waits_since": None}


def _waits(what: str, payment_id: str, since: datetime) -> dict[str, str | None]:
    return {"waits_for": f"{what}:{payment_id[0]}", "waits_since": times.to_sortable_text(since)}


def order_of(item: Mapping[str, Any]) -> Order:
    fields = from_item(item)
    package = fields["package"]
    return Order(
        payment_id=fields["payment_id"],
        user_id=fields["user_id"],
        provider=fields["provider"],
        provider_order_id=fields.get("provider_order_id"),
        package_id=package["id"],
        package_name=package["name"],
        amount_minor=fields["amount_minor"],
        currency=fields["currency"],
        credits_purchased=fields["credits_purchased"],
        livemode=fields["livemode"],
        status=Status(fields["status"]),
        payment_url=fields.get("payment_url"),
        transaction_id=fields.get("transaction_id"),
        error_message=fields.get("error_message"),
        quarantine_reason=fields.get("quarantine_reason"),
        rejected_intent=fields.get("rejected_intent"),
        return_url=fields["return_url"],
        request_fingerprint=fields["request_fingerprint"],
        attempt=fields["attempt"],
        created_at=times.from_text(fields["created_at"]),
        paid_at=moment_of(fields.get("paid_at")),
        credits_expire_at=moment_of(fields.get("credits_expire_at")),
        credits_swept=fields["credits_swept"],
        refunded_minor=fields["refunded_minor"],
        disputed_minor=fields["disputed_minor"],
        clawed_back=fields["clawed_back"],
        synced_at=moment_of(fields.get("synced_at")),
    )


# ------------------------------------------------------------------------------------------------------ reversals


def reversal_key(reversal: Reversal) -> Item:
    record = f"{REVERSAL_PREFIX[reversal.kind]}{reversal.reversal_id}"
    return to_item({"payment_id": reversal.payment_id, "record": record})


def reversal_item(reversal: Reversal) -> Item:
    is_in_flight = reversal.standing is Standing.IN_FLIGHT
    return reversal_key(reversal) | to_item(
        {
            "kind": reversal.kind.value,
            "reversal_id": reversal.reversal_id,
            "amount_minor": reversal.amount_minor,
            "standing": reversal.standing.value,
            "reason": reversal.reason,
            "stripe_id": reversal.stripe_id,
            "clawed": reversal.clawed,
            "requested_by": reversal.requested_by,
            "request_fingerprint": reversal.request_fingerprint,
            # Not created_at: an index over the orders of a user must not find their refunds.
            "made_at": times.to_sortable_text(reversal.created_at),
            "waits_for": WAITS_FOR_REFUND if is_in_flight else None,
            "waits_since": times.to_sortable_text(reversal.created_at) if is_in_flight else None,
        }
    )


def reversal_of(item: Mapping[str, Any]) -> Reversal:
    fields = from_item(item)
    return Reversal(
        kind=Kind(fields["kind"]),
        reversal_id=fields["reversal_id"],
        payment_id=fields["payment_id"],
        amount_minor=fields["amount_minor"],
        standing=Standing(fields["standing"]),
        created_at=times.from_text(fields["made_at"]),
        reason=fields.get("reason"),
        stripe_id=fields.get("stripe_id"),
        clawed=fields["clawed"],
        requested_by=fields.get("requested_by"),
        request_fingerprint=fields.get("request_fingerprint"),
    )


def text_of(moment: datetime | None) -> str | None:
    return times.to_sortable_text(moment) if moment else None


def moment_of(text: str | None) -> datetime | None:
    return times.from_text(text) if text else None
