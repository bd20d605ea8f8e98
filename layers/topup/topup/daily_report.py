"""Once a day: tell users whose credits expire soon, add up what is owed, and audit whoever changed, and a sample.

A run that has not enough time leaves the rest to the next one, which goes on where it ended.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import islice

from topup import publishing, store
from topup.domain import audit, days, events, times
from topup.domain.days import NOTICES, Report
from topup.runtime import clock
from topup.runtime.telemetry import count, logger, pseudonym

CURSOR = "daily report"
A_SECOND = timedelta(seconds=1)  # credits expire on whole seconds
NOTICES_AT_ONCE = 100  # lots that are read and told of together
# Of the users who did not change, one in so many is audited each day: in a hundred days about all of them.
SAMPLE = 100
MOST_AUDITED = 20_000  # users a day; one takes some 30 ms

TimeLeft = Callable[[], float]


def run(now: datetime, seconds_left: TimeLeft) -> Report:
    """Go on with today's report, or begin it; does nothing where it is done. `seconds_left` may be below zero."""
    stored = store.load_memory().cursors.get(CURSOR)
    before = days.from_fields(stored) if stored else days.first(now)
    report = before.next(now)
    if report.is_read:
        count("DailyReportFailed", 0)
        return report
    is_failed = False
    for step in (_notices, _table):
        try:
            report = step(report, seconds_left)
        except Exception:
            is_failed = True
            logger.exception("a part of the daily report failed", step=step.__name__)
            stored = store.load_memory().cursors.get(CURSOR)
            report = days.from_fields(stored).next(now) if stored else report
    count("DailyReportFailed", int(is_failed or report.is_late(now)))
    if report.is_read:
        _tell(report, now)
        _save(report)  # not before: a run that dies until then is made again, from the last page on
    return report


def _save(report: Report) -> Report:
    store.save_cursor(CURSOR, days.to_fields(report))
    return report


# -------------------------------------------------------------------------------------------------------- notices


def _notices(report: Report, seconds_left: TimeLeft) -> Report:
    """Tell of the lots that have come within a notice's days of their expiry since the last report."""
    for notice in NOTICES:
        until = report.began + timedelta(days=notice)
        told = report.told_until.get(str(notice))
        # What expires sooner was told of already; or it came in with less time to live than the notice's.
        since = max(times.from_text(told) + A_SECOND, report.began) if told else report.began
        if since >= until:
            continue
        found = store.lots_expiring(since, until, report.notice_place)
        while batch := list(islice(found, NOTICES_AT_ONCE)):
            if seconds_left() <= 0:
                return _save(replace(report, notice_place=batch[0].place))
            lots = store.load_lots_at([due.key for due in batch])
            now = clock.now()
            open_lots = [lot for lot in lots if lot.is_open(now)]
            if not all(publishing.publish([events.of_expiring_lot(lot, notice, now) for lot in open_lots])):
                _save(replace(report, notice_place=batch[0].place))
                raise RuntimeError("the bus did not take all notices")
        told_until = {**report.told_until, str(notice): times.to_text(until)}
        report = _save(replace(report, told_until=told_until, notice_place=None))
    return report


# ------------------------------------------------------------------------------------------- what is owed, the audit


def _table(report: Report, seconds_left: TimeLeft) -> Report:
    """Read the table once: add up what is owed, and audit users on the way."""
    last_user = ""
    while not report.is_read and seconds_left() > 0:
        page = store.read_page(report.since, report.table_place)
        for lot in page.lots:
            report = days.with_lot(report, lot)
        for hold in page.holds:
            report = days.with_hold(report, hold)
        report = _audited(report, _chosen(report, page), last_user)
        last_user = page.users[-1] if page.users else last_user  # may go on on the next page
        report = replace(report, table_place=page.next, is_read=page.next is None)
        if not report.is_read:
            _save(report)
    return report


def _chosen(report: Report, page: store.Page) -> list[str]:
    """The users of a page who are audited: those who changed, and each day other ones of the rest."""
    changed = set(page.changed)
    return [user_id for user_id in page.users if user_id in changed or _is_sampled(user_id, report.began)]


def _is_sampled(user_id: str, day: datetime) -> bool:
    digest = hashlib.sha256(f"{day:%Y-%m-%d}:{user_id}".encode("utf-8", "backslashreplace")).digest()
    return int.from_bytes(digest[:8]) % SAMPLE == 0


def _audited(report: Report, users: Iterable[str], last_user: str) -> Report:
    for user_id in users:
        if user_id == last_user:
            continue
        if report.audited >= MOST_AUDITED:
            report = replace(report, skipped=report.skipped + 1)
            continue
        findings = findings_of(user_id)
        report = replace(report, audited=report.audited + 1, violations=report.violations + len(findings))
        for finding in findings:
            logger.error("the audit found a violation", user=pseudonym(user_id), finding=_without(user_id, finding))
    return report


def findings_of(user_id: str) -> list[str]:
    """Everything that is wrong with one user's credits and payments.

    They may change while they are read, so what looks wrong is read again, and counts only if it is wrong still.
    """
    first = _findings(user_id)
    return [finding for finding in _findings(user_id) if finding in first] if first else []


def _findings(user_id: str) -> list[str]:
    """Nothing for a user whose credits change at every try to read them, or whose records move to a pseudonym."""
    account = store.load_account(user_id)
    if account is None or account.wallet.moves_to:
        return []
    # A run takes minutes. As of its begin, a lot would be open whose timer TTL has deleted since.
    now = clock.now()
    history = audit.history_of(account)
    findings = audit.audit_account(account, now, history)
    for payment_id, ledger in audit.payment_ledgers(account, now, history).items():
        stored = store.load_stored_payment(payment_id)
        if stored is None:
            findings.append(f"payment {payment_id}: the ledger has entries of it, but there is no such payment")
        else:
            findings += audit.audit_stored_payment(stored, ledger)
    return findings


def _without(user_id: str, finding: str) -> str:
    return finding.replace(user_id, pseudonym(user_id))


# ------------------------------------------------------------------------------------------------------- its figures


def _tell(report: Report, now: datetime) -> None:
    """The metrics of a report that is done."""
    for currency, minor in report.owed_minor.items():
        count("OwedMinor", minor, currency=currency)
    count("OwedCredits", report.owed_credits)
    count("OwedFreeCredits", report.free_credits)
    count("CreditsExpiringSoon", report.expiring_credits)
    count("UsersAudited", report.audited)
    count("AuditViolations", report.violations)
    count("OldestRefundMinutes", _age(_oldest_refund(now), now))
    count("OldestHoldMinutes", _age(report.oldest_hold, now))
    logger.info("daily report", report=asdict(report))


def _oldest_refund(now: datetime) -> datetime | None:
    oldest = next(store.refunds_in_flight_since(now), None)
    return times.from_text(oldest.place["from"]) if oldest else None


def _age(since: datetime | None, now: datetime) -> int:
    return int((now - since).total_seconds() // 60) if since else 0
