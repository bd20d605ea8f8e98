"""Take what is left of a lot past its expiry."""

from dataclasses import replace
from datetime import datetime

from topup.domain import credits, debt
from topup.domain.credit_changes import joined
from topup.domain.credits import CAPTURES, SYSTEM, Cause, CreditChange, TransactionType, Wallet
from topup.domain.lots import Lot, LotChange, draw


def expire(wallet: Wallet, lot: Lot, now: datetime) -> CreditChange | None:
    """Take what is left of a lot past its expiry; None if it is not, or if there is nothing left.

    What captures owe is paid out of it first: it can stand beside the lot only because nobody has stored yet that the
    hold that reserved its credits is over.
    """
    if not lot.is_expired(now) or lot.remaining == 0:
        return None
    paid = draw([lot], wallet.debts.get(CAPTURES, 0))
    if not paid:
        return _sweep(wallet, lot, now)
    paying = debt.pay(wallet, paid, now)
    left = paid[0].after
    return joined(paying, _sweep(paying.wallet, left, now)) if left.remaining else paying


def _sweep(wallet: Wallet, lot: Lot, now: datetime) -> CreditChange:
    swept = LotChange(before=lot, after=replace(lot, remaining=0, expired_credits=lot.lost_to_expiry(now)))
    cause = Cause(
        transaction_type=TransactionType.EXPIRED,
        actor=SYSTEM,
        description=f"Expired: {lot.name}",
        payment_id=lot.payment_id,
        package=lot.package,
    )
    return credits.change(wallet, [swept], cause, now)
