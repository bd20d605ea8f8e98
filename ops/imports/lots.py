"""What a row becomes: a lot whose id follows from the row, and the ledger entry that brings it."""

import uuid
from datetime import datetime

from ops.imports.rows import Row
from topup import store
from topup.domain import credits, idempotency, receipts, times
from topup.domain.credits import SYSTEM, Cause, TransactionType
from topup.domain.lots import Funding, Lot, Source

_LOT_IDS = uuid.UUID("b9a3c2de-7d0e-4c55-8f6a-1f3f5a0a9e21")


def lot_of(row: Row) -> Lot:
    """The lot, as it is before any of it is used."""
    return Lot(
        lot_id=str(uuid.uuid5(_LOT_IDS, f"{row.external_id}:{row.user_id}")),
        user_id=row.user_id,
        source=Source.IMPORT,
        funding=Funding.PAID if row.paid_minor else Funding.FREE,
        name="Import",
        granted=row.credits,
        remaining=row.credits,
        expires_at=row.expires_at,
        paid_minor=row.paid_minor,
        currency=row.currency,
    )


def mark_of(row: Row) -> str:
    """The name under which it is remembered for ever that the user has these credits; no campaign has a colon."""
    return f"import:{row.external_id}"


@store.retried
def add(row: Row, now: datetime) -> bool:
    """Import a row, once; True if it was new. Raises AlreadyGranted where another run was faster, Busy."""
    user = store.load_credits(row.user_id, now)
    cause = Cause(
        transaction_type=TransactionType.GRANTED,
        actor=SYSTEM,
        description="Import",
        reason=f"imported as {row.external_id}",
        money_minor=row.paid_minor,
        currency=row.currency,
    )
    change = credits.grant(user.wallet, lot_of(row), cause, now)
    receipt = receipts.receipt_of(user, change, _fingerprint(row), now)
    _, is_new = store.record_with_receipt(change, mark_of(row), receipt, now, campaign=mark_of(row))
    return is_new


def _fingerprint(row: Row) -> str:
    expiry = times.to_text(row.expires_at) if row.expires_at else None
    return idempotency.fingerprint("import", row.user_id, row.credits, expiry, row.paid_minor, row.currency)


def differences(row: Row, stored: Lot | None) -> str:
    """How a lot that was imported as this row differs from it; "" if it does not."""
    if stored is None:
        return "expires_at is another one"
    wanted = lot_of(row)
    compared = {
        "credits": (stored.granted, wanted.granted),
        "expires_at": (stored.expires_at, wanted.expires_at),
        "paid_minor": (stored.paid_minor, wanted.paid_minor),
        "currency": (stored.currency, wanted.currency),
    }
    return ", ".join(f"{name} was {was}" for name, (was, now) in compared.items() if was != now)
