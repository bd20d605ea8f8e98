"""Call the functions with real HTTP API events, and check each response against the serial executions possible."""

import base64
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from local.in_process import api
from local.in_process.environment import API_KEY
from tests.simulation.faults import MOST_SKEW, Fault, Faults
from tests.simulation.invocations import Crash, Invocations
from tests.simulation.linearizability import LinearizabilityChecker
from tests.simulation.scheduler import Scheduler
from tests.simulation.shadow import Shadow

ROUTES = {
    "list_packages": "GET /api/payments/packages",
    "create_checkout": "POST /api/payments/stripe/create",
    "stripe_webhook": "POST /api/payments/webhook/stripe",
    "get_payment": "GET /api/payments/{payment_id}",
    "list_payments": "GET /api/payments",
    "release_payment": "POST /api/admin/payments/{payment_id}/release",
    "cancel_checkout": "POST /api/payments/{payment_id}/cancel",
    "refund_payment": "POST /api/payments/stripe/refund",
    "quote_refund": "POST /api/payments/stripe/refund/quote",
    "get_credits": "GET /api/users/credits",
    "list_transactions": "GET /api/users/credits/transactions",
    "spend_credits": "POST /api/users/credits/spend",
    "grant_credits": "POST /api/admin/credits/grant",
    "adjust_credits": "POST /api/admin/credits/adjust",
    "spend_batch": "POST /api/users/credits/spend/batch",
    "reverse_spend": "POST /api/users/credits/spend/reverse",
    "open_hold": "POST /api/users/credits/holds",
    "extend_hold": "POST /api/users/credits/holds/{hold_id}/extend",
    "capture_hold": "POST /api/users/credits/holds/{hold_id}/capture",
    "release_hold": "POST /api/users/credits/holds/{hold_id}/release",
    "list_holds": "GET /api/users/{user_id}/holds",
}

as_user, as_buyer, as_admin = cache(api.as_user), cache(api.as_buyer), cache(api.as_admin)
SERVICE = {"x-api-key": API_KEY}


@dataclass(frozen=True)
class Response:
    """The response: its status and its document."""

    status: int
    document: dict[str, Any]


@dataclass
class Context:
    """What a function reads of its Lambda context."""

    function_name: str
    scheduler: Scheduler
    ends: float

    def get_remaining_time_in_millis(self) -> int:
        return int((self.ends - self.scheduler.seconds) * 1000)


class Clients:
    """Calls functions at the scheduler's time; None if the function died and no response came."""

    def __init__(
        self,
        scheduler: Scheduler,
        invocations: Invocations,
        injected: Faults,
        shadow: Shadow,
        responses: LinearizabilityChecker,
    ) -> None:
        self._scheduler, self._invocations, self._faults = scheduler, invocations, injected
        self._shadow, self._checker = shadow, responses
        self._skew: Callable[[], float] = lambda: 0.0

    def use_skew(self, rng: Any) -> None:
        self._skew = lambda: rng.uniform(-MOST_SKEW, MOST_SKEW) if self._faults.occurs(Fault.CLOCK_SKEW) else 0.0

    def http(
        self,
        function: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | bytes | None = None,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        **about: Any,
    ) -> Response | None:
        """Send one request; `about` is what the check of its response needs to know."""
        # API Gateway stamps a request in whole milliseconds.
        now = self._scheduler.now + timedelta(seconds=self._skew())
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        event = _event(function, headers, body, path, query, now)
        about |= {"now": now}
        found = self.invoke(function, event, **about)
        return Response(found["statusCode"], json.loads(found["body"])) if found is not None else None

    def invoke(self, function: str, event: dict[str, Any], *, timeout: float = 29.0, **about: Any) -> Any:
        """Run a function to its end; None if it dies."""
        invocation = self._invocations.begin(function, self._scheduler.seconds, self._shadow.commit, **about)
        invocation.timeout = timeout
        self._shadow.latest = max(self._shadow.latest, about.get("now", self._shadow.latest))
        self._checker.begun(invocation, self._invocations.others())
        context = Context(function, self._scheduler, self._scheduler.seconds + timeout)
        try:
            result = api.load_handler(function)(event, context)
        except Crash:
            return None
        finally:
            self._invocations.end()
        self._checker.check(invocation, result)
        return result

    def command(self, name: str, run: Callable[[], Any], **about: Any) -> Any:
        """Run an operator's command as a process of its own; its result, None if it was killed."""
        invocation = self._invocations.begin(name, self._scheduler.seconds, self._shadow.commit, **about)
        invocation.timeout = math.inf
        try:
            return run()
        except Crash:
            return None
        finally:
            self._invocations.end()


def _event(
    function: str,
    headers: Mapping[str, str],
    body: Mapping[str, Any] | bytes | None,
    path: Mapping[str, str] | None,
    query: Mapping[str, str] | None,
    now: datetime,
) -> dict[str, Any]:
    """An HTTP API event, payload 2.0, with the fields that the functions read."""
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": ROUTES[function],
        "headers": {name.lower(): value for name, value in headers.items()} | {"content-type": "application/json"},
        "requestContext": {"requestId": "simulated", "timeEpoch": round(now.timestamp() * 1000)},
        "isBase64Encoded": isinstance(body, bytes),
    }
    if path:
        made["pathParameters"] = dict(path)
    if query:
        made["queryStringParameters"] = dict(query)
    if body is not None:
        made["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else json.dumps(body)
    return made
