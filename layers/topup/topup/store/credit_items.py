"""Wallets, lots, ledger entries and timers as DynamoDB items, and their keys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from topup.domain import times
from topup.domain.credits import Entry, Lot, TransactionType, Wallet
from topup.store.attributes import Item, from_item, moment_of, to_item

WALLET = "WALLET"
ENTRY = "ENTRY#"
TIMER = "EXPIRY#"
LOT = "LOT#"
MARKER = "IDEMPOTENCY#"
TTL_ATTRIBUTE = "ttl"  # as in template.yaml; only timers and request markers have it


def wallet_key(user_id: str) -> Item:
    return to_item({"user_id": user_id, "record": WALLET})


def wallet_to_item(wallet: Wallet) -> Item:
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


def wallet_from_item(user_id: str, item: Mapping[str, Any] | None) -> Wallet:
    """The wallet of an item; a user without one has an empty wallet."""
    fields = from_item(item or {})
    figures = ("balance", "total_credits_earned", "debt", "last_entry")
    return Wallet(user_id=user_id, **{name: fields[name] for name in figures if name in fields})


def lots_from(moment: datetime) -> str:
    """Where the lots that expire at `moment` or later begin."""
    return f"{LOT}{times.to_text(moment)}"


def lot_record(expires_at: datetime, lot_id: str) -> str:
    return f"{lots_from(expires_at)}#{lot_id}"


def lot_key(lot: Lot) -> Item:
    return to_item({"user_id": lot.user_id, "record": lot_record(lot.expires_at, lot.lot_id)})


def lot_to_item(lot: Lot) -> Item:
    return to_item(
        {
            "user_id": lot.user_id,
            "record": lot_record(lot.expires_at, lot.lot_id),
            "lot_id": lot.lot_id,
            "payment_id": lot.payment_id,
            "package_name": lot.package_name,
            "granted": lot.granted,
            "remaining": lot.remaining,
            "expired_credits": lot.expired_credits,
            "expires_at": times.to_text(lot.expires_at),
        }
    )


def lot_from_item(item: Mapping[str, Any]) -> Lot:
    fields = from_item(item)
    return Lot(
        lot_id=fields["lot_id"],
        user_id=fields["user_id"],
        payment_id=fields["payment_id"],
        package_name=fields["package_name"],
        granted=fields["granted"],
        remaining=fields["remaining"],
        expired_credits=fields["expired_credits"],
        expires_at=times.from_text(fields["expires_at"]),
    )


def timer_item(lot: Lot) -> Item:
    """The timer whose deletion by TTL starts the lot's expiry. The lot itself stays, so a lost record loses nothing."""
    return to_item(
        {
            "user_id": lot.user_id,
            "record": f"{TIMER}{lot.lot_id}",
            "lot_record": lot_record(lot.expires_at, lot.lot_id),
            TTL_ATTRIBUTE: int(lot.expires_at.timestamp()),
        }
    )


def entry_record(number: int) -> str:
    return f"{ENTRY}{number:012}"


def entry_to_item(entry: Entry) -> Item:
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


def entry_from_item(item: Mapping[str, Any]) -> Entry:
    fields = from_item(item)
    return Entry(
        user_id=fields["user_id"],
        number=fields["number"],
        transaction_type=TransactionType(fields["transaction_type"]),
        amount=fields["amount"],
        balance_after=fields["balance_after"],
        payment_id=fields.get("payment_id"),
        description=fields["description"],
        expires_at=moment_of(fields.get("expires_at")),
        moves=fields["moves"],
        debt_change=fields["debt_change"],
        created_at=times.from_text(fields["created_at"]),
    )
