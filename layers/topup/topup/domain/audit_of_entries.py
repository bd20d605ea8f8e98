"""Check one user's ledger entries, one after another, and add up what they say; none of them is kept."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from topup.domain.credits import EARNS, Entry, TransactionType

MOST_FINDINGS = 100  # of one user's entries: one missing entry makes all later ones wrong

_GIVES = {
    TransactionType.PURCHASED,
    TransactionType.GRANTED,
    TransactionType.REFUND_REVERSED,
    TransactionType.DISPUTE_REVERSED,
    TransactionType.SPEND_REVERSED,
}
_TAKES = {TransactionType.SPENT, TransactionType.EXPIRED, TransactionType.REFUNDED, TransactionType.DISPUTED}
_REVERSES = {
    TransactionType.REFUNDED,
    TransactionType.REFUND_REVERSED,
    TransactionType.DISPUTED,
    TransactionType.DISPUTE_REVERSED,
}


def _has_right_sign(entry: Entry) -> bool:
    why = entry.transaction_type
    if entry.amount == 0:  # the money of a refund or dispute may move without credits, and credits may pay debt
        moves_money = why in _REVERSES and entry.cause.money_minor != 0
        return moves_money or (why is TransactionType.SPENT and entry.debt_change < 0)
    return why not in (_TAKES if entry.amount > 0 else _GIVES)


@dataclass(frozen=True)
class Origin:
    """What the entry that brought a lot says of it, before debt was paid out of it.

    `continues` is the lot whose credits it brings back, "" where that is not known, None where it brings new ones.
    """

    credits: int
    money_minor: int
    continues: str | None


@dataclass
class History:
    """What a user's entries add up to, and what is wrong with them.

    `granted` are how many credits each lot has by its record, and `given_back` the numbers of the spends of which a
    record says that they came back: known before the first entry comes.
    """

    granted: Mapping[str, int]
    given_back: Collection[int] = ()

    findings: list[str] = field(default_factory=list)
    too_many_gone: list[str] = field(default_factory=list)
    count: int = 0
    balance: int = 0
    debt: int = 0
    earned: int = 0
    moved: Counter[str] = field(default_factory=Counter)  # by lot, as the following ones
    expired: Counter[str] = field(default_factory=Counter)
    origins: dict[str, Origin] = field(default_factory=dict)
    captured: Counter[str] = field(default_factory=Counter)  # by hold
    returned: Counter[int] = field(default_factory=Counter)  # by the number of the spend
    spends: dict[int, Entry] = field(default_factory=dict)  # those of `given_back`
    grants: Counter[str] = field(default_factory=Counter)  # by payment, as the following ones
    purchased: Counter[str] = field(default_factory=Counter)
    clawed_back: Counter[str] = field(default_factory=Counter)
    _gone: Counter[str] = field(default_factory=Counter)

    def take_in(self, entries: Iterable[Entry]) -> "History":
        """Take these entries in, in the order of their records."""
        for entry in entries:
            self._check(entry)
            self._add(entry)
        return self

    def _check(self, entry: Entry) -> None:
        self.count += 1
        self.balance += entry.amount
        number, why = self.count, entry.transaction_type
        if entry.number != number:
            self._found(f"entry {entry.number} is where {number} should be")
        if entry.balance_after != self.balance:
            self._found(
                f"entry {entry.number} says {entry.balance_after} credits, the ones up to it make {self.balance}"
            )
        if entry.amount != sum(entry.moves.values()) - entry.debt_change:
            self._found(f"entry {entry.number} is about {entry.amount} credits, but moves another number")
        if not _has_right_sign(entry):
            self._found(f"entry {entry.number} ({why}) has the wrong sign")
        if not entry.payment_id and (why is TransactionType.PURCHASED or why in _REVERSES):
            self._found(f"entry {entry.number} ({why}) names no payment")

    def _found(self, finding: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)
        elif len(self.findings) == MOST_FINDINGS:
            self.findings.append(f"more than {MOST_FINDINGS} findings about entries; the rest are not listed")

    def _add(self, entry: Entry) -> None:
        why, payment_id = entry.transaction_type, entry.payment_id or ""
        self.debt += entry.debt_change
        self._add_moves(entry)
        if why in EARNS:
            self.earned += entry.amount
        if why is TransactionType.PURCHASED:
            self.grants[payment_id] += 1
            self.purchased[payment_id] += entry.amount
        elif why in _REVERSES:
            self.clawed_back[payment_id] -= entry.amount
        elif why is TransactionType.SPENT:
            if entry.cause.hold_id:
                self.captured[entry.cause.hold_id] -= entry.amount
        elif why is TransactionType.SPEND_REVERSED and entry.cause.spend is not None:
            self.returned[entry.cause.spend] += entry.amount
        if entry.number in self.given_back:
            self.spends[entry.number] = entry

    def _add_moves(self, entry: Entry) -> None:
        why = entry.transaction_type
        brings = why in EARNS or (why is TransactionType.ADJUSTED and entry.amount > 0)
        for lot_id, move in entry.moves.items():
            self.moved[lot_id] += move
            gone = -move
            if why is TransactionType.EXPIRED:
                self.expired[lot_id] -= move
            if lot_id in entry.continued:
                self.origins[lot_id] = Origin(move, 0, entry.continued[lot_id])
                gone = 0
            elif brings:
                self.origins[lot_id] = Origin(entry.amount, entry.cause.money_minor, None)
                gone += entry.amount
            self._check_gone(entry, lot_id, gone)

    def _check_gone(self, entry: Entry, lot_id: str, gone: int) -> None:
        """At no moment more of a lot's credits, and so of its money, are gone than there are, or fewer than none.

        Its credits: a share of the money that is rounded down would hide a few of them.
        """
        self._gone[lot_id] += gone
        granted = self.granted.get(lot_id)
        if granted is not None and not 0 <= self._gone[lot_id] <= granted and len(self.too_many_gone) < MOST_FINDINGS:
            of = f"{self._gone[lot_id]} of {granted} credits of lot {lot_id}"
            self.too_many_gone.append(f"after entry {entry.number}, {of} are gone")
