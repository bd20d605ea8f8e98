"""The delivery of Stripe's webhooks: lost, late, duplicated, out of order, and retried by Stripe."""

import json
import random
from functools import partial
from typing import Any

from local.stripe_simulator import Behaviour, Delivery, Simulator
from tests.simulation import faults
from tests.simulation.clients import Clients
from tests.simulation.comparison import said_of
from tests.simulation.faults import Fault, Faults
from tests.simulation.names import OTHER_URL, OUR_STACKS
from tests.simulation.scheduler import Scheduler

DELAY = (0.02, 0.4)  # seconds
OUT_OF_ORDER = (0.5, 8.0)
LONG_DELAY = (10.0, 1200.0)  # after 300 s the signature is too old, and Stripe has to sign again


def _nothing(_name: str) -> None:
    """Replaced by the world."""


class WebhookDelivery:
    """Delivers the events that are due to the webhook function."""

    def __init__(
        self, simulator: Simulator, scheduler: Scheduler, clients: Clients, injected: Faults, rng: random.Random
    ) -> None:
        self._simulator, self._scheduler, self._clients = simulator, scheduler, clients
        self._faults, self._rng = injected, rng
        self._wakes_at: float | None = None
        self.down_until = 0.0
        self.is_right_mode = True  # whether our key is of the account's mode
        self.hit = _nothing
        simulator.on_deliveries_planned(self._wake)

    def drop(self, rate: float) -> None:
        """Never send this share of the events: only a request to Stripe can find their effects."""
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
        if delivery.url == OTHER_URL or self._scheduler.seconds < self.down_until:
            self._simulator.delivered(delivery, None, "connection refused")
            return
        after = self._rng.uniform(*DELAY)
        match self._faults.of(faults.OF_A_WEBHOOK):
            case Fault.WEBHOOK_LOST:
                self._simulator.delivered(delivery, None, "connection reset")
                return
            case Fault.WEBHOOK_DELAYED:
                after = self._rng.uniform(*LONG_DELAY)
            case Fault.WEBHOOK_REORDERED:
                after = self._rng.uniform(*OUT_OF_ORDER)
            case Fault.WEBHOOK_DUPLICATED:
                self._scheduler.start(lambda: self.deliver(delivery), self._rng.uniform(*DELAY))
        self._scheduler.start(lambda: self._simulator.delivered(delivery, self.deliver(delivery)), after)

    def deliver(self, delivery: Delivery, *, is_ours: bool = True) -> int | None:
        """Deliver once; the status of the response, None if none came. `is_ours`: it is of our Stripe account."""
        subject = json.loads(delivery.body)["data"]["object"]
        payment = self._payment_of(subject) if is_ours and self.is_right_mode else None
        about = {"event_type": delivery.event_type, "subject": subject, "payment": payment}
        about["is_of_other_mode"] = not self.is_right_mode
        about["later"] = partial(self._later, delivery.event_id, subject)
        response = self._clients.http("stripe_webhook", delivery.headers, delivery.body, **about)
        if response and response.document.get("code") == "invalid_signature":
            self.hit("a signature is refused, and Stripe signs again")
        return response.status if response else None

    def _later(self, event_id: str, subject: dict[str, Any]) -> list[Any]:
        """The statuses that the event's object has had in Stripe's account since the event, its own first."""
        said = dict(said_of(self._simulator, subject["id"]))
        return list(said.values())[list(said).index(event_id) :] if event_id in said else []

    def _payment_of(self, subject: dict[str, Any]) -> str | None:
        """The payment that the event is about, by Stripe's own records."""
        tables = self._simulator._world.tables
        intent = tables["payment_intent"].get(subject.get("payment_intent") or "", subject)
        metadata = intent.get("metadata") or {}
        return str(metadata["order_id"]) if metadata.get("topup_stack") in OUR_STACKS else None
