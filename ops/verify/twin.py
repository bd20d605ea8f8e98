"""The simulator, asked what Stripe was asked: in the same order, at the same times, with its own ids."""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from local.stripe_simulator import Simulator
from ops.verify.classes import ID
from ops.verify.comparison import Comparison, Difference
from ops.verify.exchanges import Exchange, masked

KEY = "sk_test_twin"
HEADERS = {"authorization": f"Bearer {KEY}"}
NOWHERE = "http://localhost:9/"  # its endpoints': nothing is sent
COPIED = ("api_version", "description")  # of the stack's endpoint at Stripe
ACKNOWLEDGED, BROKEN = 200, 500


@dataclass(frozen=True)
class Compared:
    """An exchange with Stripe, and what the simulator answers otherwise."""

    exchange: Exchange
    differences: list[Difference]


class Twin:
    """A simulated account to which happens what happened at Stripe. `ids` says what stands for an id of Stripe's."""

    def __init__(self, endpoints: Iterable[Mapping[str, Any]], simulated: type[Simulator] = Simulator) -> None:
        """`endpoints` are the stack's webhook endpoints, as Stripe lists them."""
        self._now = datetime.now(UTC)
        rng = random.Random(1)  # noqa: S311 - its ids need not be hard to guess
        self._simulator = simulated("http://localhost:12111", now=lambda: self._now, rng=rng, secret_key=KEY)
        self.ids = {endpoint["id"]: self._add(endpoint) for endpoint in endpoints}

    def ask(self, exchange: Exchange) -> Exchange:
        """The same request with the answer of the simulator's; all webhooks that are due count as acknowledged."""
        self._now = exchange.at
        path, form = self._translated(exchange.path), self._translated(exchange.form)
        is_post = exchange.method == "POST"
        target = path if is_post or not form else f"{path}?{form}"
        status, answer = self._send(exchange.method, target, form if is_post else "", exchange.headers)
        for delivery in self._simulator.due():
            self._simulator.delivered(delivery, ACKNOWLEDGED)
        return replace(exchange, status=status, answer=masked(answer))

    def _translated(self, text: str) -> str:
        return ID.sub(lambda found: self.ids.get(found[0], found[0]), text)

    def _send(self, method: str, target: str, form: str, headers: Mapping[str, str]) -> tuple[int, Any]:
        try:
            status, _, body = self._simulator.request(method, target, {**HEADERS, **headers}, form.encode())
        except Exception as error:  # a difference like any other, and the one that most needs a look
            return BROKEN, {"error": {"message": f"it breaks with {type(error).__name__}: {error}"}}
        return status, json.loads(body)

    def _add(self, endpoint: Mapping[str, Any]) -> str:
        copied = [(name, endpoint[name]) for name in COPIED if endpoint.get(name)]
        copied += [(f"metadata[{name}]", value) for name, value in endpoint["metadata"].items()]
        copied += [("enabled_events[]", event) for event in endpoint["enabled_events"]]
        _, made = self._send("POST", "/v1/webhook_endpoints", urlencode([("url", NOWHERE), *copied]), {})
        return str(made["id"])


def compare(exchanges: Iterable[Exchange], twin: Twin) -> list[Compared]:
    """Ask the twin everything that Stripe was asked, and compare the answers."""
    comparison = Comparison(twin.ids)
    return [Compared(exchange, comparison.of(exchange, twin.ask(exchange))) for exchange in exchanges]
