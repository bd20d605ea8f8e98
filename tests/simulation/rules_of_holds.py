"""Rules about holds, batches and spends given back, told in other words than the product's."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.simulation.rules import Violation, check_draw_order, name_of, open_lots
from topup.domain.audit import Account
from topup.domain.credits import STRIPE, Entry, TransactionType
from topup.domain.holds import Hold
from topup.domain.reversed_spends import ReversedSpend

LATE = timedelta(hours=24)  # how long after its end a hold is captured


def held_at(account: Account, now: datetime) -> int:
    """What the holds of the account reserve."""
    return sum(hold.amount - hold.used for hold in _reserving(account, now))


def uncovered(account: Account, now: datetime) -> int:
    """The most credits that holds reserve and that will not be there, over all moments from now on; 0 if none."""
    return max(0, -free(account, now, max((hold.ends_at for hold in _reserving(account, now)), default=now)))


def free(account: Account, now: datetime, until: datetime) -> int:
    """The fewest credits that are not reserved, over all moments from now to `until`, without it."""
    lots, holds = open_lots(account, now), _reserving(account, now)
    ends = [lot.expires_at for lot in lots if lot.expires_at] + [hold.ends_at for hold in holds]
    return min(
        sum(lot.remaining for lot in lots if lot.expires_at is None or lot.expires_at > moment)
        - sum(hold.amount - hold.used for hold in holds if hold.ends_at > moment)
        for moment in {now, *(end for end in ends if end < until)}
    )


def may_be_captured(hold: Hold, now: datetime) -> bool:
    """Whether a capture may take from it: until it is captured or released, and a day after it has ended by itself."""
    if hold.status == "open" and hold.ends_at > now:
        return True
    return hold.status in ("open", "expired") and not hold.is_closed and now < hold.ends_at + LATE


def _reserving(account: Account, now: datetime) -> list[Hold]:
    return [hold for hold in account.holds if hold.status == "open" and hold.ends_at > now]


# ----------------------------------------------------------------------------------------------------- one commit


def check_holds(before: Account, after: Account, now: datetime, *, takes_back: bool) -> None:
    """Each hold ends once and for good, and nothing but a claw-back takes what holds reserve. `now`: of who wrote."""
    known = {hold.hold_id: hold for hold in before.holds}
    if lost := known.keys() - {hold.hold_id for hold in after.holds}:
        raise Violation(f"user {after.user_id}: the holds {lost} are gone")
    changed = [(known.get(hold.hold_id), hold) for hold in after.holds if known.get(hold.hold_id) != hold]
    for earlier, hold in changed:
        if earlier is not None:
            _check_end(earlier, hold, now)
        is_larger = earlier is None or (earlier.amount, earlier.ends_at) != (hold.amount, hold.ends_at)
        if is_larger and free(after, now, hold.ends_at) < after.wallet.debt:
            raise Violation(f"user {after.user_id}: hold {hold.hold_id} reserves what will not be there, or is owed")
    if changed and after.wallet.version == before.wallet.version:
        raise Violation(f"user {after.user_id}: a hold changed, and the wallet's version did not")
    short, was_short = uncovered(after, now), uncovered(before, now)
    if short > was_short and not takes_back:
        raise Violation(f"user {after.user_id}: {short} held credits will not be there, it were {was_short} before")


def pays_debt(entry: Entry) -> bool:
    """Whether credits that are left pay in it what was captured before."""
    return entry.transaction_type is TransactionType.SPENT and entry.amount == 0


def check_paid(entry: Entry, before: Account, after: Account) -> str:
    """What captures owe is paid by what a hold frees, as a spend takes it, or by what expires; which of them it was."""
    paid, now, lots = -entry.debt_change, entry.created_at, {lot.lot_id: lot for lot in before.lots}
    if all(lots[lot_id].is_expired(now) for lot_id in entry.moves):
        return "what captures owe is paid by what expires"
    check_draw_order(entry, open_lots(before, now))
    if paid > sum(lot.remaining for lot in open_lots(before, now)) - held_at(after, now):
        raise Violation(f"{name_of(entry)}: debt was paid out of what holds reserve")
    return "what captures owe is paid by what a hold frees"


def _check_end(before: Hold, after: Hold, now: datetime) -> None:
    name = f"hold {after.hold_id}"
    if before.status not in ("open", after.status):
        raise Violation(f"{name} was {before.status}, and is {after.status} now")
    if before.is_closed:
        raise Violation(f"{name} changed after its end")
    if after.status == "expired" and before.status == "open" and after.ends_at > now:
        raise Violation(f"{name} ended by itself at {now}, before {after.ends_at}")
    took = (after.captured, after.shortfall) != (before.captured, before.shortfall)
    if after.status == "expired" and after.is_closed and not took:
        raise Violation(f"{name} ended by itself, and may not be captured any more")
    if after.ends_at < before.ends_at or after.amount < before.amount or after.used < before.used:
        raise Violation(f"{name} became shorter or smaller")


def check_returned(before: Account, after: Account) -> None:
    """What was drawn last comes back first: what is owed, and then the lot that lives longest."""
    known = {one.spend: one for one in before.reversed_spends}
    entries = {entry.number: entry for entry in after.entries}
    for given in after.reversed_spends:
        earlier = known.get(given.spend, ReversedSpend(user_id=given.user_id, spend=given.spend))
        if given != earlier and (spend := entries.get(given.spend)):
            _check_order(after, spend, earlier, given)


def _check_order(account: Account, spend: Entry, before: ReversedSpend, after: ReversedSpend) -> None:
    lots = {lot.lot_id: lot for lot in account.lots}
    places = sorted(spend.moves, key=lambda one: (lots[one].expires_at is None, str(lots[one].expires_at), one))
    left = [
        *((-spend.moves[place] - after.lots.get(place, 0), _more(before, after, place)) for place in places),
        (spend.debt_change - after.debt, after.debt - before.debt),
    ]
    for place, (_, came_back) in enumerate(left):
        if came_back < 0 or (came_back and any(still for still, _ in left[place + 1 :])):
            raise Violation(f"{name_of(spend)}: what was drawn last did not come back first: {before} → {after}")


def _more(before: ReversedSpend, after: ReversedSpend, lot_id: str) -> int:
    return after.lots.get(lot_id, 0) - before.lots.get(lot_id, 0)


def check_batch(account: Account, items: list[dict[str, object]]) -> None:
    """Once anything of a batch is there, all of it is, each spend once. Each description names one spend."""
    made = Counter(entry.cause.description for entry in account.entries if entry.transaction_type == "spent")
    missing = [item["description"] for item in items if made[str(item["description"])] != 1]
    if missing:
        raise Violation(f"user {account.user_id}: of a batch these spends are there more or less than once: {missing}")


# ----------------------------------------------------------------------------------------------------- the end


def findings(account: Account, now: datetime) -> Iterator[str]:
    """Holds that are over, and that nothing has ended."""
    for hold in account.holds:
        if hold.status == "open" and hold.ends_at <= now:
            yield f"user {account.user_id}: hold {hold.hold_id} is over since {hold.ends_at}, and nothing has ended it"


def may_take_held(entry: Entry, *, is_forced: bool) -> bool:
    """Whether an entry may take what holds reserve: for money that is gone, also if a refused refund learns of it."""
    is_refund = entry.transaction_type is TransactionType.REFUNDED
    is_gone = entry.cause.actor == STRIPE
    return entry.transaction_type is TransactionType.DISPUTED or (is_refund and (is_forced or is_gone))
