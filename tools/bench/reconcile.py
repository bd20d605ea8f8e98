"""`make bench-reconcile`: how many unfinished payments a run of reconcile asks Stripe about, one or several at once."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from local.in_process import direct
from local.in_process.dynamodb import Emulator
from local.in_process.shop import Shop
from local.stripe_simulator import Simulator
from local.stripe_simulator.in_process import InProcessStripe
from tools.bench import report
from tools.generate.shop import opened
from topup.reconciliation import questions
from topup.reconciliation.own_work import sweep_payments
from topup.reconciliation.questions import Questions
from topup.reconciliation.reports import Part, Report
from topup.runtime import clock
from topup.stripe_gateway import client as stripe_client

PAYMENTS = 200
ANSWER = 0.3  # seconds that Stripe takes for an answer
SHARE = 33  # seconds: an eighth of a run's time, which this sweep has where all others need theirs

Opened = Callable[[], AbstractContextManager[Questions]]


@dataclass(frozen=True)
class Result:
    """One sweep over all unfinished payments."""

    at_once: int
    payments: int
    seconds: float


class SlowStripe(InProcessStripe):
    """The simulator, which answers each of several threads after a while."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(simulator)
        self._lock = threading.Lock()

    def request(self, *request: Any, **options: Any) -> Any:
        time.sleep(ANSWER)
        with self._lock:
            return super().request(*request, **options)


def main() -> None:
    results = [measure(direct.questions), measure(questions.opened)]
    report.write("reconcile", section(results))


def measure(opened_questions: Opened, payments: int = PAYMENTS) -> Result:
    """Let so many payments wait, and look at all of them."""
    with opened(Emulator()) as (shop, _log):
        for _ in range(payments):
            shop.create()
        shop.wait(hours=1)
        swept = Report()
        with (
            _slow(shop),
            mock.patch.object(clock, "now", return_value=shop.now),
            mock.patch.object(questions, "opened", opened_questions),
        ):
            began = time.perf_counter()
            sweep_payments(Part("payments", shop.now, swept, lambda: 1.0, reserved=0.0), {})
            seconds = time.perf_counter() - began
        with opened_questions() as asking:
            at_once = asking.at_once
    if swept.payments.found != payments or swept.failures:
        raise SystemExit(f"The sweep was to look at {payments} payments: {swept}")
    return Result(at_once, payments, seconds)


@contextmanager
def _slow(shop: Shop) -> Iterator[None]:
    with mock.patch.object(stripe_client, "http_client", return_value=SlowStripe(shop.simulator)):
        stripe_client._client_of.cache_clear()  # noqa: SLF001 - the next client must use the slow one
        yield
    stripe_client._client_of.cache_clear()  # noqa: SLF001


def section(results: Sequence[Result]) -> str:
    """What docs/performance.md says."""
    head = ["questions at once", "payments", "seconds", "payments / s", "in a run"]
    rows = [
        [
            str(one.at_once),
            str(one.payments),
            f"{one.seconds:.1f}",
            f"{one.payments / one.seconds:.1f}",
            f"{SHARE * one.payments / one.seconds:,.0f}",
        ]
        for one in results
    ]
    rate = round(1 / questions.EVERY)
    return f"""## Reconcile

`make bench-reconcile`, {datetime.now(UTC).date()}; {os.cpu_count()} processors ({report.processor()}).

The sweep over payments that nobody has reported, all of them abandoned checkouts: the real code over an emulated
DynamoDB and a simulated Stripe that takes {ANSWER} s for an answer. At most {rate} questions begin in a second, because
Stripe allows 25 requests in test mode. "In a run" is what fits into {SHARE} s, the sweep's share of a run's time where
all other sweeps need theirs; there are 96 runs a day.

{report.table(head, rows)}
"""


if __name__ == "__main__":
    main()
