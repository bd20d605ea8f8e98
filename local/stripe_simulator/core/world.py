"""The data of the simulated account, and the events that report its changes."""

import random
from collections.abc import Callable
from datetime import datetime

from local.stripe_simulator.core.errors import Refused, StripeError, resource_missing
from local.stripe_simulator.core.ids import Ids
from local.stripe_simulator.core.webhooks import Webhooks
from local.stripe_simulator.objects.base import Json, snapshot, words
from local.stripe_simulator.objects.event import event as event_object

NO_REQUEST: Json = {"id": None, "idempotency_key": None}
KINDS = words(
    "checkout.session payment_intent payment_method charge refund dispute invoice radar.early_fraud_warning event "
    "product price"
)

# The parameter named by Stripe's "No such …" errors, where it is not `id`.
PARAM_OF = {
    "payment_intent": "intent",
    "checkout.session": "session",
    "payment_method": "payment_method",
    "invoice": "invoice",
}


class World:
    def __init__(
        self, base_url: str, now: Callable[[], datetime], rng: random.Random, *, livemode: bool = False
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.livemode = livemode
        self.now = now
        self.ids = Ids(rng)
        self.webhooks = Webhooks(now, rng)
        self.request = NO_REQUEST
        self.clear()

    def clear(self) -> None:
        self.tables: dict[str, dict[str, Json]] = {kind: {} for kind in KINDS}
        self.line_items: dict[str, list[Json]] = {}  # by session
        self.intent_data: dict[str, Json] = {}  # by session: the parameters of its payment intent
        self.countries: dict[str, str] = {}  # by session: where the buyer says to live
        self.expiries: list[tuple[int, str]] = []  # a heap of expires_at and session
        self.card_numbers: dict[str, str] = {}  # by payment method
        self.refunds_start_pending = False
        self.event_fields: Json = {}  # what every event has besides: the account or context that it comes from
        self.webhooks.clear()

    @property
    def timestamp(self) -> int:
        return int(self.now().timestamp())

    def add(self, new: Json) -> Json:
        if "livemode" in new:
            new["livemode"] = self.livemode
        self.tables[new["object"]][new["id"]] = new
        return new

    def get(self, kind: str, object_id: str) -> Json:
        """raises StripeError, a 404, if there is none."""
        if found := self.tables[kind].get(object_id):
            return found
        raise resource_missing(kind, object_id, PARAM_OF.get(kind, "id"))

    def find(self, kind: str, object_id: str) -> Json:
        """raises Refused, a 404, if there is none."""
        try:
            return self.get(kind, object_id)
        except StripeError as error:
            raise Refused(404, str(error)) from None

    def select(self, kind: str, **fields: str) -> list[Json]:
        """The objects with these field values, oldest first."""
        return [one for one in self.tables[kind].values() if all(one[k] == v for k, v in fields.items())]

    def change(self, changed: Json, **fields: object) -> Json:
        """Set fields; returns the previous values of those that changed: an event's `previous_attributes`."""
        previous = {name: changed.get(name) for name, value in fields.items() if changed.get(name) != value}
        changed.update(fields)
        return previous

    def emit(self, event_type: str, about: Json, previous: Json | None = None) -> Json:
        data = {"object": snapshot(about)}
        if previous is not None:
            data["previous_attributes"] = snapshot(previous)
        event = event_object(
            self.ids.new("evt"), now=self.timestamp, event_type=event_type, data=data, request=dict(self.request)
        )
        event.update(self.event_fields)
        self.add(event)
        self.webhooks.publish(event)
        return event
