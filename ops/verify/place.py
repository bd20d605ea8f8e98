"""Where a verification runs: on a local stack of its own, or on a deployed one in Stripe's test mode."""

import contextlib
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import httpx

from local import discovery
from local.client import Switches
from local.launcher import StackFailedError, running
from local.settings import SECRETS, TEST_KEY
from ops import target, user_token
from ops.doctor import subject
from ops.doctor.subject import WEBHOOK_PATH, Subject
from ops.errors import CannotRunError

LIVE = ("sk_live_", "rk_live_")
LOCAL_PATIENCE, PATIENCE = 20.0, 90.0  # seconds for a webhook to arrive
SIMULATOR, STRIPE = "the simulator", "Stripe, in test mode"


class Clock(Protocol):
    """The stack's time."""

    def now(self) -> datetime: ...

    def pass_until(self, moment: datetime) -> None:
        """Return when it is later than this moment, and what has expired by then is in the ledger."""


@dataclass(frozen=True)
class MovedClock:
    """A local stack's: it is moved, and the stack's reaper does the rest."""

    switches: Switches

    def now(self) -> datetime:
        return self.switches.now()

    def pass_until(self, moment: datetime) -> None:
        self.switches.move_clock((moment - self.now()).total_seconds() + 1)


@dataclass(frozen=True)
class WallClock:
    """A deployed stack's. DynamoDB's TTL may take days, so reconcile sweeps what has expired."""

    stack: str

    def now(self) -> datetime:
        return datetime.now(UTC)

    def pass_until(self, moment: datetime) -> None:
        time.sleep(max(0.0, (moment - self.now()).total_seconds() + 1))
        target.invoke_deployed(self.stack, "ReconcileFunction", {"sweep_after_hours": 0})


@dataclass(frozen=True, kw_only=True)
class Place:
    """A stack; `environment` leads to its tables and to Stripe, and has its secrets: it is never shown."""

    name: str
    stripe: str
    api_url: str
    webhook_urls: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    clock: Clock
    patience: float  # seconds for a webhook to arrive
    waits_for_expiry: bool


@contextmanager
def opened(options: Namespace, http: httpx.Client) -> Iterator[Place]:
    """The stack that the command line names, or one that is started for this. Raises CannotRunError."""
    if options.stack:
        found = subject.of_stack(options.stack, options.root)
        with entered(of_deployed(found, waits_for_expiry=options.expiry)) as place:
            yield place
    else:
        with _own(http) as own, entered(own) as place:
            yield place


@contextmanager
def entered(place: Place) -> Iterator[Place]:
    """Inside the block `topup` works on this stack. Raises CannotRunError unless its key is of Stripe's test mode."""
    require_test_key(place.environment["STRIPE_SECRET_KEY"])
    with target.tables(place.environment):
        yield place


def require_test_key(key: str) -> None:
    """Raises CannotRunError for any other key than one of Stripe's test mode."""
    if key.startswith(LIVE):
        raise CannotRunError(
            "STRIPE_SECRET_KEY is a live key: this buys, refunds and disputes, in Stripe's test mode alone"
        )
    if not TEST_KEY.fullmatch(key):
        raise CannotRunError("STRIPE_SECRET_KEY is no test key (sk_test_…, in full)")


@contextmanager
def _own(http: httpx.Client) -> Iterator[Place]:
    with contextlib.ExitStack() as stacks:
        try:
            stack = stacks.enter_context(running())
        except StackFailedError as error:
            raise CannotRunError(str(error)) from error
        secrets = {name: stack.values[name] for name in SECRETS}
        yield Place(
            name="a local stack",
            stripe=SIMULATOR,
            api_url=stack.api_url,
            webhook_urls=(stack.webhook_url, stack.api_url + WEBHOOK_PATH),
            environment={**discovery.of(stack).environment, **secrets, "STRIPE_API_BASE": stack.stripe_url},
            clock=MovedClock(Switches(stack.api_url, http.request)),
            patience=LOCAL_PATIENCE,
            waits_for_expiry=True,
        )


def of_deployed(found: Subject, *, waits_for_expiry: bool) -> Place:
    """Raises CannotRunError where the stack's tokens are signed elsewhere."""
    user_token.refuse_others_keys(found.environment)
    return Place(
        name=f"stack {found.stack}",
        stripe=SIMULATOR if found.is_simulated else STRIPE,
        api_url=found.api_url,
        webhook_urls=found.webhook_urls,
        environment=found.environment,
        clock=WallClock(found.stack),
        patience=PATIENCE,
        waits_for_expiry=waits_for_expiry,
    )
