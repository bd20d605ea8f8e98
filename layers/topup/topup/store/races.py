"""Tell a lost race from every other DynamoDB failure, and run again what lost one."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from botocore.exceptions import ClientError

from topup.domain.errors import Busy
from topup.runtime.telemetry import logger

TRIES = 12
FIRST_PAUSE = 0.02  # seconds; twice as long each time
LONGEST_PAUSE = 0.8  # seconds
LAST_TRY = 6.0  # seconds after the first; a function has 29, and a caller's patience less

_RACES = {"ConditionalCheckFailed", "TransactionConflict"}
_NO_REASON = {"None"}

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class LostRace(Exception):
    """What the decision was based on has changed since it was read: read again, decide again."""


def retried(flow: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run the flow from its first read again whenever it loses a race; raises Busy when every try is lost."""

    @wraps(flow)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        started = time.monotonic()
        for number in range(TRIES):
            if number and not _pause(number, started):
                break
            try:
                return flow(*args, **kwargs)
            except LostRace as race:
                logger.info("lost a race", flow=flow.__qualname__, reason=str(race))
        raise Busy("Too many requests are changing this at once; please retry")

    return run


def _pause(number: int, started: float) -> bool:
    """Wait before another try; False where there is no time for one."""
    if time.monotonic() - started > LAST_TRY:
        return False
    # The whole pause is random: requests that lost the same race must not meet again.
    time.sleep(random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**number)))  # noqa: S311 - not a secret
    return True


@contextmanager
def detect_lost_race() -> Iterator[None]:
    """Raise LostRace for a refused condition or a conflict; let every other failure through as it is.

    A throttled, forbidden or malformed request must never look like "already done": the caller would acknowledge what
    never happened.
    """
    try:
        yield
    except ClientError as error:
        if _is_race(error):
            raise LostRace(_code(error)) from error
        raise


def _is_race(error: ClientError) -> bool:
    if _code(error) == "TransactionCanceledException":
        reasons = {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])} - _NO_REASON
        return bool(reasons) and reasons <= _RACES
    # TransactionInProgress: an earlier try of this very request is still running; reading again shows its outcome.
    return _code(error) in (
        "ConditionalCheckFailedException",
        "TransactionConflictException",
        "TransactionInProgressException",
    )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
