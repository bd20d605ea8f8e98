"""The daily report: how far it is, and what it has found until then."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from topup.domain import times
from topup.domain.holds import Hold
from topup.domain.lots import Lot

DAY = timedelta(days=1)
EVERY = timedelta(hours=23, minutes=30)  # a schedule's hour may come a little early
# Days before their expiry at which users are told that credits expire.
NOTICES = (7, 1)
SOON = timedelta(days=max(NOTICES))

Place = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Report:
    """One day's report, which several runs may make.

    `since`: users whose credits have changed from then on are audited. `told_until` says for each notice up to which
    expiry lots have been told of, `notice_place` where the walk for them goes on. `table_place` is where the reading of
    the table goes on; `is_read`: it is at its end. `owed_minor` is the money that paid credits stand for, by currency,
    `owed_credits` all credits that may still be used, `free_credits` those of them that nobody paid for,
    `expiring_credits` those that expire soon. `oldest_hold` is when the oldest open hold was opened. `audited` users
    were audited, `skipped` ones had changed too, `violations` are what the audit found.
    """

    began: datetime
    since: datetime
    told_until: Mapping[str, str] = field(default_factory=dict)
    notice_place: Place | None = None
    table_place: Place | None = None
    is_read: bool = False
    owed_minor: Mapping[str, int] = field(default_factory=dict)
    owed_credits: int = 0
    free_credits: int = 0
    expiring_credits: int = 0
    oldest_hold: datetime | None = None
    audited: int = 0
    skipped: int = 0
    violations: int = 0

    def next(self, now: datetime) -> "Report":
        """The report of a new day, where this one is done and a day old; else this one."""
        if not self.is_read or now < self.began + EVERY:
            return self
        return Report(began=now, since=self.began, told_until=self.told_until)

    def is_late(self, now: datetime) -> bool:
        """Whether it is not done a day after it began."""
        return not self.is_read and now >= self.began + DAY


def first(now: datetime) -> Report:
    """The first report of a stack."""
    return Report(began=now, since=now - DAY)


def with_lot(report: Report, lot: Lot) -> Report:
    """The report with what a lot that is open when it began is owed for."""
    if not lot.is_open(report.began):
        return report
    owed = dict(report.owed_minor)
    if lot.paid_minor and lot.currency:
        gone = lot.money_gone_minor(lot.granted - lot.remaining)
        owed[lot.currency] = owed.get(lot.currency, 0) + lot.paid_minor - gone
    is_soon = lot.expires_at is not None and lot.expires_at <= report.began + SOON
    return replace(
        report,
        owed_minor=owed,
        owed_credits=report.owed_credits + lot.remaining,
        free_credits=report.free_credits + (0 if lot.paid_minor else lot.remaining),
        expiring_credits=report.expiring_credits + (lot.remaining if is_soon else 0),
    )


def with_hold(report: Report, hold: Hold) -> Report:
    """The report with an open hold."""
    return replace(report, oldest_hold=min(report.oldest_hold or hold.created_at, hold.created_at))


def to_fields(report: Report) -> dict[str, Any]:
    """Plain fields, as a cursor stores them."""
    return {
        name: times.to_sortable_text(value) if isinstance(value, datetime) else value
        for name, value in asdict(report).items()
    }


def from_fields(stored: Mapping[str, Any]) -> Report:
    """The report of stored fields; what a newer version has added is left out."""
    known = {one.name: stored[one.name] for one in fields(Report) if one.name in stored}
    moments = {
        name: times.from_text(value) for name, value in known.items() if name in ("began", "since", "oldest_hold")
    }
    return Report(**{**known, **moments})
