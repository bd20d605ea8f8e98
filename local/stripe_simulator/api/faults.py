"""Calls that fail on demand."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from local.stripe_simulator.core.errors import InvalidParameter, StripeError

# timeout_before: no effect, no response. timeout_after: the call takes effect, but no response follows.
# 500: no effect, and the response is stored under the idempotency key. 429: the rate limit.
# 409: Stripe's response while the first call with the same idempotency key is still running.
Action = Literal["timeout_before", "timeout_after", "500", "429", "409"]


@dataclass(frozen=True)
class Fault:
    """path: exact, or with `*`. method: None matches any."""

    path: str
    do: Action
    method: str | None = None

    def matches(self, method: str, path: str) -> bool:
        return fnmatchcase(path, self.path) and self.method in (None, method)


class Faults:
    def __init__(self) -> None:
        self.pending: list[Fault] = []

    def take(self, method: str, path: str) -> Action | None:
        """Remove the first fault that matches this call, and return its action."""
        for fault in self.pending:
            if fault.matches(method, path):
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
