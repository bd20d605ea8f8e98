"""The client and a running stack: what is taken is in the ledger, once."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from running.conftest import GRANTED, User
from topup_client import CapturePending, HoldEnded, InsufficientCredits, Retries, errors

ROOT = Path(__file__).parents[1]
ONCE = Retries(attempts=1)

# What a service does that is restarted: it says what its replay has come to.
REPLAY = """
import os, sys
from topup_client import Topup
with Topup(os.environ["API_URL"], api_key=os.environ["API_KEY"], journal=sys.argv[1]) as client:
    print(len(client.replay_captures().taken))
"""
# A service that is killed when its capture has been taken, before the answer has come.
KILLED = """
import os, sys
import httpx
from topup_client import Topup

class Killed(httpx.HTTPTransport):
    def handle_request(self, request):
        response = super().handle_request(request)
        if request.url.path.endswith("/capture"):
            response.read()
            os._exit(9)
        return response

client = Topup(os.environ["API_URL"], api_key=os.environ["API_KEY"], journal=sys.argv[1], transport=Killed())
with client.hold(sys.argv[2], 200, "Summary", key="job-1") as hold:
    hold.capture(130)
"""


class Silent(httpx.HTTPTransport):
    """The answers to captures are lost; `before`: the requests too."""

    def __init__(self, *, before: bool = False) -> None:
        super().__init__()
        self._before = before

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_lost = request.url.path.endswith("/capture")
        if is_lost and self._before:
            raise httpx.ConnectError("unreachable")
        response = super().handle_request(request)
        if is_lost:
            response.read()
            raise httpx.ReadTimeout("too late")
        return response


def leave_pending(user: User, *, key: str = "job-1", before: bool = False, amount: int = 130) -> None:
    client = user.service(user.file, retries=ONCE, transport=Silent(before=before))
    with client, pytest.raises(CapturePending), client.hold(user.name, amount, "Summary", key=key) as hold:
        hold.capture(amount)


def start(code: str, *arguments: str | Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """The exit code, and what was printed."""
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


# ---------------------------------------------------------------------------------------------------------------- holds


def test_a_hold_takes_what_was_used_and_frees_the_rest(user: User):
    with user.client.hold(user.name, 200, "Summary", key="job-1") as hold:
        during = user.credits()
        receipt = hold.capture(130)

    assert (during.held, during.available) == (200, GRANTED - 200)
    assert (receipt.amount_captured, receipt.shortfall, receipt.late) == (130, 0, False)
    assert (user.credits().balance, user.credits().held) == (GRANTED - 130, 0)


def test_a_block_that_fails_frees_all(user: User):
    with pytest.raises(InsufficientCredits), user.client.hold(user.name, 200, "Summary", key="job-1"):
        user.client.spend(user.name, GRANTED - 199, "More than is available", key="job-2")

    assert (user.credits().balance, user.credits().held) == (GRANTED, 0)


def test_it_is_extended_while_the_work_runs(user: User, move_clock: Callable[[int], None]):
    first = user.client.hold(user.name, 200, "Summary", key="job-1").ends_at
    move_clock(60)

    # The job begins again: how long the hold of its first try lasts is not known, so it is extended at once.
    with user.client.hold(user.name, 200, "Summary", key="job-1") as hold:
        assert (hold.ends_at - first).total_seconds() >= 60
        hold.capture(130)

    assert user.spent() == [130]


def test_it_says_that_it_could_not_be_extended(user: User, move_clock: Callable[[int], None]):
    hold = user.client.hold(user.name, 200, "Summary", key="job-1", ttl_seconds=60)
    move_clock(61)

    hold.keep_open(lambda seconds: False)

    assert isinstance(hold.extension_error, HoldEnded)
    assert hold.extension_error.state == "expired"


def test_too_few_credits_say_how_many_there_are(user: User):
    with pytest.raises(InsufficientCredits) as caught:
        user.client.hold(user.name, GRANTED + 1, "Summary", key="job-1")

    assert (caught.value.balance, caught.value.available) == (GRANTED, GRANTED)


def test_a_key_with_another_request_is_a_conflict(user: User):
    user.client.spend(user.name, 25, "Translation", key="job-1")
    assert user.client.spend(user.name, 25, "Translation", key="job-1").balance_after == GRANTED - 25

    with pytest.raises(errors.IdempotencyConflict):
        user.client.spend(user.name, 26, "Translation", key="job-1")


def test_what_was_worthless_is_given_back(user: User):
    spent = user.client.spend(user.name, 25, "Translation", key="job-1")

    user.client.reverse(user.name, spent.transaction_id, 20, reason="Cut off", key="job-1-back")

    assert user.credits().balance == GRANTED - 5


# -------------------------------------------------------------------------------------------------------------- journal


@pytest.mark.parametrize("before", [True, False], ids=["the request was lost", "the answer was lost"])
def test_a_capture_without_an_answer_is_taken_once(user: User, before: bool):
    leave_pending(user, before=before)

    with user.service(user.file) as client:
        [receipt] = client.replay_captures().taken
        assert client.replay_captures().taken == []

    assert receipt.amount_captured == 130
    assert user.spent() == [130]


def test_a_capture_after_the_holds_end_is_late(user: User, move_clock: Callable[[int], None]):
    leave_pending(user, before=True)
    move_clock(3_600)

    with user.service(user.file) as client:
        [receipt] = client.replay_captures().taken

    assert (receipt.late, receipt.amount_captured) == (True, 130)
    assert user.spent() == [130]


def test_a_day_after_the_holds_end_it_is_set_aside(user: User, move_clock: Callable[[int], None]):
    leave_pending(user, before=True)
    move_clock(2 * 86_400)

    with user.service(user.file) as client:
        [aside] = client.replay_captures().set_aside

    assert "hold_ended" in aside.reason
    assert user.spent() == []


def test_a_refused_api_key_loses_nothing(user: User):
    hold = user.client.hold(user.name, 200, "Summary", key="job-1")
    with user.service(user.file, api_key="a-key-that-was-withdrawn") as withdrawn:
        hold._client = withdrawn
        with pytest.raises(CapturePending):
            hold.capture(130)
        assert withdrawn.replay_captures().waiting == 1

    with user.service(user.file) as client:
        assert len(client.replay_captures().taken) == 1

    assert user.spent() == [130]


def test_two_processes_that_replay_at_once_send_each_capture_once(user: User):
    for number in range(3):
        leave_pending(user, key=f"job-{number}", before=True, amount=10 + number)

    results = [ended(process) for process in [start(REPLAY, user.file) for _ in range(2)]]

    assert [code for code, _ in results] == [0, 0]
    assert sum(int(output) for _, output in results) == 3
    assert sorted(user.spent()) == [10, 11, 12]


def test_the_capture_of_a_process_that_was_killed_is_answered_after_its_restart(user: User):
    assert ended(start(KILLED, user.file, user.name)) == (9, "")

    with user.service(user.file) as client:
        assert client.journal is not None
        assert client.replay_captures().waiting == 1  # as far as anybody knows, it is still under way
        client.journal.clock = lambda: time.time() + 120
        assert len(client.replay_captures().taken) == 1

    assert user.spent() == [130]
