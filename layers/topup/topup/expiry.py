"""Expire credits: take what is left of a lot past its expiry."""

from datetime import datetime

from topup import store
from topup.domain import credits
from topup.runtime.telemetry import count, logger


@store.retried
def expire(key: store.LotKey, now: datetime) -> bool:
    """Take what is left of a lot past its expiry, once, however often it is called; True if there was any.

    Raises Busy.
    """
    lot, wallet = store.load_lot_and_wallet(key)
    if lot is None or not lot.is_expired(now):
        # Nothing is lost by leaving it: the sweep finds every lot that is past its expiry.
        logger.warning("no lot to expire", lot_record=key.record, is_missing=lot is None)
        return False
    change = credits.expire(wallet, lot, now)
    store.record_expiry(lot, change)
    if change:
        logger.info("credits expired", payment_id=lot.payment_id, credits=lot.remaining)
        count("CreditsExpired", lot.remaining)
    return change is not None
