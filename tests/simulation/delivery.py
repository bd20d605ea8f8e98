"""Stripe's webhooks on their way: lost, late, twice, out of order; and Stripe, which tries again."""

import json
import random
from typing import Any

from local.stripe_simulator import Behaviour, Delivery, Simulator
from tests.simulation import faults
from tests.simulation.clients import Clients
from tests.simulation.faults import Fault, Faults
from tests.simulation.scheduler import Scheduler

DELAY = (0.02, 0.4)  # seconds
OUT_OF_ORDER = (0.5, 8.0)
LONG_DELAY = (10.0, 1200.0)  # beyond 300 s the signature is too old, and Stripe has to sign another


def _nothing(_name: str) -> None:
    """Nobody counts yet."""


class Postman:
    """Takes what is due from the simulator and hands it to the function."""

    def __init__(
        self, simulator: Simulator, scheduler: Scheduler, clients: Clients, struck: Faults, chance: random.Random
    ) -> None:
        self._simulator, self._scheduler, self._clients = simulator, scheduler, clients
        self._faults, self._chance = struck, chance
        self._wakes_at: float | None = None
        self.away_until = 0.0
        self.hit = _nothing
        simulator.on_deliveries_planned(self._wake)

    def lose_for_good(self, rate: float) -> None:
        """Let this share of the events never be sent: only who asks Stripe hears of them."""
        self._simulator.set_webhooks(Behaviour(drop=rate))

    def _wake(self) -> None:
        due = self._simulator.next_due()
        if due is None or (self._wakes_at is not None and self._wakes_at <= due.timestamp()):
            return
        self._wakes_at = due.timestamp()
        self._scheduler.start_at(self._collect, due)

    def _collect(self) -> None:
        self._wakes_at = None
        for delivery in self._simulator.due():
            self._dispatch(delivery)
        self._wake()

    def _dispatch(self, delivery: Delivery) -> None:
        if self._scheduler.seconds < self.away_until:
            self._simulator.delivered(delivery, None, "connection refused")
            return
        after = self._chance.uniform(*DELAY)
        match self._faults.of(faults.OF_A_WEBHOOK):
            case Fault.WEBHOOK_LOST:
                self._simulator.delivered(delivery, None, "connection reset")
                return
            case Fault.WEBHOOK_DELAYED:
                after = self._chance.uniform(*LONG_DELAY)
            case Fault.WEBHOOK_REORDERED:
                after = self._chance.uniform(*OUT_OF_ORDER)
            case Fault.WEBHOOK_DUPLICATED:
                self._scheduler.start(lambda: self.hand_over(delivery), self._chance.uniform(*DELAY))
        self._scheduler.start(lambda: self._simulator.delivered(delivery, self.hand_over(delivery)), after)

    def hand_over(self, delivery: Delivery) -> int | None:
        """One delivery; what the function answered."""
        subject = json.loads(delivery.body)["data"]["object"]
        about = {"event_type": delivery.event_type, "subject": subject, "payment": self._payment_of(subject)}
        answer = self._clients.http("stripe_webhook", delivery.headers, delivery.body, **about)
        if answer and answer.document.get("code") == "invalid_signature":
            self.hit("a signature is refused, and Stripe signs again")
        return answer.status if answer else None

    def _payment_of(self, subject: dict[str, Any]) -> str | None:
        """Which payment the event is about, as Stripe's own books say it."""
        if "order_id" in (subject.get("metadata") or {}):
            return str(subject["metadata"]["order_id"])
        intent = self._simulator._world.tables["payment_intent"].get(subject.get("payment_intent") or "")
        return str(intent["metadata"]["order_id"]) if intent else None
