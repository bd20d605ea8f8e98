"""Work on a stack from this process, as its functions do: on its tables, with its settings and its Stripe account."""

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime

from ops import deployed, target
from ops.audit.tables import Now, clock_of
from ops.doctor import subject
from ops.errors import CannotRunError
from topup.domain.errors import TopupError
from topup.runtime.telemetry import logger

SECRETS = {"SECRETS_PREFIX": "", "SECRETS": ""}  # they are in the environment itself


@contextmanager
def stack(options: Namespace, *, with_stripe: bool = True) -> Iterator[Now]:
    """Inside the block `topup` works on the stack that the command line names; raises CannotRunError.

    What the package logs and counts is for CloudWatch: it goes to the standard error.
    """
    with target.explained(f"stack {options.stack}" if options.stack else "the local stack"):
        environment, now = _subject(options, with_stripe=with_stripe)
        with target.tables(environment), logs_on_stderr():
            yield now


@contextmanager
def stripe_explained() -> Iterator[None]:
    """Raise CannotRunError where Stripe fails inside the block."""
    try:
        yield
    except TopupError as error:
        raise CannotRunError(f"Stripe: {error.detail}: {words(error)}") from error


def words(error: TopupError) -> str:
    """Stripe's error without its message, which may quote what was sent."""
    cause = error.__cause__
    details = [str(getattr(cause, name)) for name in ("http_status", "request_id") if getattr(cause, name, None)]
    return f"{type(cause).__name__} ({', '.join(details) or 'no response'})"


def _subject(options: Namespace, *, with_stripe: bool) -> tuple[Mapping[str, str], Now]:
    """The environment that leads to the stack's tables, and to Stripe where that is wanted; and the stack's clock."""
    if options.stack:
        tables = target.deployed_tables(options.stack)
        return (_with_stripe_key(options.stack, tables) if with_stripe else tables), lambda: datetime.now(UTC)
    running = target.local_stack(options.root)
    environment = subject.of_local(options.root).environment if with_stripe else running.environment
    return environment, clock_of(running)


def _with_stripe_key(stack: str, tables: Mapping[str, str]) -> Mapping[str, str]:
    found = deployed.find(stack)
    key = deployed.stripe_key(found.secrets_prefix)
    return {**found.environment, **tables, **SECRETS, "STRIPE_SECRET_KEY": key}


@contextmanager
def logs_on_stderr() -> Iterator[None]:
    """Only what the command prints itself goes to the output."""
    out = sys.stdout
    handler = logger.registered_handler
    before = handler.setStream(sys.stderr)  # type: ignore[attr-defined]  # powertools makes a StreamHandler
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        handler.setStream(before or out)  # type: ignore[attr-defined]
