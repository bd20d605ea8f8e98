"""Webhook deliveries: which are due, and the result of each. The caller sends them."""

import hashlib
import heapq
import hmac
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from local.stripe_simulator.objects.base import Json

# Stripe retries for three days; here after 1 s, 2 s, 4 s … and half an hour before the last attempt.
FIRST_PAUSE = timedelta(seconds=1)
MAX_ATTEMPTS = 12

USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


@dataclass(frozen=True)
class Delivery:
    """One HTTP request to send now: POST `body` with `headers` to `url`, then report the result."""

    event_id: str
    event_type: str
    endpoint_id: str
    url: str
    attempt: int
    is_extra: bool
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Behaviour:
    """How deliveries behave. The defaults are a network without faults."""

    duplicates: int = 0
    shuffle: bool = False
    delay_ms: int = 0
    drop: float = 0.0
    paused: bool = False


@dataclass
class Shipment:
    """One event for one endpoint, with all attempts. state: pending, delivered, dropped or given_up."""

    event: Json
    endpoint_id: str
    url: str
    state: str = "pending"
    attempts: list[Json] = field(default_factory=list)

    def as_json(self) -> Json:
        return {
            "event": self.event["id"],
            "type": self.event["type"],
            "endpoint": self.endpoint_id,
            "url": self.url,
            "state": self.state,
            "delivered": self.state == "delivered",
            "attempts": [dict(attempt) for attempt in self.attempts],
        }


@dataclass(frozen=True, order=True)
class Planned:
    due: datetime
    number: int
    shipment: Shipment = field(compare=False)
    attempt: int = field(compare=False)
    is_extra: bool = field(compare=False)  # a duplicate or a resend, which is not retried


class Webhooks:
    def __init__(self, now: Callable[[], datetime], rng: random.Random) -> None:
        self._now = now
        self._rng = rng
        self.behaviour = Behaviour()
        self.listeners: list[Callable[[], None]] = []
        self.endpoints: dict[str, Json] = {}
        self.secrets: dict[str, str] = {}
        self._shipments: dict[tuple[str, str], Shipment] = {}
        self._by_event: dict[str, list[Shipment]] = {}
        self._queue: list[Planned] = []
        self._planned = 0

    def clear(self) -> None:
        """Delete all deliveries; endpoints and behaviour stay."""
        self._shipments.clear()
        self._by_event.clear()
        self._queue.clear()

    def publish(self, event: Json) -> None:
        """Plan the delivery of a new event to every endpoint subscribed to its type."""
        for endpoint in self.endpoints.values():
            if subscribes(endpoint, event["type"]):
                self._ship(event, endpoint)
        self.notify()

    def _ship(self, event: Json, endpoint: Json) -> None:
        shipment = self._shipment(event, endpoint)
        if self._rng.random() < self.behaviour.drop:
            shipment.state = "dropped"
            return
        due = self._now() + timedelta(milliseconds=self.behaviour.delay_ms)
        self._plan(shipment, due, attempt=1, is_extra=False)
        for _ in range(self.behaviour.duplicates):
            self._plan(shipment, due, attempt=1, is_extra=True)

    def _shipment(self, event: Json, endpoint: Json) -> Shipment:
        shipment = Shipment(event, endpoint["id"], endpoint["url"])
        self._shipments[event["id"], endpoint["id"]] = shipment
        self._by_event.setdefault(event["id"], []).append(shipment)
        return shipment

    def _plan(self, shipment: Shipment, due: datetime, *, attempt: int, is_extra: bool) -> None:
        self._planned += 1
        heapq.heappush(self._queue, Planned(due, self._planned, shipment, attempt, is_extra))

    def due(self) -> list[Delivery]:
        """Take the deliveries that are due from the queue. Each must be reported with `record`."""
        if self.behaviour.paused:
            return []
        taken = []
        while self._queue and self._queue[0].due <= self._now():
            planned = heapq.heappop(self._queue)
            if delivery := self._delivery(planned):
                taken.append(delivery)
        if self.behaviour.shuffle:
            self._rng.shuffle(taken)
        return taken

    def next_due(self) -> datetime | None:
        """When the next delivery is due; None if none is planned or deliveries are paused."""
        return self._queue[0].due if self._queue and not self.behaviour.paused else None

    def _delivery(self, planned: Planned) -> Delivery | None:
        shipment = planned.shipment
        endpoint = self.endpoints.get(shipment.endpoint_id)
        if endpoint is None or endpoint["status"] != "enabled":
            shipment.state = shipment.state if shipment.state == "delivered" else "given_up"
            return None
        if shipment.state == "delivered" and not planned.is_extra:
            return None  # a duplicate was delivered before this retry was due
        body = self.body_of(shipment.event)
        timestamp = int(self._now().timestamp())
        return Delivery(
            event_id=shipment.event["id"],
            event_type=shipment.event["type"],
            endpoint_id=shipment.endpoint_id,
            url=endpoint["url"],
            attempt=planned.attempt,
            is_extra=planned.is_extra,
            headers=headers_of(body, timestamp, self.secrets[shipment.endpoint_id]),
            body=body,
        )

    def record(self, delivery: Delivery, status: int | None, error: str | None = None) -> None:
        """status: the endpoint's response, or None if it sent none; then `error` says why."""
        shipment = self._shipments.get((delivery.event_id, delivery.endpoint_id))
        if shipment is None:
            return  # the simulator was reset in the meantime
        at = self._now()
        shipment.attempts.append({"at": at.isoformat(), "attempt": delivery.attempt, "status": status, "error": error})
        if status is not None and 200 <= status < 300:
            shipment.state = "delivered"
        elif not delivery.is_extra and shipment.state == "pending":
            self._retry(shipment, at, delivery.attempt)

    def _retry(self, shipment: Shipment, now: datetime, attempt: int) -> None:
        if attempt >= MAX_ATTEMPTS:
            shipment.state = "given_up"
            return
        self._plan(shipment, now + FIRST_PAUSE * 2 ** (attempt - 1), attempt=attempt + 1, is_extra=False)
        self.notify()

    def resend(self, event: Json, endpoint_id: str | None = None) -> int:
        """Send an event again now, also to endpoints that have received it; returns their number."""
        endpoints = [
            endpoint for endpoint in self.endpoints.values()
            if (endpoint["id"] == endpoint_id if endpoint_id else subscribes(endpoint, event["type"]))
        ]  # fmt: skip
        for endpoint in endpoints:
            shipment = self._shipments.get((event["id"], endpoint["id"])) or self._shipment(event, endpoint)
            self._plan(shipment, self._now(), attempt=len(shipment.attempts) + 1, is_extra=True)
        self.notify()
        return len(endpoints)

    def body_of(self, event: Json) -> bytes:
        current = {**event, "pending_webhooks": self.pending(event["id"])}
        return json.dumps(current, indent=2, ensure_ascii=False).encode()

    def pending(self, event_id: str) -> int:
        return sum(shipment.state == "pending" for shipment in self._by_event.get(event_id, []))

    def all_delivered(self, event_id: str) -> bool:
        return all(shipment.state == "delivered" for shipment in self._by_event.get(event_id, []))

    def log(self) -> list[Json]:
        return [shipment.as_json() for shipment in self._shipments.values()]

    def add_endpoint(self, endpoint: Json, secret: str) -> Json:
        self.endpoints[endpoint["id"]] = endpoint
        self.secrets[endpoint["id"]] = secret
        return endpoint

    def notify(self) -> None:
        for listener in self.listeners:
            listener()


def subscribes(endpoint: Json, event_type: str) -> bool:
    enabled = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in enabled or event_type in enabled)


def headers_of(body: bytes, timestamp: int, secret: str) -> dict[str, str]:
    signature = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return {
        "Accept": "*/*; q=0.5, application/xml",
        "Cache-Control": "no-cache",
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": f"t={timestamp},v1={signature}",
        "User-Agent": USER_AGENT,
    }
