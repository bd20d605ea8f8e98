"""What a failed DynamoDB request means: a race that somebody else won, or nothing that we may interpret."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError


class LostRace(Exception):
    """What the decision was based on has changed since it was read: read again, decide again."""


_RACES = {"ConditionalCheckFailed", "TransactionConflict"}
_NO_REASON = {"None"}


@contextmanager
def races_told_apart() -> Iterator[None]:
    """Raise LostRace for a refused condition or a conflict; let every other failure through as it is.

    A throttled, forbidden or malformed request must never look like "somebody has done this already": the caller
    would acknowledge what never happened.
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
    # TransactionInProgress: an earlier try of this very request is still running; reading again will show its outcome.
    return _code(error) in (
        "ConditionalCheckFailedException",
        "TransactionConflictException",
        "TransactionInProgressException",
    )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
