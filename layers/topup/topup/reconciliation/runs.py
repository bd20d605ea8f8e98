"""One run: the sweeps in their order, each with its own share of the time, and what the run reports."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import cache, partial

from topup import store
from topup.domain.reversals import Kind
from topup.reconciliation import at_stripe, own_work, stripe_walks
from topup.reconciliation.reports import Part, Report
from topup.reconciliation.stripe_walks import LONGEST_WINDOW, Walk
from topup.runtime import config
from topup.runtime.telemetry import count, logger
from topup.store.cursors import Cursor, Memory
from topup.stripe_gateway import listing

WINDOW = timedelta(days=3)  # Stripe itself tries for three days
SWEEP_AFTER = timedelta(days=2)  # TTL is late by days; before that the timer's own deletion does it

EVENTS, PAID_EVENTS, REVERSAL_EVENTS = "events", "paid_events", "reversal_events"
REFUNDS, DISPUTES, WARNINGS = "stripe_refunds", "stripe_disputes", "fraud_warnings"
# What comes into these lists stays as it is. A refund or a dispute changes, so those of the whole window are compared.
INCREMENTAL = (EVENTS, PAID_EVENTS, REVERSAL_EVENTS, WARNINGS)
Sweep = Callable[[Part, Cursor], None]


def reconcile(
    now: datetime,
    *,
    window: timedelta | None = None,
    delivered_too: bool = False,
    sweep_after: timedelta = SWEEP_AFTER,
    settled: Sequence[str] = (),
    seconds_left: Callable[[], float] = lambda: 1.0,
) -> Report:
    """Repair what was lost.

    `window`: walk through all that Stripe has of so long, rather than through what is new since the last run;
    `delivered_too`: through events that were acknowledged as well. `settled`: the ids of stuck objects that a person
    has seen to. `seconds_left` says how long the run may still take. Raises ValueError for an id that is not stuck.
    """
    report = Report()
    sweeps = _own_sweeps(sweep_after)
    try:
        memory = store.load_memory()
    except Exception:
        # Without it a walk would begin anew, and what is stuck would be new. Our own work can do without.
        logger.exception("could not be reconciled", step="memory")
        report.failures, report.complete = 1, False
        memory = Memory({}, [])
    else:
        sweeps |= _sweeps_at_stripe(_settle(memory, settled), now, window, delivered_too=delivered_too)
    for number, (name, sweep) in enumerate(sweeps.items()):
        left = seconds_left()
        # Whoever takes less leaves the rest to those after it.
        part = Part(name, now, report, seconds_left, reserved=max(0.0, left - left / (len(sweeps) - number)))
        try:
            sweep(part, memory.cursors.get(name, {}))
        except Exception:
            part.failed()
    _tell(report)
    return report


def _own_sweeps(sweep_after: timedelta) -> dict[str, Sweep]:
    """They come first: however much Stripe has, our own work must not wait for that."""
    return {
        "refunds": own_work.sweep_refunds,
        "payments": own_work.sweep_payments,
        "lots": partial(own_work.sweep_lots, sweep_after=sweep_after),
    }


def _sweeps_at_stripe(
    memory: Memory, now: datetime, window: timedelta | None, *, delivered_too: bool
) -> dict[str, Sweep]:
    # Begun by the sweeps, where a key that is missing is a failure of theirs, and not of the run.
    begin = cache(partial(_begin, memory, now, window, delivered_too=delivered_too))
    unpaid = partial(listing.unpaid_events, delivered_too=delivered_too)

    def since() -> dict[Kind, int]:
        return {Kind.REFUND: begin(REFUNDS).second, Kind.DISPUTE: begin(DISPUTES).second}

    return {
        EVENTS: lambda part, _: at_stripe.sweep_events(part, begin(EVENTS), memory.stuck, unpaid, since()),
        PAID_EVENTS: lambda part, _: at_stripe.sweep_events(
            part, begin(PAID_EVENTS), memory.stuck, listing.paid_events, since()
        ),
        REVERSAL_EVENTS: lambda part, _: at_stripe.sweep_events(
            part, begin(REVERSAL_EVENTS), memory.stuck, listing.reversal_events, since()
        ),
        REFUNDS: lambda part, _: at_stripe.sweep_reversals(part, begin(REFUNDS), memory.stuck, Kind.REFUND),
        DISPUTES: lambda part, _: at_stripe.sweep_reversals(part, begin(DISPUTES), memory.stuck, Kind.DISPUTE),
        WARNINGS: lambda part, _: at_stripe.sweep_warnings(part, begin(WARNINGS), memory.stuck),
    }


def _begin(memory: Memory, now: datetime, window: timedelta | None, name: str, *, delivered_too: bool) -> Walk:
    """A person's walk has a cursor of its own: the schedule's goes on as if there were none.

    So has each of Stripe's modes: what a walk with the wrong key has seen says nothing of the other lists. The first
    walk after one in the other mode goes back as far as Stripe does: nobody knows how long the key was wrong.
    """
    by_mode = {True: name, False: f"{name} in test mode"}
    livemode = config.is_livemode()
    whose, others = by_mode[livemode], by_mode[not livemode]
    if window is None and not delivered_too:
        cursor = memory.cursors.get(whose, {})
        usual = LONGEST_WINDOW if not cursor and others in memory.cursors else WINDOW
        return stripe_walks.begin(whose, cursor, now, usual, is_incremental=name in INCREMENTAL)
    longest = min(WINDOW if window is None else window, LONGEST_WINDOW)
    request = f"{longest}{', delivered too' if delivered_too else ''}"
    by_hand = f"{whose} by hand"
    return stripe_walks.begin_by_hand(by_hand, memory.cursors.get(by_hand, {}), now, longest, request)


def _settle(memory: Memory, settled: Sequence[str]) -> Memory:
    if unknown := set(settled) - {stuck.object_id for stuck in memory.stuck}:
        raise ValueError(f"settled: nothing that is stuck has the id {', '.join(sorted(unknown))}")
    stuck = [replace(one, is_settled=True) if one.object_id in settled else one for one in memory.stuck]
    for before, after in zip(memory.stuck, stuck, strict=True):
        if after != before:
            store.remember_stuck(after)
    return replace(memory, stuck=stuck)


def _tell(report: Report) -> None:
    """Every run emits every metric of the whole: an alarm may ask whether each run of an hour had one.

    Which sweep it was is said only where there is something to say: each is a metric of its own, and costs as much.
    """
    for name, tally in report.sweeps.items():
        for metric, number in (("SweepRepaired", tally.repaired), ("SweepFailed", tally.failed)):
            if number:
                count(metric, number, sweep=name)
    count("ReconcileRepaired", report.repaired)
    count("ReconcileEnded", report.ended)
    count("ReconcileFailed", report.failures)
    count("ReconcileStuckEvents", len(report.stuck))
    count("ReconcileIncomplete", int(not report.complete))
    count("RefundsStuck", report.refunds_in_flight)
    logger.info("reconciled", report=asdict(report))
