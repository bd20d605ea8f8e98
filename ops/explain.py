"""`explain`: why a user has so many credits: every entry of the ledger, with the lots that it moved credits of."""

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ops import layout, make, opened
from ops.errors import CannotRunError
from topup import store
from topup.api import hold_ids, responses
from topup.domain.audit import Account, audit_account
from topup.domain.credits import CAPTURES, Entry, UserCredits
from topup.domain.holds import Hold
from topup.domain.lots import Lot, Source, in_draw_order, spendable


@dataclass(frozen=True)
class Explained:
    """A user's credits now, the entries that led to them (oldest first), and what does not add up."""

    credits: UserCredits
    entries: Sequence[Entry]
    lots: Mapping[str, Lot]
    findings: Sequence[str]
    now: datetime

    @property
    def unswept(self) -> int:
        """Credits of expired lots that are still there: they do not count."""
        return sum(lot.remaining for lot in self.lots.values() if lot.is_expired(self.now))


def run(options: Namespace) -> int:
    if not options.user:
        raise CannotRunError("name the user: --user ID (make: USER=)")
    if options.last is not None and options.last < 1:
        raise CannotRunError("--last must be at least 1 (make: LAST=)")
    with opened.stack(options, with_stripe=False) as now:
        account = store.load_account(options.user)
        moment = now()
    if account is None:
        raise CannotRunError(f"the credits of {options.user} changed at every try to read them: run it again")
    if not account.entries and not account.holds:
        print(f"{options.user} has no credits and never had any: check the id, in capitals and small letters too")
        print(f"next: {make.command('find', options.stack, WHAT=options.user)}")
        return 1
    found = explained(account, moment)
    print(
        json.dumps(as_json(found, options.last), indent=2, ensure_ascii=False)
        if options.json
        else as_text(found, options)
    )
    return 1 if found.findings else 0


def explained(account: Account, now: datetime) -> Explained:
    lots = [lot for lot in account.lots if not lot.is_expired(now)]
    return Explained(
        credits=UserCredits(wallet=account.wallet, lots=lots, holds=account.holds),
        entries=[*account.entries, *account.more],
        lots={lot.lot_id: lot for lot in account.lots},
        findings=audit_account(account, now),
        now=now,
    )


def as_json(found: Explained, last: int | None) -> dict[str, Any]:
    """The API's own answers, with what does not add up."""
    newest_first = found.entries[::-1][:last]
    page = responses.transactions(newest_first, None, found.now, in_full=True, lots=found.lots)
    return {
        "credits": responses.user_credits(found.credits, found.now),
        "transactions": page["transactions"],
        "findings": list(found.findings),
    }


# ------------------------------------------------------------------------------------------------------------ in words


def as_text(found: Explained, options: Namespace) -> str:
    shown = found.entries[-options.last :] if options.last else found.entries
    left_out = len(found.entries) - len(shown)
    parts = [
        [_balance(found)],
        [f"without the first {layout.counted(left_out, 'entry', 'entries')}"] if left_out else [],
        _ledger(shown, found.lots),
        [*_what_is_left(found), *_holds(found)],
        list(found.findings) or [f"Everything adds up. All times are UTC; it is {layout.moment(found.now)}."],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _balance(found: Explained) -> str:
    """Why the balance is what it is, in one sum."""
    credits, now = found.credits, found.now
    parts = [str(lot.remaining) for lot in spendable(credits.lots, now)]
    debt = [f"{credits.wallet.debt} owed"] if credits.wallet.debt else []
    total = " - ".join([" + ".join(parts) or "0", *debt])
    says = f"{credits.wallet.user_id} has {credits.balance(now)} credits"
    says += f" = {total}" if len(parts) != 1 or debt else ""
    held = credits.held(now)
    return says + (f"; {held} of them are held, and {credits.available(now)} may be spent" if held else "")


def _ledger(entries: Sequence[Entry], lots: Mapping[str, Lot]) -> list[str]:
    rows: list[tuple[object, ...]] = [("#", "when", "before", "change", "after", "what")]
    for entry in entries:
        before = entry.balance_after - entry.amount
        rows.append(
            (
                entry.number,
                layout.moment(entry.created_at),
                before,
                _signed(entry.amount),
                entry.balance_after,
                _what(entry),
            )
        )
        moves = list(_moves(entry, lots))
        rows += [("", "", "", _signed(change) if len(moves) > 1 else "", "", f"  {where}") for change, where in moves]
    return list(layout.columns(rows, right=(0, 2, 3, 4)))


def _what(entry: Entry) -> str:
    cause = entry.cause
    hold = f"hold {hold_ids.of(entry.user_id, cause.hold_id)}" if cause.hold_id else None
    spend = f"of entry {cause.spend}" if cause.spend else None
    return " · ".join(filter(None, (cause.transaction_type, cause.description, cause.reason, cause.actor, hold, spend)))


def _moves(entry: Entry, lots: Mapping[str, Lot]) -> Iterator[tuple[int, str]]:
    """Where the change landed: by how much each lot changed, and the debt."""
    moves = {lot_id: change for lot_id, change in entry.moves.items() if change}
    for lot_id in in_draw_order(moves, lots):
        yield moves[lot_id], _lot(lots.get(lot_id), lot_id)
    if entry.debt_change:
        yield -entry.debt_change, "debt that it paid" if entry.debt_change < 0 else "owed: there were too few"


def _lot(lot: Lot | None, lot_id: str) -> str:
    """Who paid for a lot, and until when it lives."""
    if lot is None:
        return f"lot {lot_id}"
    paid = f", {layout.amount(lot.paid_minor, lot.currency)}" if lot.currency and lot.paid_minor else ""
    if lot.payment_id is None:
        return f"{lot.name} {lot_id}, {_until(lot)}"
    restored = "restored credits of " if lot.source is Source.RESTORED else ""
    return f"{restored}payment {lot.payment_id} ({lot.name}{paid}), {_until(lot)}"


def _until(lot: Lot) -> str:
    return f"until {layout.moment(lot.expires_at)}" if lot.expires_at else "never expires"


def _what_is_left(found: Explained) -> Iterator[str]:
    left = spendable(found.credits.lots, found.now)
    if left:
        rows = [("left", "granted", "of"), *((lot.remaining, lot.granted, _lot(lot, lot.lot_id)) for lot in left)]
        yield from layout.columns(rows, right=(0, 1))
    if debt := found.credits.wallet.debt:
        yield f"{debt} are owed{_owed_for(found.credits.wallet.debts)}: the next credits that come in pay them first"
    if found.unswept:
        yield f"{found.unswept} have expired and do not count; their entry follows when they are swept"


def _owed_for(debts: Mapping[str, int]) -> str:
    """What made the debt, as far as it is known."""
    causes = {name: f"payment {name}" if name != CAPTURES else "captures" for name in sorted(debts)}
    parts = [f"{debts[name]} because of {cause}" for name, cause in causes.items()]
    return f" ({', '.join(parts)})" if parts else ""


def _holds(found: Explained) -> Iterator[str]:
    for hold in sorted(found.credits.holds, key=lambda one: one.ends_at):
        if hold.is_open(found.now):
            yield _hold(hold)


def _hold(hold: Hold) -> str:
    name = hold_ids.of(hold.user_id, hold.hold_id)
    return f"{hold.left} are held until {layout.moment(hold.ends_at)} by {hold.actor}: {hold.description} (hold {name})"


def _signed(change: int) -> str:
    return f"{change:+}"
