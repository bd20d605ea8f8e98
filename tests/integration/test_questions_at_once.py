"""`reconcile` asks Stripe about several orders at once, and no faster than Stripe allows."""

import contextlib
import threading
import time
from typing import Any

import pytest

from local.in_process.api import Api, load_handler
from local.in_process.direct import Direct
from tests.support.builders import an_order
from tests.support.stripe_wire import ScriptedResponse, StripeWire, WireRequest
from topup import store
from topup.domain.errors import Busy
from topup.reconciliation import questions
from topup.reconciliation.questions import AT_ONCE, EVERY, PAUSE, Questions
from topup.stripe_gateway import http_client

in_threads = questions.opened  # the fixtures replace it


class Clock:
    """A monotonic clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: made.seconds)
    monkeypatch.setattr(time, "sleep", made.sleep)
    return made


def reconcile(api: Api) -> dict[str, Any]:
    with api.dynamodb.acting_as("reconcile"):
        report: dict[str, Any] = load_handler("reconcile")({}, api.context("reconcile"))
        return report


def place(count: int) -> None:
    """Orders that have been due to be looked at since long ago."""
    for number in range(count):
        payment_id = f"00000000-0000-4000-8000-{number:012}"
        store.place_order(an_order(payment_id=payment_id, provider_order_id=f"cs_test_{number}"))


def test_as_many_questions_as_that_are_under_way_at_once(
    api: Api, stripe_wire: StripeWire, monkeypatch: pytest.MonkeyPatch
):
    place(AT_ONCE)
    together = threading.Barrier(AT_ONCE, timeout=20)  # broken unless all of them are asked before the first answer

    def answers(request: WireRequest) -> ScriptedResponse:
        together.wait()
        return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such…"}}

    monkeypatch.setattr(questions, "opened", in_threads)
    stripe_wire.then(*[answers] * AT_ONCE)

    report = reconcile(api)

    assert report["payments"] == {"found": AT_ONCE, "repaired": 0, "ended": AT_ONCE, "failed": 0}


def test_each_of_them_keeps_its_connection():
    assert http_client._pools(None).connection_pool_kw["maxsize"] >= AT_ONCE


def test_one_after_another_is_asked_no_faster_than_the_rate(moments: Clock):
    began, asked = moments.seconds, list[float]()
    asking = Questions(Direct())

    for _ in range(5):
        asking.ask(lambda: asked.append(moments.seconds))

    assert asked == pytest.approx([began + number * EVERY for number in range(5)])


@pytest.mark.parametrize(("error", "wait"), [(Busy("Stripe limits our requests"), PAUSE), (ValueError(), 0.0)])
def test_after_too_many_requests_nothing_is_asked_for_a_while(error: Exception, wait: float, moments: Clock):
    asking = Questions(Direct())

    def fails() -> None:
        raise error

    answer = asking.ask(fails)
    moments.sleep(1)
    with contextlib.suppress(type(error)):
        answer()
    before = moments.seconds

    asking.ask(lambda: None)

    assert moments.seconds - before == pytest.approx(wait)
