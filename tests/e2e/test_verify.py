"""`verify` from end to end: on a stack of its own, and on one that stands for a deployed one."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from local import ROOT, settings
from local.discovery import of
from local.launcher import Stack, running
from local.settings import SECRETS
from ops import cli
from ops.doctor import subject
from ops.doctor.subject import WEBHOOK_PATH, Subject
from ops.verify import place, steps
from tests.e2e.buyer import NewBuyer


def statuses(printed: str) -> dict[str, str]:
    """The status of each step, by its name."""
    lines = re.findall(r"^(ok|failed|not run) +(\S+) +[0-9.]+ s", printed, re.MULTILINE)
    return {name: status for status, name in lines}


def test_every_step_is_as_promised_and_the_simulator_is_true_to_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "report.md"

    code = cli.main(["verify", "--out", str(file)])

    printed, text = capsys.readouterr().out, file.read_text()
    assert statuses(printed) == {step.name: "ok" for step in steps.STEPS}, printed
    assert code == 0
    assert printed.startswith("a local stack, the simulator\n")
    assert "11 users, 21 entries, 11 lots, 9 payments, 10 objects of Stripe's: no violations" in text
    assert "kinds with the simulator: no differences." in text
    assert {f"| {step.name} | ok |" in text for step in steps.STEPS} == {True}
    assert_nothing_secret(printed + text)


def assert_nothing_secret(text: str) -> None:
    values = settings.load(ROOT, {}, dotenv=False).values
    assert not [name for name in SECRETS if values[name] in text]
    assert not re.search(r"whsec_|_secret_|sk_test|eyJ", text)


def as_deployed(stack: Stack) -> Subject:
    """A local stack, described as if it were deployed."""
    secrets = {name: stack.values[name] for name in SECRETS}
    return Subject(
        stage="staging",
        stack="topup-staging",
        environment={**of(stack).environment, **secrets, "STRIPE_API_BASE": stack.stripe_url},
        api_url=stack.api_url,
        webhook_urls=(stack.webhook_url, stack.api_url + WEBHOOK_PATH),
    )


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A local stack that `--stack` names, as if it were deployed."""
    with running() as stack:
        found = as_deployed(stack)
        monkeypatch.setattr(subject, "of_stack", lambda *_: found)
        yield stack


def test_on_a_deployed_stack_a_step_that_fails_is_named_and_the_others_go_on(
    deployed: Stack,
    new_buyer: NewBuyer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    chosen = ("purchase", "refund", "late-webhook", "wrong-signature", "grant", "expiry")
    monkeypatch.setattr(steps, "STEPS", [step for step in steps.STEPS if step.name in chosen])
    command = ["verify", "--stack", "topup-staging", "--out", str(tmp_path / "report.md")]

    assert cli.main(command) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("stack topup-staging, the simulator\n")
    assert statuses(printed) == dict.fromkeys(chosen, "ok") | {"expiry": "not run"}

    monkeypatch.setattr(place, "PATIENCE", 1.0)
    client = new_buyer(deployed).client
    client.stripe.set_webhooks(paused=True)
    assert cli.main(command) == 1
    printed, text = capsys.readouterr().out, (tmp_path / "report.md").read_text()
    assert statuses(printed) == {
        "purchase": "failed",
        "refund": "not run",
        "late-webhook": "not run",
        "wrong-signature": "ok",
        "grant": "ok",
        "expiry": "not run",
    }
    assert "| purchase | failed |" in text
    assert "not as promised: the webhook grants the credits, within 1 s" in text
    assert [one["status"] for one in client.stripe.listed("/webhook_endpoints")] == ["enabled"]


# A process of the command that has switched the endpoint off, and stays there.
SWITCHED_OFF = """
import json, signal, sys, time
from ops import cli
from ops.doctor import subject
from ops.verify import steps
from ops.verify.scene import Scene

def pay(*_):
    print("switched off", file=sys.__stdout__, flush=True)
    time.sleep(600)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins with Ctrl-C ignored
found = subject.Subject(**json.loads(sys.argv[1]))
subject.of_stack = lambda *_: found
steps.STEPS = [step for step in steps.STEPS if step.name == "late-webhook"]
Scene.pay = pay
cli.main(["verify", "--stack", found.stack, "--out", "/dev/null"])
"""


@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGTERM])
def test_a_webhook_endpoint_that_is_switched_off_is_switched_on_when_the_command_is_ended(
    ends: signal.Signals, new_buyer: NewBuyer
):
    with running() as stack:
        stripe = new_buyer(stack).client.stripe
        command = [sys.executable, "-c", SWITCHED_OFF, json.dumps(asdict(as_deployed(stack)))]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as ended:
            try:
                assert ended.stdout is not None
                lines = iter(ended.stdout.readline, "")
                assert any(line == "switched off\n" for line in lines)
                assert [one["status"] for one in stripe.listed("/webhook_endpoints")] == ["disabled"]
                ended.send_signal(ends)
                assert ended.wait(60) != 0
            finally:
                ended.kill()

        assert [one["status"] for one in stripe.listed("/webhook_endpoints")] == ["enabled"]
