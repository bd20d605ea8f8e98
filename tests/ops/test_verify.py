"""`verify`: which keys and stacks it refuses, how a step fails, and what is written. The flows are in tests/e2e."""

from argparse import Namespace
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from local.client import BrokenPromiseError
from ops import cli
from ops.doctor.subject import Subject
from ops.verify import command, credits, place, report, steps, webhooks
from ops.verify.comparison import Difference
from ops.verify.exchanges import Exchange, Recorder
from ops.verify.place import STRIPE, Place, WallClock
from ops.verify.report import Run
from ops.verify.scene import Asked, Scene
from ops.verify.steps import FAILED, NOT_RUN, OK, Result, Step
from ops.verify.twin import Compared
from topup.stripe_gateway.http_client import PooledClient

NOW = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)
ENVIRONMENT = {"JWT_SECRET": "a-secret-of-more-than-thirty-two-bytes", "STRIPE_SECRET_KEY": "sk_test_1"}
HERE = Place(
    name="stack topup-staging",
    stripe=STRIPE,
    api_url="https://api.example",
    webhook_urls=(),
    environment=ENVIRONMENT,
    clock=SimpleNamespace(now=lambda: NOW),
    patience=1,
    waits_for_expiry=False,
)


@pytest.fixture
def no_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever asks the stack or Stripe fails the test."""

    def called(*_: Any, **__: Any) -> None:
        pytest.fail("a request was sent")

    monkeypatch.setattr(httpx.Client, "request", called)
    monkeypatch.setattr(PooledClient, "request", called)


def deployed(monkeypatch: pytest.MonkeyPatch, **environment: str) -> None:
    found = Subject(stage="staging", stack="topup-staging", environment={**ENVIRONMENT, **environment})
    monkeypatch.setattr("ops.doctor.subject.of_stack", lambda *_: found)


# ----------------------------------------------------------------------------------------------- what is refused


@pytest.mark.usefixtures("no_calls")
@pytest.mark.parametrize("key", ["sk_live_51abcdefghij", "rk_live_51abcdefghij"])
def test_a_live_key_is_refused_before_anything_is_asked(
    key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    deployed(monkeypatch, STRIPE_SECRET_KEY=key)

    assert cli.main(["verify", "--stack", "topup-prod"]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("cannot run verify: STRIPE_SECRET_KEY is a live key")
    assert key not in printed.err


@pytest.mark.usefixtures("no_calls")
@pytest.mark.parametrize("key", ["", "pk_test_1", "sk_test_", "sk_test_1 of somebody"])
def test_so_is_everything_that_is_no_test_key(
    key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    deployed(monkeypatch, STRIPE_SECRET_KEY=key)

    assert cli.main(["verify", "--stack", "topup-staging"]) == 2
    assert "is no test key" in capsys.readouterr().err


@pytest.mark.usefixtures("no_calls")
def test_a_stack_whose_tokens_others_sign_cannot_be_verified(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    deployed(monkeypatch, JWT_JWKS_URL="https://login.example/keys")

    assert cli.main(["verify", "--stack", "topup-staging"]) == 2
    assert "the identity provider signs the tokens of this stack" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------- steps


def a_scene(here: Place = HERE) -> Scene:
    return SimpleNamespace(place=here, asked=Asked())  # type: ignore[return-value]


def run(monkeypatch: pytest.MonkeyPatch, *chosen: Step) -> tuple[list[Result], list[str]]:
    """The results of these steps, and the lines that were printed."""
    lines: list[str] = []
    monkeypatch.setattr(steps, "STEPS", chosen)
    recorder = Recorder(PooledClient(1, 1), lambda: NOW)
    return steps.run(a_scene(), recorder, lines.append), lines


def a_step(name: str, *needs: str, does: Callable[[Scene], str] = lambda _scene: "all of it") -> Step:
    return Step(name, f"do {name}", does, needs)


def breaks(_scene: Scene) -> str:
    raise BrokenPromiseError("not as promised: with\nsk_test_51abc in it")


def test_a_step_that_fails_is_named_and_only_what_needs_it_is_left_out(monkeypatch: pytest.MonkeyPatch):
    results, lines = run(
        monkeypatch,
        a_step("buy", does=breaks),
        a_step("refund", "buy"),
        a_step("look", "refund"),
        a_step("grant"),
    )

    assert [(one.step.name, one.status, one.saw) for one in results] == [
        ("buy", FAILED, "BrokenPromiseError: not as promised: with (masked) in it"),
        ("refund", NOT_RUN, "it needs buy"),
        ("look", NOT_RUN, "it needs refund"),
        ("grant", OK, "all of it"),
    ]
    assert lines[0].split() == ["failed", "buy", "0.0", "s", *results[0].saw.split()]


def test_an_hour_is_waited_for_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    [result], _ = run(monkeypatch, a_step("expiry", does=credits.expiry))

    assert (result.status, result.saw) == (
        NOT_RUN,
        "it takes an hour: --expiry waits for it (make: EXPIRY=1)",
    )


def test_every_step_that_is_needed_comes_before():
    names = [step.name for step in steps.STEPS]

    assert len(set(names)) == len(names)
    for number, step in enumerate(steps.STEPS):
        assert set(step.needs) <= set(names[:number])


class SwitchedEndpoints:
    """Two endpoints at Stripe; the first one that is switched on again does not answer."""

    def __init__(self) -> None:
        self.off: set[str] = set()
        self.is_broken = True

    def endpoints(self, _urls: Any) -> list[dict[str, str]]:
        return [{"id": "we_1"}, {"id": "we_2"}]

    def switch(self, endpoint_id: str, *, on: bool) -> None:
        if on and self.is_broken:
            self.is_broken = False
            raise ConnectionError("no answer")
        (self.off.discard if on else self.off.add)(endpoint_id)


@pytest.mark.parametrize("ends", [KeyboardInterrupt, BrokenPromiseError])
def test_every_endpoint_is_switched_on_again_also_where_one_cannot_be(ends: type[BaseException]):
    stripe, off = SwitchedEndpoints(), []

    def pay(_user: str) -> None:
        off.extend(sorted(stripe.off))
        raise ends

    scene: Any = SimpleNamespace(place=HERE, stripe=stripe, pay=pay, user=lambda step: step)

    with pytest.raises(ConnectionError):
        webhooks.late_webhook(scene)

    assert (off, len(stripe.off)) == (["we_1", "we_2"], 1)


def test_a_deployed_stack_waits_and_lets_reconcile_sweep(monkeypatch: pytest.MonkeyPatch):
    did: list[Any] = []
    monkeypatch.setattr("time.sleep", lambda seconds: did.append(round(seconds, -1)))
    monkeypatch.setattr("ops.target.invoke_deployed", lambda *what: did.append(what))

    clock = WallClock("topup-staging")
    clock.pass_until(clock.now() + timedelta(hours=1))

    assert did == [3600, ("topup-staging", "ReconcileFunction", {"sweep_after_hours": 0})]


# ------------------------------------------------------------------------------------------- reports and exit code


def a_run(status: str = OK, *differences: Difference) -> Run:
    results = [
        Result(step=a_step("buy"), status=OK, saw="5 | 6", began=NOW, seconds=1.25, asked="GET /a → 200 (×2)"),
        Result(step=a_step("refund"), status=status, saw="it", began=NOW + timedelta(seconds=5)),
    ]
    exchange = Exchange("buy", "GET", "/v1/refunds/re_3abcDEF12345", "", 200, {}, NOW)
    page = replace(exchange, path="/v1/payment_pages/cs_test_a1B2c3D4/confirm", method="POST")
    return Run(HERE, results, [Compared(exchange, list(differences)), Compared(exchange, []), Compared(page, [])])


def test_the_report_has_each_step_its_time_and_what_was_asked():
    text = a_run(FAILED).whole()

    assert text.startswith(
        "# Verification of stack topup-staging, 2026-11-27, 12:30 UTC\n\nWith Stripe, in test mode. "
    )
    assert "2 steps: 1 ok, 1 failed." in text
    assert "| buy | ok | 12:30:00 | 1.2 | 5 \\| 6 |\n| refund | failed | 12:30:05 | 0.0 | it |\n" in text
    assert "### buy: do buy\n\n- GET /a → 200 (×2)\n- Stripe: GET /v1/refunds/re_… → 200\n" in text
    assert "3 exchanges of 2 kinds with Stripe, in test mode: no differences." in text


def test_the_report_names_each_difference_once():
    missing = Difference("charge", "missing", "text", "nothing")

    text = a_run(OK, missing, missing).fidelity()

    assert (
        "| `GET /v1/refunds/{id}` | 2 | 2 |\n| `POST /v1/payment_pages/{id}/confirm` (undocumented) | 1 | 0 |\n" in text
    )
    assert text.endswith(
        "**`GET /v1/refunds/{id}`**\n\n- `charge`: missing: Stripe has text, the simulator nothing (×2)"
    )


def test_the_page_keeps_the_last_report_of_each_stripe(tmp_path: Path):
    page = tmp_path / "fidelity.md"
    page.write_text("# Fidelity\n\nWhat it is.\n")
    simulated = replace(a_run(), place=replace(HERE, stripe=place.SIMULATOR))

    for one in (a_run(OK, Difference("a", "type", "null", "text")), simulated, a_run()):
        report.record(page, one)

    text = page.read_text()
    assert text.startswith("# Fidelity\n\nWhat it is.\n\n<!-- Stripe, in test mode -->\n2026-11-27, 12:30 UTC, ")
    assert text.count("no differences") == 2
    assert "type" not in text


@pytest.mark.parametrize(("status", "code"), [(OK, 0), (NOT_RUN, 0), (FAILED, 1)])
def test_the_exit_code_says_whether_a_step_has_failed(
    status: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    done = a_run(status)
    (tmp_path / "docs").mkdir()
    (tmp_path / report.PAGE).write_text("# Fidelity\n")
    monkeypatch.setattr(place, "opened", lambda *_: nullcontext(HERE))
    monkeypatch.setattr(command, "verify", lambda *_: (done.results, done.compared))

    assert cli.main(["verify", "--fidelity"], root=tmp_path) == code

    file = tmp_path / ".cache/verify/2026-11-27T123000.md"
    assert file.read_text() == done.whole()
    assert done.fidelity() in (tmp_path / report.PAGE).read_text()
    assert capsys.readouterr().out.endswith(f"written to {file}\n")


def test_the_report_goes_where_it_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    done = a_run()
    monkeypatch.setattr(place, "opened", lambda *_: nullcontext(HERE))
    monkeypatch.setattr(command, "verify", lambda *_: (done.results, done.compared))

    options = Namespace(stack=None, expiry=False, fidelity=False, out=str(tmp_path / "new/report.md"), root=tmp_path)
    assert command.run(options) == 0
    assert (tmp_path / "new/report.md").read_text() == done.whole()
