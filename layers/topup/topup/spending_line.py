"""Spends that wait in line for one wallet, until one request writes them together."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from topup import store
from topup.domain import line
from topup.domain.credits import UserCredits
from topup.domain.errors import Busy
from topup.domain.line import WaitingSpend
from topup.domain.receipts import Receipt
from topup.runtime.telemetry import count, logger


def spend(mine: WaitingSpend, now: datetime) -> tuple[Receipt, bool]:
    """Wait until somebody, perhaps this request, has written the spend; its receipt, and whether it is new.

    Raises LostRace where it was its turn and it could not be paid: it leaves the line, and its own read decides. Raises
    Busy where it waits too long; then it may be paid still.
    """
    is_known = is_in_line = False
    first, moved_at = "", 0.0  # who was first in line, and when it became that
    for waited in store.looks():
        if receipt := store.load_receipt(mine.user_id, mine.key):
            return receipt, is_in_line
        if not is_in_line:
            is_known, is_in_line = store.join_line(mine), True
        user = store.load_credits(mine.user_id, now)
        place = line.place_of(mine.key, user.waiting)
        if place is None:
            return _after_the_turn(mine, is_known=is_known), True
        if user.waiting[0].key != first:
            first, moved_at = user.waiting[0].key, waited
        if line.may_lead(place, stalled=waited - moved_at):
            made = _lead(user, now)
            if mine.key in made:
                return made[mine.key], True
    raise Busy("Too many requests are changing this at once; please retry")


def _after_the_turn(mine: WaitingSpend, *, is_known: bool) -> Receipt:
    """The receipt of a spend that is not in line any more."""
    receipt = store.load_receipt(mine.user_id, mine.key)
    if receipt is None and not is_known:
        # It may come into line yet: it must not be told that it is refused.
        raise Busy("The service is busy; please retry")
    if receipt is None:
        raise store.LostRace("it was the request's turn, and there was too little for it")
    return receipt


def _lead(user: UserCredits, now: datetime) -> Mapping[str, Receipt]:
    """Write the spends that come first, in one change; their receipts by key, none where another request was faster."""
    turn = line.take_turn(user)
    with suppress(store.LostRace, store.UnknownWrite):  # looking again shows what has become of them
        paid_before = store.record_turn(turn, now)
        if paid_before:
            return paid_before
        logger.info("spends written together", paid=len(turn.receipts), waiting=len(user.waiting))
        count("CreditsSpent", sum(receipt.amount for receipt in turn.receipts.values()))
        return turn.receipts
    return {}
