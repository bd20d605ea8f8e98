"""Wallets, lots, ledger entries and timers as DynamoDB items, and their keys."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from topup.domain import times
from topup.domain.credits import Cause, Entry, TransactionType, Wallet
from topup.domain.holds import Hold
from topup.domain.lots import Funding, Lot, Source
from topup.store import hold_items
from topup.store.attributes import Item, from_item, moment_of, text_of, to_item

WALLET = "WALLET"
ENTRY = "ENTRY#"
TIMER = "EXPIRY#"
LOT = "LOT#"
# A lot without credits: outside of the range between LOT# and WALLET, which every spend reads.
EMPTY_LOT = "EMPTYLOT#"
CAMPAIGN = "GRANT#"
CLAWBACK = "CLAWBACK#"
MARKER = "IDEMPOTENCY#"
REVERSED_SPEND = "GIVENBACK#"  # sorts before LOT#, so that no spend reads it
# Between LOT# and WALLET: every spend must see who waits in line.
PENDING = "PENDING#"
TTL_ATTRIBUTE = "ttl"  # as in template.yaml; only timers, request markers and places in line have it
MOVES_FROM = "moves_from"  # of a pseudonym's wallet, while a user's records move to it: the user
COPIED = "is_copy"  # of a record that stood under another user's id: no event tells of it again
NEVER = "9999-12-31T23:59:59Z"  # the expiry in the key of a lot that has none

_LOT_FIELDS = {
    *("user_id", "record", "lot_id", "source", "funding", "name", "granted", "remaining", "expires_at"),
    *("expired_credits", "payment_id", "paid_minor", "currency", "package", "due_shard", "due_at"),
}


def wallet_key(user_id: str) -> Item:
    return to_item({"user_id": user_id, "record": WALLET})


def keys(user_id: str, records: Iterable[str]) -> list[Item]:
    """The keys of the user's items under these records."""
    return [to_item({"user_id": user_id, "record": record}) for record in records]


def wallet_to_item(wallet: Wallet) -> Item:
    return wallet_key(wallet.user_id) | to_item(wallet_fields(wallet))


def wallet_fields(wallet: Wallet) -> dict[str, Any]:
    """All fields of a wallet's item but its key."""
    return {
        "balance": wallet.balance,
        "total_credits_earned": wallet.total_credits_earned,
        "debt": wallet.debt,
        "debts": dict(wallet.debts) or None,
        "last_entry": wallet.last_entry,
        "version": wallet.version,
        "unfinished": dict(wallet.unfinished) or None,
        "spent_together_at": text_of(wallet.spent_together_at),
    }


def wallet_from_item(user_id: str, item: Mapping[str, Any] | None) -> Wallet:
    """The wallet of an item; a user without one has an empty wallet."""
    fields = from_item(item or {})
    known = ("balance", "total_credits_earned", "debt", "debts", "last_entry", "version", "unfinished", "moves_to")
    return Wallet(
        user_id=user_id,
        spent_together_at=moment_of(fields.get("spent_together_at")),
        **{name: fields[name] for name in known if name in fields},
    )


def lot_record(lot: Lot) -> str:
    """Where a lot is stored: by its expiry while it has credits, by its id while it has none."""
    if lot.remaining == 0:
        return empty_lot_record(lot.lot_id)
    return open_lot_record(lot.expires_at, lot.lot_id)


def open_lot_record(expires_at: datetime | None, lot_id: str) -> str:
    return f"{LOT}{times.to_text(expires_at) if expires_at else NEVER}#{lot_id}"


def empty_lot_record(lot_id: str) -> str:
    return f"{EMPTY_LOT}{lot_id}"


def lot_key(lot: Lot) -> Item:
    return to_item({"user_id": lot.user_id, "record": lot_record(lot)})


def lot_to_item(lot: Lot) -> Item:
    is_due = lot.remaining > 0 and lot.expires_at is not None
    return dict(lot.unknown) | to_item(
        {
            "user_id": lot.user_id,
            "record": lot_record(lot),
            "lot_id": lot.lot_id,
            "source": lot.source.value,
            "funding": lot.funding.value,
            "name": lot.name,
            "granted": lot.granted,
            "remaining": lot.remaining,
            "expires_at": times.to_text(lot.expires_at) if lot.expires_at else None,
            "expired_credits": lot.expired_credits,
            "payment_id": lot.payment_id,
            "paid_minor": lot.paid_minor,
            "currency": lot.currency,
            "package": lot.package,
            # What puts the lot into the index `due`, spread over as many partitions as ids have first digits.
            "due_shard": lot.lot_id[0] if is_due else None,
            "due_at": times.to_text(lot.expires_at) if is_due and lot.expires_at else None,
        }
    )


def lot_from_item(item: Mapping[str, Any]) -> Lot:
    fields = from_item(item)
    return Lot(
        lot_id=fields["lot_id"],
        user_id=fields["user_id"],
        source=Source(fields["source"]),
        funding=Funding(fields["funding"]),
        name=fields["name"],
        granted=fields["granted"],
        remaining=fields["remaining"],
        expires_at=moment_of(fields.get("expires_at")),
        expired_credits=fields["expired_credits"],
        payment_id=fields.get("payment_id"),
        paid_minor=fields["paid_minor"],
        currency=fields.get("currency"),
        package=fields.get("package"),
        unknown={name: value for name, value in item.items() if name not in _LOT_FIELDS},
    )


def expiry_of(item: Mapping[str, Any]) -> datetime | None:
    """The expiry of the lot whose item, timer or mark of its grant this is."""
    if "lot_record" not in item:
        return lot_from_item(item).expires_at
    text = str(item["lot_record"]["S"]).split("#")[1]
    return None if text == NEVER else times.from_text(text)


def grant_mark_item(lot: Lot) -> Item:
    """What remembers for ever that an order's lot was granted: the key of the lot changes with what becomes of it."""
    record = f"{CAMPAIGN}order:{lot.payment_id}"  # no campaign has a colon in its name
    lot_record = open_lot_record(lot.expires_at, lot.lot_id)
    return to_item({"user_id": lot.user_id, "record": record, "lot_record": lot_record})


def timer_item(lot: Lot) -> Item:
    """The timer whose deletion by TTL starts the lot's expiry. The lot itself stays, so a lost record loses nothing."""
    assert lot.expires_at, "Bug! a lot that never expires needs no timer"
    return to_item(
        {
            "user_id": lot.user_id,
            "record": f"{TIMER}{lot.lot_id}",
            "lot_record": open_lot_record(lot.expires_at, lot.lot_id),
            TTL_ATTRIBUTE: int(lot.expires_at.timestamp()),
        }
    )


def hold_timer_item(hold: Hold) -> Item:
    """The same for an open hold."""
    return to_item(
        {
            "user_id": hold.user_id,
            "record": f"{TIMER}{hold.hold_id}",
            "hold_record": hold_items.hold_record(hold),
            TTL_ATTRIBUTE: int(hold.ends_at.timestamp()),
        }
    )


def entry_record(number: int) -> str:
    return f"{ENTRY}{number:012}"


def entry_to_item(entry: Entry) -> Item:
    cause = entry.cause
    return to_item(
        {
            "user_id": entry.user_id,
            "record": entry_record(entry.number),
            "number": entry.number,
            "transaction_type": cause.transaction_type.value,
            "amount": entry.amount,
            "balance_after": entry.balance_after,
            "actor": cause.actor,
            "description": cause.description,
            "reason": cause.reason,
            "payment_id": cause.payment_id,
            "package": cause.package,
            "money_minor": cause.money_minor or None,
            "tax_minor": cause.tax_minor or None,
            "currency": cause.currency,
            "metadata": dict(cause.metadata) or None,
            "expires_at": times.to_text(entry.expires_at) if entry.expires_at else None,
            "moves": dict(entry.moves),
            "debt_change": entry.debt_change,
            "continued": dict(entry.continued) or None,
            "hold_id": cause.hold_id,
            "spend": cause.spend,
            "created_at": times.to_sortable_text(entry.created_at),
        }
    )


def entry_from_item(item: Mapping[str, Any]) -> Entry:
    fields = from_item(item)
    return Entry(
        user_id=fields["user_id"],
        number=fields["number"],
        cause=Cause(
            transaction_type=TransactionType(fields["transaction_type"]),
            actor=fields["actor"],
            description=fields["description"],
            reason=fields.get("reason"),
            payment_id=fields.get("payment_id"),
            package=fields.get("package"),
            money_minor=fields.get("money_minor", 0),
            tax_minor=fields.get("tax_minor", 0),
            currency=fields.get("currency"),
            metadata=fields.get("metadata", {}),
            hold_id=fields.get("hold_id"),
            spend=fields.get("spend"),
        ),
        amount=fields["amount"],
        balance_after=fields["balance_after"],
        expires_at=moment_of(fields.get("expires_at")),
        moves=fields["moves"],
        debt_change=fields["debt_change"],
        continued=fields.get("continued", {}),
        created_at=times.from_text(fields["created_at"]),
    )
