"""Expire credits: take what is left of a lot past its expiry."""

from datetime import datetime

from topup import store
from topup.domain import credits
from topup.runtime.telemetry import count, logger, pseudonym


@store.retried
def expire(key: store.LotKey, now: datetime) -> bool:
    """Take what is left of a lot past its expiry, once, however often it is called; True if there was any.

    Raises Busy.
    """
    lot, wallet = store.load_lot_and_wallet(key)
    if lot is None:
        logger.info("a lot without credits expired", lot_record=key.record)
        return False
    change = credits.expire(wallet, lot, now)
    if change is None:
        # Nothing is lost by leaving it: the sweep finds every lot that is past its expiry and has credits.
        logger.warning("the lot has not expired yet", lot_record=key.record)
        return False
    store.record_expiry(change)
    logger.info(
        "credits expired",
        payment_id=lot.payment_id,
        user=pseudonym(lot.user_id),
        lot_id=lot.lot_id,
        credits=-lot.remaining,
    )
    count("CreditsExpired", lot.remaining)
    return True
