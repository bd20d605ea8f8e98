"""Find and repair what was lost: undelivered events, refunds in flight, payments without an update, unswept lots.

Each repair runs through the code that should have done it in time, so doing it twice changes nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from topup import expiry, fulfilment, payment_status, refunds, store, stripe_gateway, webhooks
from topup.domain import looks
from topup.domain.orders import Order
from topup.domain.reversals import ReversalStatus
from topup.domain.updates import CheckoutAbandoned
from topup.runtime.telemetry import count, logger

LONGEST_WINDOW = timedelta(days=30)  # Stripe keeps events no longer
WINDOW = timedelta(days=3)  # Stripe itself tries for three days
REFUND_AFTER = timedelta(minutes=2)  # the request that began it has ended long ago
SWEEP_AFTER = timedelta(days=2)  # TTL is late by days; before that the timer's own deletion does it

Found = TypeVar("Found")


@dataclass
class Tally:
    """How many records one step looked at, and how many of them it repaired."""

    found: int = 0
    repaired: int = 0


@dataclass
class Report:
    """What a run looked at, step by step, what it could not repair, and whether it came to its end."""

    events: Tally = field(default_factory=Tally)
    refunds: Tally = field(default_factory=Tally)
    payments: Tally = field(default_factory=Tally)
    lots: Tally = field(default_factory=Tally)
    failures: int = 0
    complete: bool = True

    @property
    def repaired(self) -> int:
        """How many records were wrong and are right now."""
        return sum(tally.repaired for tally in (self.events, self.refunds, self.payments, self.lots))


def reconcile(
    now: datetime,
    *,
    window: timedelta = WINDOW,
    sweep_after: timedelta = SWEEP_AFTER,
    has_time: Callable[[], bool] = lambda: True,
) -> Report:
    """Repair what was lost; `window` says how far back to look for events, `has_time` when to end the run."""
    report = Report()
    run = _Run(report, has_time)
    since = now - min(window, LONGEST_WINDOW)
    run.each("events", lambda: stripe_gateway.undelivered_events(since, now), lambda event: webhooks.handle(event, now))
    run.each("refunds", lambda: store.refunds_in_flight_since(now - REFUND_AFTER), lambda found: _refund(found, now))
    run.each("payments", lambda: store.orders_to_look_at(now), lambda found: _payment(found, now))
    run.each("lots", lambda: store.due_since(now - sweep_after), lambda due: expiry.expire(due.key, now))
    count("ReconcileRepaired", report.repaired)
    count("ReconcileFailed", report.failures)
    count("RefundsStuck", report.refunds.found - report.refunds.repaired)
    logger.info("reconciled", report=asdict(report))
    return report


@dataclass
class _Run:
    report: Report
    has_time: Callable[[], bool]

    def each(self, step: str, find: Callable[[], Iterable[Found]], repair: Callable[[Found], bool]) -> None:
        """Repair one record after the other; one that cannot be repaired must not stop the others."""
        try:
            for found in find():
                if not self.has_time():
                    self.report.complete = False
                    return
                self._one(step, partial(repair, found))
        except Exception:
            self._failed(step)

    def _one(self, step: str, repair: Callable[[], bool]) -> None:
        tally: Tally = getattr(self.report, step)
        tally.found += 1
        try:
            tally.repaired += repair()
        except Exception:
            self._failed(step)

    def _failed(self, step: str) -> None:
        logger.exception("could not be reconciled", step=step)
        self.report.failures += 1


def _refund(waiting: store.Waiting, now: datetime) -> bool:
    payment = payment_status.find(waiting.payment_id)
    in_flight = [
        known
        for known in payment.reversals
        if known.status is ReversalStatus.IN_FLIGHT and known.reversal_id == waiting.refund_id
    ]
    results = [refunds.resume(payment, known, now) for known in in_flight]
    return any(result.refund.status is not ReversalStatus.IN_FLIGHT for result in results)


def _payment(waiting: store.Waiting, now: datetime) -> bool:
    order = store.load_order(waiting.payment_id)
    if order is None or looks.due_at(order) > now:
        return False  # the index is behind
    claimed = store.claim_look(order, now, looks.next_look(order, now))
    if claimed is None:
        return False
    if order.provider_order_id is None:
        return looks.is_abandoned(order, now) and _abandon(order, now)
    try:
        return payment_status.ask(claimed, now).status is not order.status
    except Exception:
        store.claim_look(claimed, now, now + looks.AFTER_A_FAILURE)
        raise


def _abandon(order: Order, now: datetime) -> bool:
    """End an order that never got a session, unless its request comes again at this moment."""
    abandoned = CheckoutAbandoned(
        payment_id=order.payment_id,
        user_id=order.user_id,
        livemode=order.livemode,
        read_attempt=order.attempt,
        read_opened_at=order.opened_at,
    )
    return fulfilment.apply(abandoned, now).is_changed
