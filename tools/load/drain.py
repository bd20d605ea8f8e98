"""The end of a load run: everything has arrived, reconcile has mended what was lost, and the books are compared."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from local import discovery
from ops import target
from ops.audit import Audit, audit, clock_of
from tools.load.client import Caller
from tools.load.expected import Books, Seen
from tools.load.stats import Figures

PATIENCE = 120.0  # seconds for the webhooks that are on their way
LOOKS_EVERY = 0.5
MOST_ROUNDS = 5
A_WHILE = 16 * 60  # seconds; only then does reconcile look after a payment that is still open
A_DAY = 25 * 3_600  # seconds; so long Stripe answers the same key with the failure that it has stored


class UnsettledError(Exception):
    """It does not come to rest."""


def settle(caller: Caller, figures: Figures, say: Callable[[str], None]) -> None:
    """Wait until nothing is on its way, then reconcile until nothing is left to do. Raises UnsettledError."""
    say("waiting for the webhooks that are on their way")
    _all_delivered(caller)
    wait = A_WHILE
    for _ in range(MOST_ROUNDS):
        caller.local("/clock", {"advance_seconds": wait})
        say("reconciling")
        report = caller.local("/reconcile", {"window_hours": 72})
        for step in ("events", "refunds", "payments"):
            figures.count("repaired by reconcile", step, report[step]["repaired"])
        _all_delivered(caller)
        in_flight = report["refunds"]["found"] - report["refunds"]["repaired"]
        if report["failures"] == report["repaired"] == in_flight == 0:
            return
        wait = A_DAY if in_flight else A_WHILE
    raise UnsettledError(f"reconcile still finds something to do: {report}")


def _all_delivered(caller: Caller) -> None:
    deadline = time.monotonic() + PATIENCE
    while any(sent["state"] == "pending" for sent in _deliveries(caller)):
        if time.monotonic() > deadline:
            raise UnsettledError(f"webhooks are still on their way after {PATIENCE:.0f} s")
        time.sleep(LOOKS_EVERY)


def _deliveries(caller: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.steer("GET", "/deliveries")["deliveries"]
    return found


def count_webhooks(caller: Caller, figures: Figures) -> int:
    """How many requests to our webhook were answered; by their status, and how many were lost, in the figures."""
    answered = 0
    for sent in _deliveries(caller):
        figures.count("webhooks", "lost on their way", sent["state"] == "dropped")
        for attempt in sent["attempts"]:
            figures.count("webhooks", f"answered {attempt['status']}" if attempt["status"] else "not answered")
            answered += attempt["status"] is not None
    return answered


def audited(caller: Caller) -> Audit:
    """What `make audit` says of the stack."""
    found = discovery.of(caller.stack)
    with target.tables(found.environment):
        return audit(clock_of(found))


def violations_of(caller: Caller, books: Books, users: list[str]) -> list[str]:
    """In what the product's own answers differ from the load's books."""
    return books.violations({user: _seen(caller, user) for user in users}, _refunds(caller))


def _seen(caller: Caller, user: str) -> Seen:
    headers = {"authorization": f"Bearer {caller.stack.token(user)}"}
    balance = caller.ask("credits", "GET", "/api/users/credits", headers=headers).json()["balance"]
    return Seen(balance, list(_entries(caller, headers)))


def _entries(caller: Caller, headers: dict[str, str]) -> Iterator[dict[str, Any]]:
    query = ""
    while True:
        path = f"/api/users/credits/transactions?limit=100{query}"
        page = caller.ask("transactions", "GET", path, headers=headers).json()
        yield from page["transactions"]
        if page["next_cursor"] is None:
            return
        query = f"&cursor={page['next_cursor']}"


def _refunds(caller: Caller) -> Iterator[dict[str, Any]]:
    query = {"limit": "100"}
    while True:
        page = caller.stripe("/refunds", **query)
        yield from page["data"]
        if not page["has_more"]:
            return
        query["starting_after"] = page["data"][-1]["id"]
