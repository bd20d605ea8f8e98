"""Make accounts and payments of stored records, for the audit, and note what is wrong with how they are stored."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from topup.domain.audit import Account, StoredPayment
from topup.domain.credits import Entry, Wallet
from topup.domain.holds import Hold, HoldStatus
from topup.domain.payments import Payment
from topup.store import (
    clawback_items,
    credit_items,
    credits,
    hold_items,
    line_items,
    misplaced,
    order_items,
    reversed_spends,
)

if TYPE_CHECKING:
    from topup.domain.reversed_spends import ReversedSpend
    from topup.domain.takings import Clawback

# The records of requests: the audit does not look at them.
MARKERS = (credit_items.CAMPAIGN, credit_items.MARKER)
_LOTS = (credit_items.LOT, credit_items.EMPTY_LOT)
_HOLDS = (hold_items.OPEN_HOLD, hold_items.HOLD)
_REVERSALS = tuple(order_items.REVERSAL_PREFIX.values())

Parsed = TypeVar("Parsed")


class Parts:
    """One user's records but the entries, taken in one by one."""

    def __init__(self, user_id: str) -> None:
        self.wallet = Wallet(user_id=user_id)
        self.faults: list[str] = []
        self._lots: list[Any] = []  # as they are stored: what they have left may depend on the wallet
        self._timers: dict[str, Any] = {}
        self._clawbacks: list[Clawback] = []
        self._holds: list[Hold] = []
        self._reversed: list[ReversedSpend] = []

    def add(self, item: Any) -> None:
        record = item["record"]["S"]
        if record.startswith(_LOTS):
            self._lots.append(item)
        elif record.startswith(credit_items.TIMER):
            self._timers[record.removeprefix(credit_items.TIMER)] = item
        elif record.startswith(credit_items.CLAWBACK):
            self._clawbacks += _parsed(item, clawback_items.clawback_from_item, misplaced.other_credits, self.faults)
        elif record.startswith(_HOLDS):
            self._holds += _parsed(item, hold_items.hold_from_item, misplaced.hold, self.faults)
        elif record.startswith(credit_items.REVERSED_SPEND):
            self._reversed += _parsed(item, reversed_spends.from_item, misplaced.other_credits, self.faults)
        elif record.startswith(credit_items.PENDING):
            _parsed(item, line_items.waiting_from_item, misplaced.place_in_line, self.faults)
        else:
            self.faults += misplaced.other_credits(item)
            if record == credit_items.WALLET:
                self.wallet = credit_items.wallet_from_item(self.wallet.user_id, item)

    def account(self, entries: Sequence[Entry] = (), more: Iterable[Entry] = ()) -> Account:
        """The account, with these entries; what is wrong with `more` of them is added to `faults` as they are read."""
        lots = [
            lot
            for item in self._lots
            for lot in _parsed(item, lambda item: credits.finished(self.wallet, item), misplaced.lot, self.faults)
        ]
        for lot in lots:
            if lot.remaining > 0 and lot.expires_at and lot.lot_id in self._timers:
                self.faults += misplaced.timer(lot, self._timers[lot.lot_id])
        for hold in self._holds:
            if hold.status is HoldStatus.OPEN and hold.hold_id in self._timers:
                self.faults += misplaced.hold_timer(hold, self._timers[hold.hold_id])
        return Account(
            self.wallet.user_id,
            self.wallet,
            lots=lots,
            entries=list(entries),
            more=more,
            timed_lots=self._timers.keys() | credits.unfinished_lots(self.wallet),
            clawbacks={out.payment_id: out for out in self._clawbacks},
            holds=self._holds,
            reversed_spends=self._reversed,
            faults=self.faults,
        )


def is_entry(item: Any) -> bool:
    """Whether a record of the credits table is a ledger entry."""
    return bool(item["record"]["S"].startswith(credit_items.ENTRY))


def entries_of(items: Iterable[Any], faults: list[str]) -> Iterator[Entry]:
    """The entries of these records, one after another; one that cannot be read is a fault, and is left out."""
    for item in items:
        yield from _parsed(item, credit_items.entry_from_item, misplaced.other_credits, faults)


def payment_of(payment_id: str, items: Iterable[Any]) -> StoredPayment | None:
    """The payment of these records; None where they are the records of something else."""
    faults: list[str] = []
    orders, reversals, is_payment = [], [], False
    for item in items:
        record = item["record"]["S"]
        if record == order_items.ORDER:
            is_payment = True
            orders = _parsed(item, order_items.order_from_item, misplaced.order, faults)
        elif record.startswith(_REVERSALS):
            is_payment = True
            reversals += _parsed(item, order_items.reversal_from_item, misplaced.reversal, faults)
    if not is_payment:
        return None
    reversals.sort(key=lambda reversal: reversal.created_at)
    return StoredPayment(payment_id, Payment(orders[0], reversals) if orders else None, faults)


def _parsed(
    item: Any,
    parse: Callable[[Mapping[str, Any]], Parsed],
    find_faults: Callable[[Mapping[str, Any]], Iterator[str]],
    faults: list[str],
) -> list[Parsed]:
    """The value of a record, none if it cannot be read: that is a fault, as is what is wrong with how it is stored."""
    try:
        faults += find_faults(item)
        return [parse(item)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        faults.append(f"{item['record']['S']} cannot be read: {type(error).__name__} {error}")
        return []
