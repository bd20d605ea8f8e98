"""The end of a run: once the faults have ended, everything must agree with Stripe."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.simulation import books, rules_of_holds
from tests.simulation.actions import HALF_A_YEAR, LONGEST_WINDOW
from tests.simulation.comparison import differences
from tests.simulation.grants import NEVER
from tests.simulation.oracle import findings as of_the_oracle
from tests.simulation.rules import Violation
from tests.simulation.variations import Variation
from topup.domain import audit
from topup.domain.audit import PaymentLedger
from topup.store import credit_items, expiry

if TYPE_CHECKING:
    from tests.simulation.world import World

CLAWED_BACK, GRANTED = ": clawed back ", ": granted 1 times, "
ALL_SHARDS = expiry.SHARDS
MOST_ROUNDS = 5
MOST_SHORT_RUNS = 40
QUARTER_OF_AN_HOUR = 900.0
LEAST_FOR_SMALL_LISTS = 70.0  # seconds; plans that were saved before that was known have less
FIRST_HOURS = timedelta(hours=2)  # a walk that begins in the first two of the ten hours of short runs ends in them
EVERYTHING = {"window_hours": LONGEST_WINDOW, "sweep_after_hours": 0}
LISTENS = 3  # every third seed delivers to other systems what has happened; it costs a seventh of a run
EXPIRES_ALL = 4  # every fourth seed continues until all credits have expired


def converge(world: "World") -> None:
    """End the faults, let Stripe redeliver and reconcile run, and check that all agree; raises Violation."""
    world.stop_faults()
    world.scheduler.run_for(7200.0)
    if seconds := world.plan.variations.get(Variation.SHORT_RUNS):
        _short_runs(world, seconds)
    for _ in range(MOST_ROUNDS):
        world.scheduler.run_for(26 * 3600.0)
        report = world.reconcile_surely(sweep_after_hours=0)
        if not report["repaired"]:
            break
    else:
        raise Violation(f"reconcile finds more to repair every time: {report}")
    if report["failures"] or report["stuck"] or not report["complete"]:
        raise Violation(f"reconcile cannot repair something: {report}")
    if world.is_by_schedule:
        _missed_by_schedule(world)
    _end_holds(world)
    _finish_changes(world)
    check(world)
    world.actions.look_back()
    world.actions.report_at_the_end()
    if world.plan.seed % EXPIRES_ALL == 0:
        world.scheduler.run_for(HALF_A_YEAR)
        world.reconcile_surely(sweep_after_hours=0)
        check(world)
        _all_expired(world)
    if world.plan.seed % LISTENS == 0:
        world.listener.check()


def _short_runs(world: "World", seconds: float) -> None:
    """Runs with little time get on: together they repair what one with much time would; raises Violation."""
    world.scheduler.run_for(26 * 3600.0)
    begun, is_enough = world.scheduler.now, seconds > LEAST_FOR_SMALL_LISTS or not world.stripe.page
    for _ in range(MOST_SHORT_RUNS):
        world.scheduler.run_for(QUARTER_OF_AN_HOUR)
        report = world.run_now(lambda: world.reconcile(timeout=seconds, **EVERYTHING))
        if report["complete"] and not report["repaired"]:
            break
    # Rarely is one run enough for all walks: each of them ends in some run, and begins anew in the next one.
    if is_enough and (endless := list(world.shadow.walks.unfinished_of(begun, begun + FIRST_HOURS))):
        raise Violation(f"reconcile with little time comes to no end of {endless}")
    missed = world.run_now(lambda: world.reconcile(**EVERYTHING))
    if missed["repaired"]:
        raise Violation(f"reconcile with little time never gets to this: {missed}")


def _missed_by_schedule(world: "World") -> None:
    """Raise Violation if a run by hand, which looks farther back, finds more to repair than the schedule's runs."""
    world.is_by_schedule = False
    missed = world.reconcile_surely(**EVERYTHING)
    # With a live key, reconcile ends what test mode had: no real money is lost with it.
    is_exempt = world.hits["the key of the other mode"] and Variation.LIVE_MODE not in world.plan.variations
    if missed["repaired"] and not is_exempt:
        raise Violation(f"the schedule never gets to this: {missed}")


def _end_holds(world: "World") -> None:
    """Let the sweep end the holds whose timers came to nothing, in all parts of the index: their ids are anywhere."""
    if any(_ended(world)):
        shards, expiry.SHARDS = expiry.SHARDS, ALL_SHARDS
        world.reconcile_surely(sweep_after_hours=0)
        expiry.SHARDS = shards
        world.hit("the sweep ends a hold that the stream has lost")


def _ended(world: "World") -> Iterator[str]:
    for versions in world.shadow.accounts.values():
        yield from rules_of_holds.findings(versions.last, world.scheduler.now)


def _finish_changes(world: "World") -> None:
    """The next change of a user's credits finishes one of many lots that was interrupted; raises Violation."""
    for user, versions in world.shadow.accounts.items():
        if versions.last.wallet.unfinished:
            world.hit("the next change finishes one that was interrupted")
            world.actions.give(user, 1, NEVER)
    world.finish_calls()
    if left := [user for user, versions in world.shadow.accounts.items() if versions.last.wallet.unfinished]:
        raise Violation(f"a change of many lots was not finished: {left}")


def check(world: "World") -> None:
    """Check all that must hold when nothing is in progress."""
    now = world.scheduler.now
    ledgers: dict[str, PaymentLedger] = {}
    findings: list[str] = []
    for versions in world.shadow.accounts.values():
        findings += audit.audit_account(versions.last, now)
        ledgers |= audit.payment_ledgers(versions.last, now)
    world.shadow.is_restored = False
    for payment_id, versions in world.shadow.payments.items():
        found = audit.audit_payment(versions.last, ledgers.get(payment_id, PaymentLedger()))
        # What had been clawed back or granted, as only a lost record knew: the audit tells a person.
        is_told = {CLAWED_BACK: payment_id in world.shadow.lost_refunds, GRANTED: _waits_again(world, payment_id)}
        findings += [one for one in found if not any(is_one and words in one for words, is_one in is_told.items())]
        findings += differences(world.simulator, versions.last)
    findings += of_the_oracle(world.shadow, now)
    findings += books.findings(world)
    findings += _misplaced_lots(world)
    findings += _confirmed(world)
    findings += _ended(world)
    findings += world.shadow.erasures.findings()
    if findings:
        raise Violation("; ".join(findings))


def _waits_again(world: "World", payment_id: str) -> bool:
    """Whether a payment waits for the decision that an administrator took before the table was restored."""
    order = world.shadow.payments[payment_id].last.order
    return payment_id in world.shadow.lost_releases and order.quarantine_reason is not None


def _misplaced_lots(world: "World") -> list[str]:
    """Lots that every spend reads although they have no credits, or that none reads although they have some."""
    return [
        f"{record} of {user} has {item['remaining']['N']} credits"
        for user, records in world.database.items(world.database.credits).items()
        for record, item in records.items()
        if record.startswith((credit_items.LOT, credit_items.EMPTY_LOT))
        and record.startswith(credit_items.LOT) != (item["remaining"]["N"] != "0")
    ]


def _confirmed(world: "World") -> list[str]:
    """Every spend, grant and adjustment that was confirmed is in the ledger."""
    entries = {entry.transaction_id for versions in world.shadow.accounts.values() for entry in versions.last.entries}
    return [f"the change {confirmed} is gone" for confirmed in world.checker.confirmed if confirmed not in entries]


def _all_expired(world: "World") -> None:
    now = world.scheduler.now
    left = [
        lot.lot_id
        for versions in world.shadow.accounts.values()
        for lot in versions.last.lots
        if lot.remaining and lot.is_expired(now)
    ]
    if left:
        raise Violation(f"credits that have expired are still there: {left}")
