"""What must be answered about a user's credits, told from the stored state in other words than the product's."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.simulation.rules import open_lots
from tests.simulation.rules_of_holds import held_at
from tests.simulation.shadow import Shadow
from topup.domain import times
from topup.domain.audit import Account
from topup.domain.credits import Entry, Wallet

# All that was received before a moment is stored so much later, for sure: a run of reconcile takes five minutes.
SETTLED_AFTER = timedelta(minutes=6)


def credits_response(account: Account | None, user: str, now: datetime) -> dict[str, Any]:
    """The response of get_credits, if nothing but time changes this state until then."""
    state = account or Account(user, Wallet(user_id=user))
    lots = open_lots(state, now)
    balance = sum(lot.remaining for lot in lots) - state.wallet.debt
    held = held_at(state, now)
    return {
        "user_id": user,
        "balance": balance,
        "held": held,
        "available": balance - held,
        "debt": state.wallet.debt,
        "total_credits_earned": state.wallet.total_credits_earned,
        "lots": [
            {
                "payment_id": lot.payment_id,
                "lot_id": lot.lot_id,
                "source": lot.source,
                "package": lot.package,
                "granted": lot.granted,
                "remaining": lot.remaining,
                "expires_at": times.to_text(lot.expires_at) if lot.expires_at else None,
            }
            for lot in lots
        ],
    }


def quiet_times(shadow: Shadow, user: str, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The times in which nothing of the user's was received or written: of these it is clear what was answered."""
    versions = shadow.accounts[user].own if user in shadow.accounts else None
    written = [shadow.times[number] for number in versions.numbers] if versions else []
    for before, after in pairwise([*written, now]):
        if after - before > 2 * SETTLED_AFTER:
            yield before + SETTLED_AFTER, after - SETTLED_AFTER


def account_at(shadow: Shadow, user: str, moment: datetime) -> Account | None:
    """The stored state at that moment."""
    versions = shadow.accounts[user].own
    number = bisect_right([shadow.times[number] for number in versions.numbers], moment)
    state: Account | None = versions.states[number - 1] if number else None
    return state


def moved_lots(entry: Entry, account: Account) -> list[dict[str, Any]]:
    """The lots whose credits an entry has moved, in the order in which a spend draws them."""
    lots = {lot.lot_id: lot for lot in account.lots}
    moved = sorted(
        (lots[lot_id] for lot_id, amount in entry.moves.items() if amount),
        key=lambda lot: (lot.expires_at is None, str(lot.expires_at), lot.lot_id),
    )
    return [{"lot_id": lot.lot_id, "payment_id": lot.payment_id, "amount": entry.moves[lot.lot_id]} for lot in moved]
