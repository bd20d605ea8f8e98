"""A running stack, and what happens to it in a test: purchases, time, faults, late webhooks, refunds, disputes."""

import itertools
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx

from topup_local.sources import PROJECT, importable

with importable():
    from local import launcher
    from local.client import BrokenPromiseError, Client, Json, UnexpectedStatusError, document, poll
    from local.launcher import Stack, StackFailedError

__all__ = ["BrokenPromiseError", "StackFailedError", "Topup", "UnexpectedStatusError", "running"]

Where = Literal["topup", "stripe"]
EVERY_PATH: Mapping[Where, str] = {"topup": "/api/*", "stripe": "/v1/*"}
PENDING = ("pending", "processing")  # of a payment


@contextmanager
def running(**settings: str) -> "Iterator[Topup]":
    """A stack of its own on free ports, until the block ends. `settings` replace those of .env.example.

    Raises StackFailedError, with what the stack has printed, if it does not start.
    """
    with (
        tempfile.TemporaryDirectory(prefix="topup-local-") as state,
        launcher.running(PROJECT, Path(state), **settings) as stack,
        httpx.Client(trust_env=False, timeout=30) as http,
    ):
        yield Topup(stack, http)


class Topup:
    """A running stack. What its methods cannot do, Topup's own API at `url` and the simulator's at `stripe_url` can.

    They raise UnexpectedStatusError where one of them refuses, and BrokenPromiseError where something does not happen.
    """

    def __init__(self, stack: Stack, http: httpx.Client) -> None:
        self.url = stack.api_url
        self.stripe_url = stack.stripe_url
        self.webhook_url = stack.webhook_url
        self.service_key = stack.api_key  # what a trusted service sends as X-API-Key
        self.log = Path(stack.log)  # what the functions log, while the stack runs
        self.client = Client(stack.api_url, stack.stripe_url, stack.values, http.request)
        self._stack = stack
        self._numbers = itertools.count(1)

    # --------------------------------------------------------------------------------------------------- who calls

    def user(self) -> str:
        """A new user's id."""
        return f"user-{next(self._numbers)}-{uuid.uuid4().hex[:8]}"

    def token(self, user: str, **claims: Any) -> str:
        """What this user sends as a bearer token; `claims` add to or replace its own."""
        return self._stack.token(user, **claims)

    def admin_token(self) -> str:
        return _bearer(self.client.credentials.admin())

    def support_token(self) -> str:
        return _bearer(self.client.credentials.support())

    # --------------------------------------------------------------------------------------------------- purchases

    def order(self, user: str, package: str = "standard") -> Json:
        """A payment that nobody has paid yet."""
        return document(self.client.api.create(user, package, str(uuid.uuid4())))

    def pay(self, payment: Json, **how: Any) -> Json:
        """The buyer pays: by a card that is accepted, or as docs/simulator.md says of `pay`. Does not wait for it."""
        return self.client.stripe.pay(payment, **how)

    def buy(self, user: str, package: str = "standard", **how: Any) -> Json:
        """A paid payment whose credits have arrived; `how` as for `pay`."""
        payment = self.order(user, package)
        self.pay(payment, **how)
        poll(lambda: self.payment(payment, user)["status"], lambda status: status not in PENDING, "the payment ends")
        return payment

    def payment(self, payment: Json, user: str) -> Json:
        """The payment as it is now. Asking for it makes Topup ask Stripe, if no webhook has come yet."""
        return document(self.client.api.payment(payment, user))

    # ----------------------------------------------------------------------------------------------------- credits

    def grant(self, user: str, credits: int, reason: str = "A test", **fields: Any) -> Json:
        """Credits as a gift; `fields`: the `campaign` and `expires_at` of the request."""
        granted = self.client.api.grant(user, credits, reason, str(uuid.uuid4()), body=fields)
        return document(granted, httpx.codes.CREATED)

    def credits(self, user: str) -> Json:
        """The balance, what is held, and which credits expire when."""
        return document(self.client.api.credits(user))

    def balance(self, user: str) -> int:
        return int(self.credits(user)["balance"])

    def ledger(self, user: str) -> list[Json]:
        """Every change of the balance, the newest first."""
        return list(self.client.api.ledger(user))

    def holds(self, user: str) -> list[Json]:
        """The holds that are open."""
        address = f"{self.url}/api/users/{user}/holds"
        return list(document(self.client.api.send("GET", address, headers={"x-api-key": self.service_key}))["holds"])

    # -------------------------------------------------------------------------------------------------------- time

    def now(self) -> datetime:
        """The stack's time."""
        return self.client.local.now()

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Move the stack's clock forward: credits expire, holds end, retries of webhooks are due. Never back."""
        step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        self.client.local.move_clock(step.total_seconds())
        return self.now()

    # ------------------------------------------------------------------------------------------------------ events

    def events(self, user: str | None = None) -> list[Json]:
        """What was published so far, of all users or of one, the oldest first (docs/events.md).

        An event follows within moments: `wait_for_event` waits for it.
        """
        published = reversed(self.client.local.call("GET", "/events")["events"])
        return [event for event in published if user in (None, event["detail"]["user_id"])]

    def wait_for_event(self, kind: str, user: str) -> Json:
        """The first event of a user of this `detail-type`; it follows within moments."""

        def of_kind() -> list[Json]:
            return [event for event in self.events(user) if event["detail-type"] == kind]

        return poll(of_kind, bool, f"{kind} of {user} is published")[0]

    # ------------------------------------------------------------------------------------- what goes wrong on the way

    def fault(self, where: Where, do: str, *, path: str | None = None, times: int = 1) -> None:
        """Let the next calls fail: of your service to "topup", or of Topup to "stripe".

        do: "timeout_before" has no effect, "timeout_after" takes effect, and neither is answered; or a status: "503",
        "429", "500" of Topup; "500", "429", "409" of Stripe. path: which calls, with `*`; None = any.
        """
        control = self.client.local if where == "topup" else self.client.stripe
        pending = control.call("GET", "/faults")["next"]
        fault = {"path": path or EVERY_PATH[where], "do": do}
        control.call("PUT", "/faults", {"next": [*pending, *([fault] * times)]})

    def webhooks(self, **behaviour: Any) -> None:
        """How Stripe's webhooks arrive from now on: late (`paused=True`, `delay_ms=60_000`), several times
        (`duplicates=2`), in another order (`shuffle=True`), or not at all (`drop=1.0`). What is not named is normal.
        """
        self.client.stripe.set_webhooks(**behaviour)

    def wait_for_webhooks(self) -> None:
        """Return when none is on its way."""
        poll(self._pending, lambda pending: not pending, "every webhook is delivered")

    def reconcile(self, **event: Any) -> Json:
        """What runs every 15 minutes on AWS, at once: it finds and repairs what was lost. Returns its report."""
        return self.client.local.reconcile(**event)

    def calm(self) -> None:
        """Everything works again: no faults, and webhooks arrive."""
        self.client.local.call("PUT", "/faults", {"next": []})
        self.client.stripe.set_faults()
        self.webhooks()

    # -------------------------------------------------------------------------- what happens in Stripe's Dashboard

    def refund(self, payment: Json, amount: int | None = None, *, pending: bool = False) -> Json:
        """Give money back in the Dashboard. amount: in minor units; None = all that is left."""
        refund = self.client.stripe.refund(self._intent(payment), amount, pending=pending)
        return self._followed_by_webhooks(refund)

    def dispute(self, payment: Json, amount: int | None = None) -> Json:
        """The card's owner wants the money back, and the bank takes it. amount: as for `refund`."""
        return self._followed_by_webhooks(self.client.stripe.dispute(self._intent(payment), amount))

    def close_dispute(self, dispute: Json, status: Literal["won", "lost"]) -> None:
        self.client.stripe.close_dispute(dispute, status)
        self._followed_by_webhooks(dispute)

    def _followed_by_webhooks(self, made: Json) -> Json:
        """Topup has heard of it, unless the webhooks are to come late."""
        behaviour = self.client.stripe.call("GET", "/webhooks")
        if not behaviour["paused"] and not behaviour["delay_ms"]:
            self.wait_for_webhooks()
        return made

    def _intent(self, payment: Json) -> str:
        return self.client.stripe.intent_of(payment)

    def _pending(self) -> list[Json]:
        return [sent for sent in self.client.stripe.deliveries() if sent["state"] == "pending"]


def _bearer(headers: Mapping[str, str]) -> str:
    return headers["authorization"].removeprefix("Bearer ")
