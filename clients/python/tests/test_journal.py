"""Captures whose outcome is not known survive the process, and are sent again once, with their key, when it is time."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import httpx
import pytest

from tests.service import HOLD, HOLD_ID, RECEIPT, Service, busy, gateway, ok, problem
from topup_client import Capture, CapturePending, HoldEnded, Journal, NoAnswer, Topup, TopupError
from topup_client.errors import Unauthorized

LEASE = 70  # seconds: twice the time-out


def capture(client: Topup, key: str = "job-7", amount: int = 130) -> int:
    with client.hold("user-1", 200, "Summary", key=key) as hold:
        return hold.capture(amount).amount_captured


def leave_pending(service: Service, file: Path, *keys: str) -> None:
    """Captures that got no answer, from a process that has ended."""
    for key in keys:
        service.will(ok(HOLD, 201), httpx.ReadTimeout("too late"))
        with pytest.raises(CapturePending):
            capture(service.client(journal=file, attempts=1), key)
    service.requests.clear()


def rewrite(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        assert database.execute(statement).rowcount == 1


def waiting(client: Topup) -> int:
    assert client.journal is not None
    return client.journal.waiting()


# -------------------------------------------------------------------------------------------------------- what is kept


def test_an_sqlite_that_is_too_old_is_named(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))

    with pytest.raises(RuntimeError, match=r"needs SQLite 3\.37"):
        Journal(file, lease=LEASE)


def test_a_capture_that_was_taken_leaves_nothing(service: Service, file: Path):
    client = service.client(journal=file)

    assert capture(client) == 130
    assert waiting(client) == 0


def test_a_capture_that_was_refused_is_raised_and_leaves_nothing(service: Service, file: Path):
    service.will(ok(HOLD, 201), problem(409, "hold_ended", state="released", captured=0, shortfall=0))
    client = service.client(journal=file)

    with pytest.raises(HoldEnded):
        capture(client)

    assert waiting(client) == 0


@pytest.mark.parametrize(
    "answer",
    [
        busy(),
        gateway(429),
        gateway(404),
        problem(500, "internal_error"),
        problem(401, "unauthorized"),
        problem(403, "forbidden"),
        problem(404, "no_such_address"),
        httpx.ReadTimeout("too late"),
        httpx.Response(200, html="<h1>Sign in</h1>"),
        ok({"received": True}),
        ok(RECEIPT | {"hold_id": "another"}),
        httpx.Response(409, json={"error": "conflict"}),
    ],
    ids=repr,
)
def test_a_capture_whose_outcome_is_not_known_is_kept_and_its_hold_too(
    service: Service, file: Path, answer: httpx.Response | Exception
):
    service.will(ok(HOLD, 201), answer)
    client = service.client(journal=file, attempts=1)

    with pytest.raises(CapturePending) as caught:
        capture(client)

    assert caught.value.key == "job-7:capture-1"
    assert isinstance(caught.value.__cause__, TopupError)
    assert waiting(client) == 1
    assert service.calls == ["holds", "capture"]


def test_it_is_noted_before_it_is_sent(service: Service, file: Path):
    client = service.client(journal=file)
    noted: list[int] = []
    service.while_answering = lambda: noted.append(waiting(client))

    capture(client)

    assert noted == [0, 1]


def test_a_second_chunk_has_a_key_of_its_own_while_the_first_is_pending(service: Service, file: Path):
    service.will(ok(HOLD, 201), httpx.ReadTimeout("too late"))

    with service.client(journal=file, attempts=1).hold("user-1", 200, "Summary", key="job-7") as hold:
        with pytest.raises(CapturePending):
            hold.capture(10, final=False)
        hold.capture(10, final=False)

    assert service.keys("capture") == ["job-7:capture-1", "job-7:capture-2"]
    assert service.calls[-1] == "capture"


def test_a_journal_that_cannot_be_written_does_not_keep_a_capture_from_being_sent(
    service: Service, file: Path, caplog: pytest.LogCaptureFixture
):
    client = service.client(journal=file)
    rewritten = sqlite3.connect(file)
    with closing(rewritten), rewritten:
        rewritten.execute("DROP TABLE captures")
    service.will(ok(HOLD, 201))

    assert capture(client) == 130
    assert "cannot be used" in caplog.text
    service.will(ok(HOLD, 201), httpx.ReadTimeout("too late"))
    with pytest.raises(NoAnswer):
        capture(service.client(attempts=1))


# ------------------------------------------------------------------------------------------------------------- replays


def test_after_a_restart_it_is_sent_again_with_the_same_key_and_body(service: Service, file: Path):
    leave_pending(service, file, "job-7")

    replayed = service.client(journal=file).replay_captures()

    assert [receipt.amount_captured for receipt in replayed.taken] == [130]
    assert (replayed.waiting, replayed.set_aside) == (0, [])
    [request] = service.requests
    assert request.headers["idempotency-key"] == "job-7:capture-1"
    assert json.loads(request.content) == {"amount": 130, "final": True}
    assert str(request.url) == f"https://topup.test/api/users/credits/holds/{HOLD_ID}/capture"


def test_what_a_killed_process_was_sending_is_sent_again_once_it_cannot_be_under_way(service: Service, file: Path):
    client = service.client(journal=file)
    assert client.journal is not None
    client.journal.begin(Capture(HOLD_ID, "job-7:capture-1", b'{"amount": 130}'))  # and then the process is killed

    service.now += LEASE - 1
    assert service.client(journal=file).replay_captures().waiting == 1
    service.now += 1
    assert len(service.client(journal=file).replay_captures().taken) == 1
    assert service.keys() == ["job-7:capture-1"]


def test_it_is_never_sent_before_the_service_allows_it(service: Service, file: Path):
    service.will(ok(HOLD, 201), busy("120"))
    with pytest.raises(CapturePending):
        capture(service.client(journal=file))
    service.requests.clear()

    service.now += 119
    assert service.client(journal=file).replay_captures().waiting == 1
    with pytest.raises(CapturePending):  # nor by a job that begins again
        capture(service.client(journal=file))
    assert service.calls == ["holds"]
    service.now += 1
    assert len(service.client(journal=file).replay_captures().taken) == 1


def test_a_replay_that_is_told_to_wait_waits_too(service: Service, file: Path):
    leave_pending(service, file, "job-7")
    service.will(busy("50"))
    client = service.client(journal=file)

    assert client.replay_captures().waiting == 1
    service.now += 49
    assert client.replay_captures().waiting == 1
    assert len(service.requests) == 1
    service.now += 1
    assert client.replay_captures().waiting == 0


@pytest.mark.parametrize("asked", ["172800", "9" * 400, "Fri, 31 Dec 99999 23:59:59 GMT"])
def test_a_replay_waits_no_longer_than_an_hour(service: Service, file: Path, asked: str):
    leave_pending(service, file, "job-7")
    client = service.client(journal=file)
    service.will(busy(asked))
    assert client.replay_captures().waiting == 1

    service.now += 3600

    assert client.replay_captures().waiting == 0


def test_two_processes_that_replay_it_at_once_send_it_once(service: Service, file: Path):
    keys = [f"job-{number}" for number in range(6)]
    leave_pending(service, file, *keys)
    gate = Barrier(2)

    def replay() -> int:
        client = service.client(journal=file)
        gate.wait()
        return len(client.replay_captures().taken)

    with ThreadPoolExecutor(2) as pool:
        taken = [future.result() for future in [pool.submit(replay) for _ in range(2)]]

    assert sum(taken) == len(keys)
    assert sorted(filter(None, service.keys())) == sorted(f"{key}:capture-1" for key in keys)


def test_while_one_process_sends_it_another_does_not(service: Service, file: Path):
    leave_pending(service, file, "job-7")
    seen: list[int] = []

    def meanwhile() -> None:
        service.while_answering = lambda: None
        seen.append(service.client(journal=file).replay_captures().waiting)

    service.while_answering = meanwhile
    service.client(journal=file).replay_captures()

    assert seen == [1]
    assert len(service.requests) == 1


def test_it_is_sent_with_the_api_key_of_now_and_none_is_stored(service: Service, file: Path):
    service.will(ok(HOLD, 201), problem(401, "unauthorized"))
    with pytest.raises(CapturePending) as caught:
        capture(service.client(journal=file, api_key="the-key-of-then"))
    assert isinstance(caught.value.__cause__, Unauthorized)

    replayed = service.client(journal=file, api_key="the-key-of-now").replay_captures()

    assert len(replayed.taken) == 1
    assert service.requests[-1].headers["x-api-key"] == "the-key-of-now"
    assert b"the-key-of" not in file.read_bytes()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE captures SET body = CAST(replace(body, '130', '930') AS BLOB) WHERE key = 'job-7:capture-1'",
        "UPDATE captures SET hold_id = 'another' WHERE key = 'job-7:capture-1'",
        "UPDATE captures SET digest = '' WHERE key = 'job-7:capture-1'",
        "UPDATE captures SET key = 'job-9' WHERE key = 'job-7:capture-1'",
        "UPDATE captures SET body = x'ff' WHERE key = 'job-7:capture-1'",
        "UPDATE captures SET hold_id = CAST(x'ff' AS TEXT) WHERE key = 'job-7:capture-1'",
        "UPDATE captures SET key = CAST(x'ff' AS TEXT) WHERE key = 'job-7:capture-1'",
    ],
)
def test_a_corrupt_record_is_set_aside_and_reported_and_the_others_are_sent(
    service: Service, file: Path, caplog: pytest.LogCaptureFixture, statement: str
):
    leave_pending(service, file, "job-7", "job-8")
    rewrite(file, statement)

    replayed = service.client(journal=file).replay_captures()

    assert service.keys() == ["job-8:capture-1"]
    [aside] = replayed.set_aside
    assert "corrupt" in aside.reason
    assert (len(replayed.taken), replayed.waiting) == (1, 0)
    assert "set aside" in caplog.text
    assert service.client(journal=file).replay_captures().set_aside == [aside]


def test_a_capture_after_the_holds_end_is_taken_as_late(service: Service, file: Path):
    leave_pending(service, file, "job-7")
    service.will(ok(RECEIPT | {"late": True, "amount_captured": 100, "shortfall": 30, "status": "expired"}))

    [receipt] = service.client(journal=file).replay_captures().taken

    assert (receipt.late, receipt.amount_captured, receipt.shortfall) == (True, 100, 30)


def test_a_capture_that_comes_too_late_is_set_aside_and_reported(service: Service, file: Path):
    leave_pending(service, file, "job-7", "job-8")
    service.will(problem(409, "hold_ended", state="expired", captured=0, shortfall=0))

    replayed = service.client(journal=file).replay_captures()

    [aside] = replayed.set_aside
    assert aside.capture.key == "job-7:capture-1"
    assert json.loads(aside.capture.body)["amount"] == 130
    assert "hold_ended" in aside.reason
    assert len(replayed.taken) == 1


@pytest.mark.parametrize("answer", [httpx.ConnectError("refused"), problem(401, "unauthorized")], ids=repr)
def test_a_replay_ends_when_the_service_does_not_answer(
    service: Service, file: Path, answer: httpx.Response | Exception
):
    leave_pending(service, file, "job-7", "job-8")
    service.will(answer)

    replayed = service.client(journal=file).replay_captures()

    assert (replayed.taken, replayed.waiting) == ([], 2)
    assert len(service.requests) == 1
    assert len(service.client(journal=file).replay_captures().taken) == 2


def test_a_retry_that_finds_it_in_the_hands_of_a_replay_leaves_it_there(service: Service, file: Path):
    service.will(ok(HOLD, 201), busy("3"))
    journal = Journal(file, LEASE, lambda: service.now)
    service.while_answering = lambda: None
    wait = service.sleep

    def taken_meanwhile(seconds: float) -> None:
        wait(seconds)
        next(journal.take_due())

    service.sleep = taken_meanwhile  # type: ignore[method-assign]
    with pytest.raises(CapturePending):
        capture(service.client(journal=file))

    assert service.calls == ["holds", "capture"]


def test_two_users_may_have_the_same_key(service: Service, file: Path):
    leave_pending(service, file, "job-7")
    service.will(ok(HOLD | {"hold_id": "another"}, 201), httpx.ReadTimeout("too late"))

    with pytest.raises(CapturePending):
        capture(service.client(journal=file, attempts=1))

    assert waiting(service.client(journal=file)) == 2


def test_a_client_without_a_journal_has_nothing_to_replay(service: Service):
    with pytest.raises(ValueError, match="no journal"):
        service.client().replay_captures()
