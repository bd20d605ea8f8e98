"""Rules about the daily report: it changes nothing, finds nothing wrong, and its figures are those of the ledger."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tests.simulation.invocations import Invocation
from tests.simulation.rules import Violation, open_lots
from topup.domain.audit import Account
from topup.domain.lots import Lot
from topup.store import cursors

REPORT = "daily_report"


def check_written(author: Invocation | None, touched: Iterable[tuple[str, str]]) -> None:
    """It writes how far it is, and nothing else; raises Violation."""
    if author is None or author.function != REPORT:
        return
    if others := [partition for _, partition in touched if partition != cursors.PARTITION]:
        raise Violation(f"the daily report has changed {others}")


def check_audit(report: Mapping[str, Any]) -> None:
    """It finds nothing wrong with users whose every change was right; raises Violation."""
    if report["violations"]:
        raise Violation(f"the daily report has found {report['violations']} violations, and there are none: {report}")


def check_notices(told: Iterable[Mapping[str, Any]]) -> None:
    """Nobody hears again of credits whose user has been erased; raises Violation."""
    for notice in told:
        if notice["user_id"].startswith("erased-"):
            raise Violation(f"credits that stand under a pseudonym are told of: {notice}")


def check_figures(report: Mapping[str, Any], accounts: Iterable[Account], now: datetime) -> None:
    """What it adds up is what there is, where nothing has changed meanwhile; raises Violation."""
    lots = [lot for account in accounts for lot in open_lots(account, now)]
    owed = Counter[str]()
    for lot in lots:
        if lot.currency and lot.paid_minor:
            owed[lot.currency] += _owed(lot)
    wanted = {
        "owed_minor": dict(owed),
        "owed_credits": sum(lot.remaining for lot in lots),
        "free_credits": sum(lot.remaining for lot in lots if not lot.paid_minor),
    }
    found = {name: report[name] for name in wanted}
    if found != wanted:
        raise Violation(f"the daily report says {found}, and there is {wanted}")


def _owed(lot: Lot) -> int:
    """The money of a lot that its used credits do not stand for: of u of n credits it is floor(paid · u ÷ n)."""
    return lot.paid_minor - lot.paid_minor * (lot.granted - lot.remaining) // lot.granted
