"""Which failures of DynamoDB are lost races, and how a flow that met one, or one that will pass, runs again."""

import io
import json
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError, SSLError

from local.in_process.environment import NOW
from topup import store
from topup.domain.errors import Busy
from topup.runtime import deadline
from topup.store import races

pytestmark = pytest.mark.usefixtures("environment")  # what fails is counted, in the metrics of a deployed function


class Clock:
    """Time that passes only where the code sleeps, or where a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


@pytest.fixture
def clock(environment: pytest.MonkeyPatch) -> Clock:
    """A clock for the retries of a deployed function, with every random pause as long as it may be."""
    clock = Clock()
    # Only the retry's own `time`: threads of other libraries sleep too.
    environment.setattr(races, "time", SimpleNamespace(monotonic=lambda: clock.seconds, sleep=clock.sleep))
    environment.setattr(random, "uniform", lambda _shortest, longest: longest)
    return clock


@pytest.fixture
def short_pauses(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every random pause as short as it may be, so that the time is never up."""
    monkeypatch.setattr(random, "uniform", lambda shortest, _longest: shortest)


def losing(races_lost: int, before_each: Callable[[], object] = lambda: None) -> tuple[Callable[..., Any], list[Any]]:
    """A retried flow that loses this many races before it returns "done", and the arguments of each of its tries."""
    tries: list[Any] = []

    @store.retried
    def buy(*args: Any, **kwargs: Any) -> str:
        """Buy something."""
        before_each()
        tries.append((args, kwargs))
        if len(tries) <= races_lost:
            raise store.LostRace("the wallet has changed")
        return "done"

    return buy, tries


def test_a_flow_that_loses_no_race_runs_once_without_a_pause(clock: Clock):
    buy, tries = losing(0)

    assert buy() == "done"
    assert (len(tries), clock.pauses) == (1, [])


def test_a_flow_that_loses_a_race_runs_again_with_the_same_arguments(clock: Clock):
    buy, tries = losing(2)

    assert buy("user-1", amount=5) == "done"
    assert tries == [(("user-1",), {"amount": 5})] * 3


@pytest.mark.usefixtures("short_pauses")
def test_after_the_last_try_the_caller_is_told_to_retry():
    buy, tries = losing(races.TRIES)

    with pytest.raises(Busy):
        buy()
    assert len(tries) == races.TRIES


@pytest.mark.usefixtures("short_pauses")
def test_the_last_try_may_still_win():
    buy, tries = losing(races.TRIES - 1)

    assert buy() == "done"
    assert len(tries) == races.TRIES


def test_pauses_double_up_to_the_longest(clock: Clock):
    buy, _ = losing(8)
    buy()

    assert clock.pauses == [0.04, 0.08, 0.16, 0.32, 0.64, *[races.LONGEST_PAUSE] * 3]


def test_tries_go_on_as_long_as_there_is_time(clock: Clock):
    buy, tries = losing(races.TRIES)

    with pytest.raises(Busy):
        buy()
    assert races.LAST_TRY < clock.seconds <= races.LAST_TRY + races.LONGEST_PAUSE
    assert len(tries) == len(clock.pauses) + 1 < races.TRIES


@pytest.mark.usefixtures("short_pauses")
def test_a_pause_is_random_down_to_none(clock: Clock):
    buy, _ = losing(1)
    buy()

    assert clock.pauses == [0]


def test_no_try_starts_when_the_time_is_up(clock: Clock):
    buy, tries = losing(races.TRIES, before_each=lambda: clock.sleep(races.LAST_TRY / 2))

    with pytest.raises(Busy):
        buy()
    assert len(tries) == 2


def test_another_error_ends_the_flow_at_once(clock: Clock):
    tries: list[None] = []

    @store.retried
    def buy() -> None:
        tries.append(None)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it has no message
        buy()
    assert len(tries) == 1


def test_a_retried_flow_keeps_its_name_and_docstring():
    buy, _ = losing(0)

    assert (buy.__name__, buy.__doc__) == ("buy", "Buy something.")


def test_a_lost_race_is_logged_with_its_flow_and_reason(clock: Clock, log: io.StringIO):
    buy, _ = losing(1)
    buy()

    [line] = [json.loads(text) for text in log.getvalue().splitlines()]
    assert (line["level"], line["message"], line["reason"]) == ("INFO", "lost a race", "the wallet has changed")
    assert line["flow"].endswith("buy")


# -------------------------------------------------------------------------------------------------- what is a lost race


def failure(code: str, *reasons: str) -> ClientError:
    """A failure of a request, with a cancelled transaction's reason for each of its writes."""
    response: Any = {"Error": {"Code": code}, "CancellationReasons": [{"Code": reason} for reason in reasons]}
    return ClientError(response, "TransactWriteItems")


@pytest.mark.parametrize(
    "error",
    [
        failure("ConditionalCheckFailedException"),
        failure("TransactionConflictException"),
        failure("TransactionCanceledException", "None", "ConditionalCheckFailed"),
        failure("TransactionCanceledException", "TransactionConflict", "ConditionalCheckFailed"),
    ],
    ids=str,
)
def test_a_refused_condition_or_a_conflict_is_a_lost_race(error: ClientError):
    with pytest.raises(store.LostRace) as lost, races.detect_lost_race():
        raise error
    assert lost.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        failure("ThrottlingException"),
        failure("AccessDeniedException"),
        failure("ValidationException"),
        failure("TransactionCanceledException"),
        failure("TransactionCanceledException", "None"),
        failure("TransactionCanceledException", "ConditionalCheckFailed", "ThrottlingError"),
        ClientError({}, "TransactWriteItems"),
        KeyError("a bug"),
    ],
    ids=str,
)
def test_every_failure_of_which_nothing_was_written_is_raised_as_it_is(error: Exception):
    with pytest.raises(type(error)) as raised, races.detect_lost_race():
        raise error
    assert raised.value is error


NO_ANSWER = ReadTimeoutError(endpoint_url="https://dynamodb")


@pytest.mark.parametrize(
    "error", [NO_ANSWER, failure("InternalServerError"), failure("TransactionInProgressException")], ids=repr
)
def test_a_write_that_may_have_happened_is_told_apart(error: Exception):
    with pytest.raises(races.UnknownWrite) as raised, races.detect_lost_race():
        raise error
    assert raised.value.__cause__ is error


# ----------------------------------------------------------------------------------------------- what a flow runs again


def failing(*errors: Exception) -> tuple[Callable[..., Any], list[None]]:
    """A retried flow that raises these errors before it returns "done", and its tries."""
    tries: list[None] = []
    waiting = list(errors)

    @store.retried
    def buy() -> str:
        tries.append(None)
        if waiting:
            raise waiting.pop(0)
        return "done"

    return buy, tries


PASSING = [
    failure("ThrottlingException"),
    failure("ProvisionedThroughputExceededException"),
    failure("TransactionCanceledException", "ThrottlingError", "None"),
    failure("TransactionCanceledException", "ConditionalCheckFailed", "ProvisionedThroughputExceeded"),
    failure("InternalServerError"),
    NO_ANSWER,
    EndpointConnectionError(endpoint_url="https://dynamodb"),
    SSLError(endpoint_url="https://dynamodb", error=OSError()),
    races.UnknownWrite("ReadTimeoutError"),
]


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_a_flow_that_dynamodb_throttled_or_did_not_answer_runs_again(clock: Clock, error: Exception):
    buy, tries = failing(error)

    assert buy() == "done"
    assert len(tries) == 2


@pytest.mark.parametrize("error", PASSING, ids=repr)
@pytest.mark.usefixtures("short_pauses")
def test_what_does_not_pass_within_the_tries_ends_in_busy(error: Exception):
    buy, tries = failing(*[error] * races.TRIES)

    with pytest.raises(Busy):
        buy()
    assert len(tries) == races.TRIES


def test_a_flow_that_is_told_to_be_busy_is_not_tried_again(clock: Clock):
    buy, tries = failing(races.UnknownWrite("ReadTimeoutError"), Busy("no time"))

    with pytest.raises(Busy, match="no time"):
        buy()
    assert len(tries) == 2


@pytest.mark.parametrize(
    "error",
    [failure("AccessDeniedException"), failure("ValidationException"), failure("TransactionCanceledException")],
    ids=str,
)
def test_what_will_not_pass_ends_the_flow_at_once(clock: Clock, error: Exception):
    buy, tries = failing(error)

    with pytest.raises(ClientError):
        buy()
    assert len(tries) == 1


def test_no_try_starts_that_could_not_end_before_the_invocation(clock: Clock):
    left = iter([5_000, 1_010])
    buy, tries = losing(races.TRIES)

    with deadline.of(SimpleNamespace(get_remaining_time_in_millis=lambda: next(left))), pytest.raises(Busy):
        buy()
    assert len(tries) == 2
    assert clock.pauses == [0.04]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (failure("ThrottlingException"), "ThrottlingException"),
        (races.UnknownWrite("ReadTimeoutError"), "ReadTimeoutError"),
    ],
    ids=repr,
)
def test_a_try_that_dynamodb_failed_is_logged_with_its_flow_and_reason(
    clock: Clock, log: io.StringIO, error: Exception, reason: str
):
    buy, _ = failing(error)
    buy()

    [line] = [json.loads(text) for text in log.getvalue().splitlines()]
    assert (line["level"], line["message"], line["reason"]) == ("WARNING", "DynamoDB is busy", reason)
    assert line["flow"].endswith("buy")


def test_each_failure_of_dynamodbs_is_counted_and_a_lost_race_is_not(
    short_pauses: None, monkeypatch: pytest.MonkeyPatch
):
    counted: list[str] = []
    monkeypatch.setattr(races, "count", counted.append)
    failures: list[Exception] = [ReadTimeoutError(endpoint_url="https://dynamodb"), store.LostRace("changed")]

    @store.retried
    def buy() -> str:
        if failures:
            raise failures.pop()
        return "done"

    assert (buy(), counted) == ("done", ["DynamoDBFailed"])


def test_a_lot_that_exists_already_says_until_when_it_lives():
    assert store.LotExists(NOW).expires_at == NOW


def refused(code: str, *, attempts_before: int) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"RetryAttempts": attempts_before}}
    return ClientError(response, "TransactWriteItems")


def lost(cause: Exception) -> store.LostRace:
    """What a flow gets of a refused condition."""
    try:
        raise store.LostRace("the wallet has changed") from cause
    except store.LostRace as error:
        return error


@pytest.mark.parametrize(
    ("error", "may_be"),
    [
        (refused("ThrottlingException", attempts_before=0), False),
        (refused("ThrottlingException", attempts_before=1), True),
        (refused("InternalServerError", attempts_before=1), True),
        (lost(refused("TransactionCanceledException", attempts_before=0)), False),
        (lost(refused("TransactionCanceledException", attempts_before=1)), True),
        (store.LostRace("the wallet has changed"), False),
        (races.UnknownWrite("ReadTimeoutError"), True),
        (ReadTimeoutError(endpoint_url="https://dynamodb"), True),
        (Busy("no time is left"), False),
    ],
    ids=repr,
)
def test_of_several_attempts_an_earlier_one_may_come_late_whatever_the_last_ones_answer(error: Exception, may_be: bool):
    assert store.may_be_written(error) is may_be
