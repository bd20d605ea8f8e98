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
    waiter = _Waiter(mine, now)
    try:
        return waiter.wait()
    except Busy:
        raise
    except Exception as error:
        if not waiter.place_may_come:
            raise
        # It must not be told by another try that it is refused: the place may come then, and be paid.
        raise Busy("The service is busy; please retry") from error


class _Waiter:
    """One request in line. `place_may_come`: a place that it has asked for may be stored later."""

    def __init__(self, mine: WaitingSpend, now: datetime) -> None:
        self.mine, self.now = mine, now
        self.place_may_come = False
        self._first, self._moved_at = "", 0.0  # who is first in line, and since when

    def wait(self) -> tuple[Receipt, bool]:
        has_joined = is_in_line = False
        for waited in store.looks():
            if receipt := self._receipt():
                return receipt, has_joined
            if not is_in_line:
                is_in_line, has_joined = store.join_line(self.mine), True
                self.place_may_come |= not is_in_line
            user = store.load_credits(self.mine.user_id, self.now)
            if user.wallet.moves_to:
                break
            waiting = line.line_of(user, self.now)
            place = line.place_of(self.mine.key, waiting)
            if place is not None:
                is_in_line = True
                made = self._lead(user, place, waiting[0].key, waited)
                if self.mine.key in made:
                    return made[self.mine.key], True
            elif is_in_line:
                return self._after_the_turn(), True
        with suppress(Exception):  # it lapses by itself
            store.leave_line([self.mine])
        raise Busy("Too many requests are changing this at once; please retry")

    def _receipt(self) -> Receipt | None:
        return store.load_receipt(self.mine.user_id, self.mine.key)

    def _after_the_turn(self) -> Receipt:
        """The receipt of a spend that is not in line any more."""
        receipt = self._receipt()
        if receipt is None:
            raise store.LostRace("it was the request's turn, and there was too little for it")
        return receipt

    def _lead(self, user: UserCredits, place: int, first: str, waited: float) -> Mapping[str, Receipt]:
        """Write the spends that come first, where it is this request's turn.

        Their receipts by key; none where it is not, or another request was faster.
        """
        if first != self._first:
            self._first, self._moved_at = first, waited
        if not line.may_lead(place, stalled=waited - self._moved_at):
            return {}
        turn = line.take_turn(user, self.now)
        with suppress(store.LostRace, store.UnknownWrite):  # looking again shows what has become of them
            paid_before = store.record_turn(turn, self.now)
            if paid_before:
                return paid_before
            logger.info("spends written together", paid=len(turn.receipts), waiting=len(user.waiting))
            count("CreditsSpent", sum(receipt.amount for receipt in turn.receipts.values()))
            return turn.receipts
        return {}
