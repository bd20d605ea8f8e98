"""Open, extend, capture, release and end holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from topup.domain import credits, debt, holds
from topup.domain.credits import CAPTURES, Cause, CreditChange, UserCredits
from topup.domain.errors import HoldEnded, InsufficientCredits, TooManyHolds
from topup.domain.holds import Hold, HoldChange, HoldStatus, Overrun
from topup.domain.lots import draw, spendable


@dataclass(frozen=True, kw_only=True)
class Capture:
    """What a capture asks for: `amount` credits; a final one releases what it leaves."""

    amount: int
    is_final: bool


def open_hold(user: UserCredits, hold: Hold, now: datetime) -> CreditChange:
    """Reserve the hold's credits; raises TooManyHolds, InsufficientCredits where they will not last until its end."""
    if sum(one.is_open(now) for one in user.holds) >= holds.MOST_OPEN:
        raise TooManyHolds(f"The user has {holds.MOST_OPEN} open holds; release or capture one first")
    _check_spare(user, user.holds, hold, now)
    return _without_entry(user, HoldChange(before=None, after=hold))


def extend(user: UserCredits, hold: Hold, more: int, ends_at: datetime, now: datetime) -> CreditChange:
    """Let an open hold last until `ends_at` at least, and reserve `more` credits.

    Raises HoldEnded, InsufficientCredits.
    """
    if not hold.is_open(now):
        raise ended(hold, now)
    extended = replace(hold, amount=hold.amount + more, ends_at=max(hold.ends_at, ends_at))
    if extended != hold:
        extended = extended.remembering(hold, now)
    others = [one for one in user.holds if one.hold_id != hold.hold_id]
    _check_spare(user, others, extended, now)
    return _without_entry(user, HoldChange(before=hold, after=extended))


def release(user: UserCredits, hold: Hold, now: datetime) -> CreditChange:
    """End an open hold, so that what it holds pays what is owed, and is available again; raises HoldEnded."""
    if not hold.is_open(now):
        raise ended(hold, now)
    released = hold.ended(HoldStatus.RELEASED).remembering(hold, now)
    return debt.paid_from_free(user, _without_entry(user, HoldChange(before=hold, after=released)), now)


def end(user: UserCredits, hold: Hold, now: datetime) -> CreditChange | None:
    """Store the end of a hold that is over, and let what it held pay what is owed.

    None where it is not over, or has been ended before.
    """
    if hold.status is not HoldStatus.OPEN or hold.is_open(now):
        return None
    change = _without_entry(user, HoldChange(before=hold, after=hold.ended(HoldStatus.EXPIRED)))
    return debt.paid_from_free(user, change, now)


def capture(user: UserCredits, hold: Hold, wanted: Capture, cause: Cause, now: datetime) -> CreditChange:
    """Take credits that were held, soonest-expiring lot first, and beyond them as the hold's overrun says.

    What was held and is not there any more, because a claw-back took it, counts as beyond. So does all that is taken
    after the hold's end. Raises HoldEnded, and InsufficientCredits where the hold refuses an overrun.
    """
    if not hold.may_be_captured(now):
        raise ended(hold, now)
    is_late = not hold.is_open(now)
    there = sum(lot.remaining for lot in user.lots if lot.is_open(now))
    used = min(wanted.amount, hold.held(now))
    from_hold = min(used, there)
    # Beyond that, other holds' credits and what pays a debt are not touched.
    besides = max(0, user.available(now) + hold.held(now) - from_hold)
    taken = from_hold + min(wanted.amount - from_hold, besides)
    rest = wanted.amount - taken
    if hold.overrun is Overrun.REFUSE and (wanted.amount > hold.left or (is_late and rest)):
        raise InsufficientCredits(user.balance(now), user.held(now), user.available(now))
    owed = rest if hold.overrun is Overrun.DEBT else 0
    after = replace(
        hold,
        used=hold.used + used,
        captured=hold.captured + taken + owed,
        shortfall=hold.shortfall + rest - owed,
        is_closed=wanted.is_final,
    )
    if is_late:
        after = after.ended(HoldStatus.EXPIRED)
    else:
        after = (after.ended(HoldStatus.CAPTURED) if wanted.is_final else after).remembering(hold, now)
    return debt.paid_from_free(user, _taking(user, HoldChange(before=hold, after=after), taken, owed, cause, now), now)


def ended(hold: Hold, now: datetime) -> HoldEnded:
    """The error for a hold that cannot be changed any more, with how it ended."""
    status = hold.status_at(now).value
    return HoldEnded(f"The hold has ended: {status}", state=status, captured=hold.captured, shortfall=hold.shortfall)


def _taking(user: UserCredits, hold: HoldChange, taken: int, owed: int, cause: Cause, now: datetime) -> CreditChange:
    if not taken and not owed:
        return _without_entry(user, hold)
    drawn = draw(spendable(user.lots, now), taken)
    change = credits.change(user.wallet, drawn, cause, now, debt=owed)
    wallet = replace(change.wallet, debts=_owing(user.wallet.debts, owed))
    return replace(change, wallet=wallet, holds=(hold,))


def _owing(debts: Mapping[str, int], owed: int) -> Mapping[str, int]:
    return {**debts, CAPTURES: debts.get(CAPTURES, 0) + owed} if owed else debts


def _check_spare(user: UserCredits, others: Sequence[Hold], wanted: Hold, now: datetime) -> None:
    """Raise InsufficientCredits unless all that the hold reserves will be there until its end, besides the others."""
    spare = holds.spare(user.lots, others, now, wanted.ends_at) - user.wallet.debt
    if wanted.left > spare:
        raise InsufficientCredits(user.balance(now), user.held(now), max(0, spare))


def _without_entry(user: UserCredits, hold: HoldChange) -> CreditChange:
    """A change of one hold alone: no credits move, but what is available changes, so the wallet's version rises."""
    raised = replace(user.wallet, version=user.wallet.version + 1)
    return CreditChange(before=user.wallet, wallet=raised, holds=(hold,))
