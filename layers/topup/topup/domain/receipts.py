"""Receipts: what a request has changed, as it is stored for the same request repeated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from topup.domain.credits import CreditChange, UserCredits
from topup.domain.holds import Hold


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a request has changed.

    `available_after` is what was available after it. A change of a hold alone has no transaction; `hold` is the hold
    after the request. `shortfall` credits of a capture, and `lapsed` credits of a reversal, could not be moved.
    """

    request_fingerprint: str
    transaction_id: str | None = None
    amount: int = 0
    balance_after: int = 0
    available_after: int = 0
    lot_id: str | None = None
    hold: Hold | None = None
    shortfall: int = 0
    lapsed: int = 0


def receipt_of(user: UserCredits, change: CreditChange, request_fingerprint: str, now: datetime) -> Receipt:
    """The receipt of a change that a request makes, of credits as they were read."""
    holds = change.holds
    # What a request does comes first; the debt that it pays besides has an entry about 0 credits.
    entry = next((one for one in change.entries if one.amount), None)
    freed = sum((one.before.held(now) if one.before else 0) - one.after.held(now) for one in holds)
    return Receipt(
        request_fingerprint=request_fingerprint,
        transaction_id=entry.transaction_id if entry else None,
        amount=abs(entry.amount) if entry else 0,
        balance_after=change.wallet.balance,
        available_after=user.available(now) + sum(one.amount for one in change.entries) + freed,
        lot_id=change.new_lot.lot_id if change.new_lot else None,
        hold=replace(holds[-1].after, earlier=()) if holds else None,  # no answer says its earlier terms
    )


def receipts_of_each(
    user: UserCredits, change: CreditChange, fingerprints: Sequence[str], now: datetime
) -> list[Receipt]:
    """The receipts of a change in which each entry is another request's, in the order of these."""
    made, available = [], user.available(now)
    for entry, request_fingerprint in zip(change.entries, fingerprints, strict=True):
        available += entry.amount
        made.append(
            Receipt(
                request_fingerprint=request_fingerprint,
                transaction_id=entry.transaction_id,
                amount=abs(entry.amount),
                balance_after=entry.balance_after,
                available_after=available,
            )
        )
    return made
