"""How the domain's values look as DynamoDB items, and the keys under which they are found."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from topup.domain import times
from topup.domain.credits import Entry, Lot, TransactionType, Wallet
from topup.domain.orders import Order, Status

Item = dict[str, Any]

ORDER = "ORDER"
WALLET = "WALLET"
ENTRY = "ENTRY#"
EXPIRES = "EXPIRY#"
LOT = "LOT#"
TTL_ATTRIBUTE = "ttl"  # as in template.yaml; only timers and request markers have it

# A record that waits for something is found through the index `waiting`, under what it waits for.
WAITS_FOR_PAYMENT = "payment"

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def to_item(fields: Mapping[str, Any]) -> Item:
    """DynamoDB's form of plain fields; what is None is left out, so that sparse indexes stay sparse."""
    return {name: _serialize(value) for name, value in fields.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> Item:
    """Plain fields of DynamoDB's form, whole numbers as int."""
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
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
        "return_url": order.return_url,
        "request_fingerprint": order.request_fingerprint,
        "attempt": order.attempt,
        "created_at": times.to_sortable_text(order.created_at),
        "paid_at": _text(order.paid_at),
        "synced_at": _text(order.synced_at),
        **waiting_fields(order),
    }


def waiting_fields(order: Order) -> dict[str, str | None]:
    """What puts an order into the index `waiting`, or takes it out."""
    if not order.is_unfinished:
        return {"waits_for": None, "waits_since": None}
    return {"waits_for": WAITS_FOR_PAYMENT, "waits_since": times.to_sortable_text(order.created_at)}


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
        return_url=fields["return_url"],
        request_fingerprint=fields["request_fingerprint"],
        attempt=fields["attempt"],
        created_at=times.from_text(fields["created_at"]),
        paid_at=_moment(fields.get("paid_at")),
        synced_at=_moment(fields.get("synced_at")),
    )


# -------------------------------------------------------------------------------------------------------- credits


def wallet_key(user_id: str) -> Item:
    return to_item({"user_id": user_id, "record": WALLET})


def wallet_item(wallet: Wallet) -> Item:
    return to_item(
        {
            "user_id": wallet.user_id,
            "record": WALLET,
            "balance": wallet.balance,
            "total_credits_earned": wallet.total_credits_earned,
            "debt": wallet.debt,
            "last_entry": wallet.last_entry,
        }
    )


def wallet_of(user_id: str, item: Mapping[str, Any] | None) -> Wallet:
    """The wallet of an item; a user without one has an empty wallet."""
    fields = from_item(item or {})
    figures = ("balance", "total_credits_earned", "debt", "last_entry")
    return Wallet(user_id=user_id, **{name: fields[name] for name in figures if name in fields})


def lots_from(moment: datetime) -> str:
    """Where the lots that expire at `moment` or later begin."""
    return f"{LOT}{times.to_text(moment)}"


def lot_record(lot: Lot) -> str:
    return f"{lots_from(lot.expires_at)}#{lot.lot_id}"


def lot_item(lot: Lot) -> Item:
    return to_item(
        {
            "user_id": lot.user_id,
            "record": lot_record(lot),
            "lot_id": lot.lot_id,
            "payment_id": lot.payment_id,
            "granted": lot.granted,
            "remaining": lot.remaining,
            "expires_at": times.to_text(lot.expires_at),
        }
    )


def lot_of(item: Mapping[str, Any]) -> Lot:
    fields = from_item(item)
    return Lot(
        lot_id=fields["lot_id"],
        user_id=fields["user_id"],
        payment_id=fields["payment_id"],
        granted=fields["granted"],
        remaining=fields["remaining"],
        expires_at=times.from_text(fields["expires_at"]),
    )


def timer_item(lot: Lot) -> Item:
    """The timer whose deletion by TTL starts the lot's expiry. The lot itself stays, so a lost record loses nothing."""
    return to_item(
        {
            "user_id": lot.user_id,
            "record": f"{EXPIRES}{lot.lot_id}",
            "lot_record": lot_record(lot),
            TTL_ATTRIBUTE: int(lot.expires_at.timestamp()),
        }
    )


def entry_record(number: int) -> str:
    return f"{ENTRY}{number:012}"


def entry_item(entry: Entry) -> Item:
    return to_item(
        {
            "user_id": entry.user_id,
            "record": entry_record(entry.number),
            "number": entry.number,
            "transaction_type": entry.transaction_type.value,
            "amount": entry.amount,
            "balance_after": entry.balance_after,
            "payment_id": entry.payment_id,
            "description": entry.description,
            "expires_at": times.to_text(entry.expires_at) if entry.expires_at else None,
            "moves": dict(entry.moves),
            "debt_change": entry.debt_change,
            "created_at": times.to_sortable_text(entry.created_at),
        }
    )


def entry_of(item: Mapping[str, Any]) -> Entry:
    fields = from_item(item)
    return Entry(
        user_id=fields["user_id"],
        number=fields["number"],
        transaction_type=TransactionType(fields["transaction_type"]),
        amount=fields["amount"],
        balance_after=fields["balance_after"],
        payment_id=fields.get("payment_id"),
        description=fields["description"],
        expires_at=_moment(fields.get("expires_at")),
        moves=fields["moves"],
        debt_change=fields["debt_change"],
        created_at=times.from_text(fields["created_at"]),
    )


def _text(moment: datetime | None) -> str | None:
    return times.to_sortable_text(moment) if moment else None


def _moment(text: str | None) -> datetime | None:
    return times.from_text(text) if text else None
