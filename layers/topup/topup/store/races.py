"""Tell a lost race from every other DynamoDB failure, and run a flow again that met what will pass."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from topup.domain.errors import Busy, TopupError
from topup.runtime import deadline, failures
from topup.runtime.failures import Failure
from topup.runtime.telemetry import count, logger

TRIES = 25  # more than usually fit into the time
FIRST_PAUSE = 0.02  # seconds; twice as long each time
LONGEST_PAUSE = 0.8  # seconds
LAST_TRY = 6.0  # seconds after the first; a function has 29, and a caller's patience less
FIRST_LOOK = 0.01  # seconds between two looks for what others do; half as long again each time

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class LostRace(Exception):
    """What the decision was based on has changed since it was read: read again, decide again."""


class LotExists(LostRace):
    """The lot that was to be new exists, with this expiry: its credits have been granted before."""

    def __init__(self, expires_at: datetime | None) -> None:
        super().__init__("the lot has been granted before")
        self.expires_at = expires_at


class UnknownWrite(Exception):
    """DynamoDB did not say whether it carried a write out: read again, which shows it, and decide again."""


def retried(flow: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run the flow from its first read again when it loses a race, or when DynamoDB refuses or does not answer.

    Raises Busy after the last try, and where the time is up. A flow under this must decide by the state that it reads,
    and never by what it did before: then an earlier try that was carried out after all is found and not repeated.
    Each of ours does. `fulfilment.apply` finds the order's status, `clawback.apply` and a refund's outcome the recorded
    status, the first step of a refund its id, which is made before the first try, a spend, grant or adjustment the
    marker of its key, which is written with the credits, and an expiry a lot without credits.
    """

    @wraps(flow)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        started = time.monotonic()
        detail = ""
        for number in range(TRIES):
            # The whole pause is random: requests that lost the same race must not meet again.
            if number and not _pause(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**number), started):
                break
            try:
                return flow(*args, **kwargs)
            except Exception as error:
                if not _will_pass(error):
                    raise
                detail = _report(error, flow.__qualname__)
        raise Busy(detail)

    return run


def _report(error: Exception, flow: str) -> str:
    """Log why the flow runs again; what the caller is told if that was the last try."""
    if isinstance(error, LostRace):
        logger.info("lost a race", flow=flow, reason=str(error))
        return "Too many requests are changing this at once; please retry"
    reason = str(error) if isinstance(error, UnknownWrite) else failures.code_of(error)
    logger.warning("DynamoDB is busy", flow=flow, reason=reason)
    count("DynamoDBFailed")
    return "The service is busy; please retry"


def _will_pass(error: Exception) -> bool:
    if isinstance(error, TopupError):
        return False  # also Busy: a flow within this one has tried long enough, or the time is up
    return isinstance(error, LostRace) or failures.of(error) is not Failure.FINAL


def _pause(shortest: float, longest: float, started: float) -> bool:
    """Wait before another try; False where there is no time for one."""
    pause = random.uniform(shortest, longest)  # noqa: S311 - not a secret
    if time.monotonic() - started > LAST_TRY or not deadline.allows(pause):
        return False
    time.sleep(pause)
    return True


def looks() -> Iterator[float]:
    """Look for what other requests do, now and after a pause each time: the seconds since the first look.

    It ends as the tries of a flow do.
    """
    started = time.monotonic()
    for number in range(TRIES):
        yield time.monotonic() - started
        longest = min(LONGEST_PAUSE, FIRST_LOOK * 1.5**number)
        if not _pause(longest / 2, longest, started):
            return


def may_be_written(error: Exception) -> bool:
    """Whether the write that met this error may have been done, or may be done late.

    Not where nothing was sent, and not where DynamoDB has answered the one attempt that there was: of more than one,
    only the last one's answer is known.
    """
    if isinstance(error, TopupError):
        return False
    if failures.attempts_before(error.__cause__ or error) > 0:
        return True
    return not isinstance(error, LostRace) and not failures.is_answer(error)


@contextmanager
def detect_lost_race() -> Iterator[None]:
    """Raise LostRace for a refused condition or a conflict, and UnknownWrite where the write may have happened.

    Every other failure passes as it is. A throttled, forbidden or malformed request must never look like "already
    done": the caller would acknowledge what never happened.
    """
    try:
        yield
    except (LostRace, UnknownWrite):
        raise
    except Exception as error:
        if _is_race(error):
            raise LostRace(failures.code_of(error)) from error
        if failures.of(error) is Failure.UNKNOWN:
            raise UnknownWrite(failures.code_of(error)) from error
        raise


def _is_race(error: Exception) -> bool:
    code = failures.code_of(error)
    if code == failures.CANCELLED:
        # Not where it was throttled as well: then only reading again, after a pause, tells which of the two will last.
        reasons = failures.cancellation_reasons(error)
        return bool(reasons) and reasons <= {failures.CONDITION, *failures.CONFLICTS}
    return code == "ConditionalCheckFailedException" or code in failures.CONFLICTS
