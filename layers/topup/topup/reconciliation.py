"""Finding what was lost: events that nobody took, refunds in flight, payments nobody heard of, lots nobody swept.

Everything goes through the code that would have done it in time, so that doing it twice changes nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from topup import expiry, payments, refunds, store, stripe_gateway, webhooks
from topup.domain.news import CheckoutExpired
from topup.domain.reversal_kinds import Standing
from topup.telemetry import count, logger

LONGEST_WINDOW = timedelta(days=30)  # Stripe keeps events no longer
WINDOW = timedelta(days=3)  # Stripe itself tries for three days
REFUND_AFTER = timedelta(minutes=2)  # the request that began it has ended long ago
PAYMENT_AFTER = timedelta(minutes=15)
PAYMENT_INTERVAL = timedelta(hours=6)  # an abandoned checkout is asked about this often, until its session expires
ABANDONED_AFTER = timedelta(hours=25)  # Stripe's sessions live a day; an order that never got one never will
SWEEP_AFTER = timedelta(days=2)  # TTL is late by days; before that the timer's own deletion does it

Found = TypeVar("Found")


@dataclass
class Report:
    """What a run looked at, how much of it was not as it should have been, and what it could not mend."""

    events: int = 0
    events_repaired: int = 0
    refunds: int = 0
    refunds_repaired: int = 0
    payments: int = 0
    payments_repaired: int = 0
    lots: int = 0
    lots_repaired: int = 0
    failures: int = 0
    complete: bool = True

    @property
    def repaired(self) -> int:
        """How much was not as it should have been, and is now."""
        return self.events_repaired + self.refunds_repaired + self.payments_repaired + self.lots_repaired


def reconcile(
    now: datetime,
    *,
    window: timedelta = WINDOW,
    sweep_after: timedelta = SWEEP_AFTER,
    has_time: Callable[[], bool] = lambda: True,
) -> Report:
    """Repair what was lost; `window` says how far back to look for events, `has_time` when to end the run."""
    run = _Run(Report(), has_time)
    since = now - min(window, LONGEST_WINDOW)
    run.each("events", lambda: stripe_gateway.undelivered_events(since, now), lambda event: webhooks.handle(event, now))
    run.each("refunds", lambda: store.refunds_in_flight_since(now - REFUND_AFTER), lambda found: _refund(found, now))
    run.each("payments", lambda: store.unpaid_since(now - PAYMENT_AFTER), lambda found: _payment(found, now))
    run.each("lots", lambda: store.unswept_since(now - sweep_after), lambda found: _lot(found, now))
    count("ReconcileRepaired", run.report.repaired)
    count("ReconcileFailed", run.report.failures)
    count("RefundsStuck", run.report.refunds - run.report.refunds_repaired)
    logger.info("reconciled", report=asdict(run.report))
    return run.report


@dataclass
class _Run:
    report: Report
    has_time: Callable[[], bool]

    def each(self, step: str, find: Callable[[], Iterable[Found]], repair: Callable[[Found], bool]) -> None:
        """Repair one after the other; one that cannot be mended must not keep the others from being mended."""
        try:
            for one in find():
                if not self.has_time():
                    self.report.complete = False
                    return
                self._one(step, partial(repair, one))
        except Exception:
            self._failed(step)

    def _one(self, step: str, repair: Callable[[], bool]) -> None:
        self._add(step)
        try:
            if repair():
                self._add(f"{step}_repaired")
        except Exception:
            self._failed(step)

    def _add(self, figure: str) -> None:
        setattr(self.report, figure, getattr(self.report, figure) + 1)

    def _failed(self, step: str) -> None:
        logger.exception("could not be reconciled", step=step)
        self.report.failures += 1


def _refund(waiting: store.Waiting, now: datetime) -> bool:
    payment = payments.find(waiting.payment_id)
    in_flight = [
        known
        for known in payment.reversals
        if known.standing is Standing.IN_FLIGHT and waiting.record.endswith(known.reversal_id)
    ]
    outcomes = [refunds.resume(payment, known, now) for known in in_flight]
    return any(outcome.refund.standing is not Standing.IN_FLIGHT for outcome in outcomes)


def _payment(waiting: store.Waiting, now: datetime) -> bool:
    order = payments.find(waiting.payment_id).order
    if order.provider_order_id is None and now - order.created_at >= ABANDONED_AFTER:
        expired = CheckoutExpired(payment_id=order.payment_id, user_id=order.user_id, livemode=order.livemode)
        return payments.apply(expired, now).is_changed
    return payments.up_to_date(order, now, PAYMENT_INTERVAL).status is not order.status


def _lot(waiting: store.Waiting, now: datetime) -> bool:
    order = payments.find(waiting.payment_id).order
    assert order.credits_expire_at, "Bug! only an order with a lot waits for its expiry"
    return expiry.expire(order.user_id, store.lot_record(order.credits_expire_at, order.payment_id), now)
