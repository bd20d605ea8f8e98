"""Expiring credits: the lot whose timer has run out gives up what it has left."""

from datetime import datetime

from topup import contention, store
from topup.domain import credits
from topup.telemetry import count, logger


def expire(user_id: str, lot_record: str, now: datetime) -> bool:
    """Take what is left of a lot whose time has come; once, however often it is asked for. Whether there was any.

    Raises Busy.
    """
    for _ in contention.tries():
        lot, wallet = store.load_lot_and_wallet(user_id, lot_record)
        if lot is None or not lot.is_past(now):
            # Nothing is lost by leaving it: a lot that is there and past its expiry is found by the sweep.
            logger.warning("no lot to expire", lot_record=lot_record, is_missing=lot is None)
            return False
        change = credits.expire(wallet, lot, now)
        try:
            store.record_expiry(lot, change)
        except store.LostRace as race:
            logger.info("lost a race", lot_record=lot_record, reason=str(race))
            continue
        if change is not None:
            logger.info("credits expired", payment_id=lot.payment_id, credits=lot.remaining)
            count("CreditsExpired", lot.remaining)
        return change is not None
    raise AssertionError("Bug! tries() ends by raising Busy")
