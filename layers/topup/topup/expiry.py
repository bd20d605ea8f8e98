"""What ends by itself: take what is left of a lot past its expiry, and store the end of a hold."""

from datetime import datetime

from topup import store
from topup.domain import expiries, hold_changes
from topup.domain.credits import CreditChange, UserCredits, Wallet
from topup.domain.holds import Hold
from topup.domain.lots import Lot
from topup.runtime.telemetry import count, logger, pseudonym


@store.retried
def expire(key: store.DueKey, now: datetime) -> bool:
    """End a lot or hold that is over, once, however often it is called; True if there was anything to end.

    Raises Busy.
    """
    due, wallet = store.load_due(key)
    if due is None:
        logger.info("nothing is left to expire", record=key.record)
        return False
    change = _decide(wallet, due, now)
    if change is None:
        # Nothing is lost by leaving it: the sweep finds every lot with credits and every hold that is over.
        logger.warning("it has not expired yet", record=key.record)
        return False
    store.record_expiry(change)
    _report(due)
    return True


def _decide(wallet: Wallet, due: Lot | Hold, now: datetime) -> CreditChange | None:
    if isinstance(due, Lot):
        return expiries.expire(wallet, due, now)
    if wallet.debt == 0:
        return hold_changes.end(UserCredits(wallet=wallet, lots=()), due, now)
    user = store.load_credits(due.user_id, now)  # which credits may pay the debt then
    hold = next((one for one in user.holds if one.hold_id == due.hold_id), None)
    return hold_changes.end(user, hold, now) if hold else None


def _report(due: Lot | Hold) -> None:
    if isinstance(due, Hold):
        logger.info("hold ended by itself", user=pseudonym(due.user_id), hold_id=due.hold_id, credits=due.left)
        count("HoldsExpired")
    else:
        logger.info(
            "credits expired",
            payment_id=due.payment_id,
            user=pseudonym(due.user_id),
            lot_id=due.lot_id,
            credits=-due.remaining,
        )
        count("CreditsExpired", due.remaining)
