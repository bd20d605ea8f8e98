"""Calls that fail on demand."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from local.stripe_simulator.core.errors import InvalidParameter, StripeError

# timeout_before: nothing is done and no answer comes. timeout_after: it is done and no answer comes.
# 500: nothing is done, and the answer is stored under the idempotency key. 429: the rate limit.
# 409: what Stripe says while the first call with the same idempotency key is still running.
Action = Literal["timeout_before", "timeout_after", "500", "429", "409"]


@dataclass(frozen=True)
class Fault:
    """path: exact, or with `*`. method: None is any."""

    path: str
    do: Action
    method: str | None = None

    def strikes(self, method: str, path: str) -> bool:
        return fnmatchcase(path, self.path) and self.method in (None, method)


class Faults:
    def __init__(self) -> None:
        self.pending: list[Fault] = []

    def take(self, method: str, path: str) -> Action | None:
        """What the first fault meant for this call does; each strikes once."""
        for fault in self.pending:
            if fault.strikes(method, path):
                self.pending.remove(fault)
                return fault.do
        return None


def refuse_before_running(action: Action | None) -> None:
    if action == "429":
        message = "Request rate limit exceeded. See https://stripe.com/docs/rate-limits."
        raise InvalidParameter(message, status=429, code="rate_limit")
    if action == "409":
        message = "There is currently another in-progress request using this Idempotent Key."
        raise InvalidParameter(message, status=409, code="idempotency_key_in_use", error_type="idempotency_error")


def server_error() -> StripeError:
    return StripeError("An unknown error occurred", status=500, error_type="api_error")
