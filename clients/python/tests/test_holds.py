"""A hold lasts as long as its block, and what the block has not used is free afterwards."""

import json
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from tests.service import HOLD, HOLD_ID, RECEIPT, Service, busy, ok, problem
from topup_client import Busy, Capture, CapturePending, Hold, HoldEnded, InsufficientCredits, NoAnswer, holds
from topup_client.errors import HoldNotFound, TopupError

TOO_FEW: dict[str, Any] = {"balance": 10, "held": 0, "available": 10}
ENDED: dict[str, Any] = {"state": "expired", "captured": 0, "shortfall": 0}
RELEASED = ENDED | {"state": "released"}


def a_hold(service: Service, attempts: int = 1, ttl_seconds: int = 900) -> Hold:
    return service.client(attempts=attempts).hold("user-1", 200, "Summary", key="job-7", ttl_seconds=ttl_seconds)


# ---------------------------------------------------------------------------------------------------- captures, the end


def test_a_capture_takes_and_nothing_is_left_to_release(service: Service):
    with a_hold(service) as hold:
        receipt = hold.capture(130)

    assert (receipt.amount_captured, receipt.late) == (130, False)
    assert service.calls == ["holds", "capture"]
    assert service.keys() == ["job-7", "job-7:capture-1"]


def test_what_is_not_captured_is_released_when_the_block_ends(service: Service):
    with a_hold(service):
        pass

    assert service.calls == ["holds", "release"]


def test_each_of_several_captures_has_a_key_and_the_rest_is_released(service: Service):
    with a_hold(service) as hold:
        hold.capture(10, final=False)
        hold.capture(10, final=False)

    assert service.keys("capture") == ["job-7:capture-1", "job-7:capture-2"]
    assert service.calls[-1] == "release"


def test_an_error_of_the_block_releases_the_hold_and_is_raised(service: Service):
    with pytest.raises(ZeroDivisionError), a_hold(service):
        raise ZeroDivisionError

    assert service.calls == ["holds", "release"]


def test_a_refused_capture_is_released(service: Service):
    service.will(ok(HOLD, 201), problem(409, "insufficient_credits", **TOO_FEW))

    with pytest.raises(InsufficientCredits), a_hold(service) as hold:
        hold.capture(900)

    assert service.calls == ["holds", "capture", "release"]


@pytest.mark.parametrize("answer", [busy(), httpx.ReadTimeout("too late"), ok({"received": True})], ids=repr)
def test_a_hold_whose_capture_may_have_to_be_sent_again_is_not_released(
    service: Service, answer: httpx.Response | Exception
):
    service.will(ok(HOLD, 201), answer)

    with pytest.raises((NoAnswer, Busy)), a_hold(service) as hold:
        hold.capture(130)

    assert service.calls == ["holds", "capture"]


def test_the_same_capture_again_after_no_answer_is_the_same_request(service: Service):
    service.will(ok(HOLD, 201), httpx.ReadTimeout("too late"))

    with a_hold(service) as hold:
        with pytest.raises(NoAnswer):
            hold.capture(10, final=False)
        hold.capture(10, final=False)
        hold.capture(10, final=False)

    assert service.keys("capture") == ["job-7:capture-1", "job-7:capture-1", "job-7:capture-2"]
    assert service.calls[-1] == "release"


@pytest.mark.parametrize(
    "receipt",
    [
        RECEIPT | {"hold_id": "another"},
        RECEIPT | {"amount_captured": "130"},
        RECEIPT | {"ends_at": "tomorrow"},
        {name: value for name, value in RECEIPT.items() if name != "late"},
    ],
    ids=["of another hold", "no number", "no time", "a field is missing"],
)
def test_a_receipt_that_the_contract_does_not_describe_proves_nothing(service: Service, receipt: dict[str, object]):
    service.will(ok(HOLD, 201), ok(receipt))

    with a_hold(service, attempts=2) as hold:
        hold.capture(130)

    assert service.keys("capture") == ["job-7:capture-1"] * 2


def test_a_receipt_may_gain_fields(service: Service):
    service.will(ok(HOLD, 201), ok(RECEIPT | {"a_field_of_tomorrow": 1}))

    with a_hold(service) as hold:
        assert hold.capture(130).amount_captured == 130


def test_a_final_capture_leaves_the_hold_to_an_earlier_one_whose_outcome_is_not_known(service: Service, file: Path):
    service.will(ok(HOLD, 201), busy("60"), busy("60"))
    client = service.client(attempts=1, journal=file)

    with client.hold("user-1", 200, "Summary", key="job-7") as hold:
        for _ in range(2):
            with pytest.raises(CapturePending):
                hold.capture(10, final=False)
        hold.capture(20)

    assert [json.loads(request.content)["final"] for request in service.requests[1:]] == [False] * 3
    assert service.calls == ["holds", *["capture"] * 3]
    service.now += 60
    assert len(client.replay_captures().taken) == 2


def test_a_final_capture_that_left_the_hold_open_is_repeated_as_it_was(service: Service):
    service.will(ok(HOLD, 201), httpx.ReadTimeout("too late"), httpx.ReadTimeout("too late"))

    with a_hold(service) as hold:
        for amount in (10, 20):
            with pytest.raises(NoAnswer):
                hold.capture(amount, final=amount == 20)
        hold.capture(20)

    assert service.requests[2].content == service.requests[3].content
    assert service.keys("capture") == ["job-7:capture-1", "job-7:capture-2", "job-7:capture-2"]


def test_a_capture_under_way_keeps_its_hold_whatever_ends_the_block(service: Service):
    def stop() -> None:
        if service.calls[-1] == "capture":
            raise SystemExit

    service.while_answering = stop

    with pytest.raises(SystemExit), a_hold(service) as hold:
        hold.capture(130)

    assert service.calls == ["holds", "capture"]


def test_a_capture_that_another_process_has_sent_meanwhile_is_not_repeated(
    service: Service, file: Path, monkeypatch: pytest.MonkeyPatch
):
    client = service.client(attempts=1, journal=file)
    assert client.journal
    client.journal.begin(Capture(HOLD_ID, "job-7:capture-1", b"{}"))
    monkeypatch.setattr(holds, "is_pending", lambda *_: False)

    with client.hold("user-1", 200, "Summary", key="job-7") as hold:
        with pytest.raises(CapturePending):
            hold.capture(10, final=False)
        hold.capture(10, final=False)

    assert service.keys("capture") == ["job-7:capture-2"]


@pytest.mark.parametrize("amount", [Decimal(130), float("nan")])
def test_what_cannot_be_sent_is_the_callers_mistake(service: Service, amount: Any):
    with pytest.raises((TypeError, ValueError)), a_hold(service) as hold:
        hold.capture(amount)

    assert service.calls == ["holds", "release"]


def test_a_hold_that_an_earlier_try_has_released_ends_the_block_before_it_begins(service: Service):
    service.will(ok(HOLD, 201, **{"idempotent-replayed": "true"}), problem(409, "hold_ended", **RELEASED))

    with pytest.raises(HoldEnded), a_hold(service):
        pytest.fail("the work has begun")

    assert service.calls == ["holds", "extend"]


def test_a_hold_that_an_earlier_try_has_captured_answers_again(service: Service):
    captured = ENDED | {"state": "captured", "captured": 130}
    service.will(ok(HOLD, 201, **{"idempotent-replayed": "true"}), problem(409, "hold_ended", **captured))

    hold = a_hold(service)
    hold._find_again()

    assert hold.capture(130).amount_captured == 130


def test_a_hold_that_has_ended_needs_no_release(service: Service, caplog: pytest.LogCaptureFixture):
    service.will(ok(HOLD, 201), problem(409, "hold_ended", **ENDED))

    with a_hold(service):
        pass

    assert service.calls == ["holds", "release"]
    assert caplog.records == []


def test_a_release_that_fails_is_logged_and_does_not_spoil_the_work(service: Service, caplog: pytest.LogCaptureFixture):
    service.will(ok(HOLD, 201), problem(401, "unauthorized"))

    with a_hold(service):
        pass

    assert "was not released" in caplog.text


def test_a_hold_without_a_block_is_released_by_hand(service: Service):
    hold = a_hold(service)
    hold.release()

    assert service.calls == ["holds", "release"]


def test_a_key_that_leaves_no_room_for_a_captures_own_is_refused(service: Service):
    with pytest.raises(ValueError, match="200 characters"):
        service.client().hold("user-1", 200, "Summary", key="x" * 201)

    assert service.requests == []


# ----------------------------------------------------------------------------------------------------------- extensions


class Waits:
    """Stands for the waiting of the thread that keeps a hold open: the block ends after so many waits."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        self.left -= 1
        return self.left < 0


def test_it_is_extended_whenever_half_of_its_time_is_over(service: Service):
    hold, waits = a_hold(service, ttl_seconds=60), Waits(2)

    hold.keep_open(waits)

    assert waits.seconds == [30, 30, 30]
    assert service.calls == ["holds", "extend", "extend"]
    assert hold.ends_at.minute == 30
    first, second = service.keys("extend")
    assert first != second


def test_a_hold_of_an_earlier_try_is_extended_at_once(service: Service):
    service.will(ok(HOLD, 201, **{"idempotent-replayed": "true"}))
    hold, waits = a_hold(service), Waits(1)

    hold.keep_open(waits)

    assert waits.seconds == [0, 450]
    assert service.calls == ["holds", "extend"]


def test_it_says_when_it_could_not_be_extended_and_tries_again_soon(service: Service, caplog: pytest.LogCaptureFixture):
    service.will(ok(HOLD, 201), problem(409, "insufficient_credits", **TOO_FEW))
    hold, waits = a_hold(service, ttl_seconds=60), Waits(1)

    hold.keep_open(waits)

    assert isinstance(hold.extension_error, InsufficientCredits)
    assert "could not be extended, it ends at 2026-11-26 08:15:00" in caplog.text
    assert waits.seconds == [30, 6]
    hold.keep_open(Waits(1))
    assert hold.extension_error is None


@pytest.mark.parametrize(
    ("code", "status", "error", "more"),
    [("hold_ended", 409, HoldEnded, ENDED), ("hold_not_found", 404, HoldNotFound, {})],
)
def test_a_hold_that_has_ended_is_not_extended_again(
    service: Service, code: str, status: int, error: type[TopupError], more: dict[str, Any]
):
    service.will(ok(HOLD, 201), problem(status, code, **more))
    hold, waits = a_hold(service), Waits(5)

    hold.keep_open(waits)

    assert isinstance(hold.extension_error, error)
    assert service.calls == ["holds", "extend"]


def test_an_extension_that_meets_the_end_of_the_work_says_nothing(service: Service, caplog: pytest.LogCaptureFixture):
    with a_hold(service) as hold:
        hold.capture(130)
    service.will(problem(409, "hold_ended", state="captured", captured=130, shortfall=0))

    hold.keep_open(Waits(1))

    assert hold.extension_error is None
    assert caplog.records == []


def test_an_extension_that_comes_after_the_final_capture_says_nothing(
    service: Service, caplog: pytest.LogCaptureFixture
):
    hold = a_hold(service)

    def meanwhile() -> None:
        service.while_answering = lambda: None
        service.will(problem(409, "hold_ended", **ENDED))
        hold.keep_open(Waits(1))

    service.while_answering = meanwhile
    hold.capture(130)

    assert service.calls == ["holds", "capture", "extend"]
    assert hold.extension_error is None
    assert caplog.records == []


def test_the_block_keeps_it_open_in_a_thread_of_its_own(service: Service):
    extended = Event()
    service.while_answering = lambda: extended.set() if service.calls[-1] == "extend" else None

    with a_hold(service, ttl_seconds=1) as hold:
        assert extended.wait(60)
        hold.capture(130)

    assert [call for call in service.calls if call != "extend"] == ["holds", "capture"]


def test_more_can_be_reserved(service: Service):
    a_hold(service).extend(add=50)

    assert json.loads(service.requests[-1].content) == {"ttl_seconds": 900, "add": 50}
