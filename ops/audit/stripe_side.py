"""Compare our payments, refunds and disputes with Stripe's lists, one by one and both ways.

What differs is looked at again, by its id at Stripe and by its order here, because something may happen between the two
readings, and an event may be on its way.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from ops.audit.report import Audit
from topup import store
from topup.domain.comparison import MoneyRecord, RecordKind, differences, missing_here, records_of
from topup.domain.money import InvalidAmount, to_text
from topup.domain.payments import Payment
from topup.runtime import config
from topup.stripe_gateway.records import Unreadable, money_records, read_money_record

# Seconds before what differs is looked at again: Stripe delivers an event within seconds.
PAUSES = (1.0, 10.0, 30.0)
# As many differences are looked at again, at two requests each. More of them have one cause, such as another key.
MOST = 1_000


@dataclass(frozen=True)
class Window:
    """The time that is compared: what was created in it, on either side."""

    since: datetime
    until: datetime

    def holds(self, moment: datetime) -> bool:
        return self.since <= moment <= self.until


@dataclass(frozen=True)
class _Suspect:
    kind: RecordKind
    stripe_id: str
    payment_id: str | None  # here; None where only Stripe has it


class StripeSide:
    """Reads Stripe's lists first, then meets our payments one by one, and judges what is left at the end."""

    def __init__(
        self,
        window: Window,
        found: Audit,
        repair: Callable[[MoneyRecord], str],
        *,
        load: Callable[[str], Payment | None] = store.load_payment,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        """`repair` says what records here what Stripe has of a record; `load` reads a payment of ours again.

        `pauses` are the seconds before each time that what differs is looked at again.
        """
        self._window = window
        self._found = found
        self._repair = repair
        self._load = load
        self._pauses = pauses
        self._suspects: list[_Suspect] = []
        # On disk, as long as this runs: a month may have more payments than memory holds.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE records (kind, stripe_id, record, PRIMARY KEY (kind, stripe_id))")
        self._database.execute("BEGIN")

    def close(self) -> None:
        self._database.close()

    def read(self, progress: Callable[[Audit], None] = lambda _audit: None) -> None:
        """Read the lists; raises StripeFailed, Busy."""
        for kind in RecordKind:
            for record in money_records(kind, self._window.since, self._window.until):
                if isinstance(record, Unreadable):
                    self._found.findings.append(_unreadable(record))
                else:
                    row = (kind, record.stripe_id, json.dumps(asdict(record), default=str))
                    self._database.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", row)
                    self._found.compared += 1
                progress(self._found)

    def meet(self, payment: Payment) -> None:
        """Compare one of our payments, with its refunds and disputes, with what was listed."""
        if payment.order.livemode != config.is_livemode():
            return  # this key cannot see it
        for ours in records_of(payment):
            stripes = self._take(ours)
            is_missing = stripes is None and self._window.holds(ours.created_at)
            if is_missing or (stripes and differences(ours, stripes)):
                self._suspects.append(_Suspect(ours.kind, ours.stripe_id, payment.order.payment_id))

    def judge(self) -> None:
        """Look again at what differs, and report what still does; raises StripeFailed, Busy."""
        only_there = self._database.execute("SELECT kind, stripe_id FROM records")
        suspects = [*self._suspects, *(_Suspect(RecordKind(kind), stripe_id, None) for kind, stripe_id in only_there)]
        if len(suspects) > MOST:
            self._found.findings.append(
                f"{len(suspects)} records differ from Stripe's; these are the first {MOST} of them: "
                "is STRIPE_SECRET_KEY the key of the right account?"
            )
        suspects = suspects[:MOST]
        wrong: list[tuple[_Suspect, str]] = []
        for pause in self._pauses:
            if suspects:
                time.sleep(pause)
            judged = [(suspect, self._finding(suspect)) for suspect in suspects]
            wrong = [(suspect, finding) for suspect, finding in judged if finding]
            suspects = [suspect for suspect, _ in wrong]
        self._found.findings += [finding for _, finding in wrong]

    def _take(self, ours: MoneyRecord) -> MoneyRecord | None:
        key = (ours.kind, ours.stripe_id)
        where = "FROM records WHERE kind = ? AND stripe_id = ?"
        row = self._database.execute(f"SELECT record {where}", key).fetchone()
        if row is None:
            return None
        self._database.execute(f"DELETE {where}", key)
        fields = json.loads(row[0])
        return MoneyRecord(**fields | {"kind": ours.kind, "created_at": datetime.fromisoformat(fields["created_at"])})

    def _finding(self, suspect: _Suspect) -> str | None:
        """What differs, as both sides have it now; None if nothing does any more."""
        stripes = read_money_record(suspect.kind, suspect.stripe_id)
        if isinstance(stripes, Unreadable):
            return _unreadable(stripes)
        payment_id = suspect.payment_id or (stripes.payment_id if stripes else None)
        payment = self._load(payment_id) if payment_id else None
        ours = next((one for one in _ours(payment) if one.stripe_id == suspect.stripe_id), None)
        what = f"payment {payment_id}: {suspect.kind} {suspect.stripe_id}"
        if stripes is None:
            key = "is STRIPE_SECRET_KEY the key of the account that has it?"
            return f"{what} is recorded here, and Stripe has none of this id → {key}" if ours else None
        says = "; ".join(differences(ours, stripes)) if ours else missing_here(stripes, payment)
        if not says or (ours is None and stripes.payment_id is None):
            return None
        return f"{what} of {_money(stripes)}, {stripes.status} at Stripe: {says}{self._fix(stripes, payment)}"

    def _fix(self, stripes: MoneyRecord, payment: Payment | None) -> str:
        if payment is None:
            return " → docs/runbook.md, updates of an unknown order"
        if stripes.intent_id in payment.order.refused_intents:
            return " → docs/runbook.md, a quarantined payment"
        return f" → {self._repair(stripes)}"


def _ours(payment: Payment | None) -> Iterator[MoneyRecord]:
    return records_of(payment) if payment else iter(())


def _unreadable(found: Unreadable) -> str:
    return f"Stripe's {found.kind} {found.stripe_id} cannot be read: {found.reason}"


def _money(record: MoneyRecord) -> str:
    try:
        return f"{to_text(record.amount_minor, record.currency)} {record.currency}"
    except InvalidAmount:
        return f"{record.amount_minor} minor units of {record.currency}"
