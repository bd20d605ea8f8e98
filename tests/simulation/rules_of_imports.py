"""Rules about credits that are imported: each row of a file becomes one lot, however often the command is run."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from ops.imports.rows import Row
from tests.simulation.invocations import Invocation
from tests.simulation.rules import Violation, name_of
from topup.domain.audit import Account
from topup.domain.credits import Entry

if TYPE_CHECKING:
    from tests.simulation.shadow import Shadow

IMPORT = "import"
SAYS = "imported as "


def check_once(before: Account, entry: Entry, author: Invocation | None) -> None:
    """Nothing is imported twice to one wallet, and only by the command; raises Violation."""
    reason = entry.cause.reason or ""
    if not reason.startswith(SAYS):
        return
    if author is None or author.function != IMPORT:
        raise Violation(f"{name_of(entry)}: {author and author.function} has imported credits")
    if any(earlier.cause.reason == reason for earlier in before.entries):
        raise Violation(f"{name_of(entry)}: {reason} for the second time")


def check_done(shadow: "Shadow", rows: Sequence[Row], lines: Sequence[str], begun: int) -> None:
    """After a run that is complete each row is a lot as it says, and the totals are those of the file.

    `lines`: what the command printed. A user who was erased after the commit `begun` is left out.
    """
    findings = [
        finding
        for row in rows
        if not shadow.erasures.has_moved_since(row.user_id, begun)
        for finding in _of_row(shadow.account(row.user_id), row)
    ]
    wanted = totals(rows)
    findings += [f"the totals are {line}, not {wanted}" for line in (lines[0], lines[-1]) if not line.endswith(wanted)]
    if findings:
        raise Violation(f"an import is complete: {'; '.join(findings)}")


def _of_row(account: Account | None, row: Row) -> Iterator[str]:
    entries = account.entries if account else []
    made = [entry for entry in entries if entry.cause.reason == SAYS + row.external_id]
    if len(made) != 1:
        yield f"{row.external_id} was imported {len(made)} times"
        return
    [entry] = made
    lots = [lot for lot in (account.lots if account else ()) if lot.lot_id in entry.moves]
    found = [(lot.granted, lot.expires_at, lot.paid_minor, lot.currency) for lot in lots]
    if found != [(row.credits, row.expires_at, row.paid_minor, row.currency)] or entry.amount != row.credits:
        yield f"{row.external_id} became {lots}, as {entry}"


def totals(rows: Sequence[Row]) -> str:
    """What the command says of rows; all their money has two decimals."""
    paid = Counter[str]()
    for row in rows:
        if row.currency:
            paid[row.currency] += row.paid_minor
    money = ", ".join(f"{Decimal(minor) / 100:.2f} {currency}" for currency, minor in sorted(paid.items()))
    credits, free = sum(row.credits for row in rows), sum(row.credits for row in rows if not row.currency)
    users = len({row.user_id for row in rows})
    return f"{len(rows)} rows of {users} users: {credits} credits, {free} of them free, paid {money or 'nothing'}"
