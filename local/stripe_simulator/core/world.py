"""Everything that the simulated account holds, and the events that tell of its changes."""

import random
from collections.abc import Callable
from datetime import datetime

from local.stripe_simulator.core.errors import Refused, StripeError, resource_missing
from local.stripe_simulator.core.ids import Ids
from local.stripe_simulator.core.webhooks import Webhooks
from local.stripe_simulator.objects.base import Json, snapshot, words
from local.stripe_simulator.objects.event import event as event_object

NO_CAUSE: Json = {"id": None, "idempotency_key": None}
KINDS = words("checkout.session payment_intent payment_method charge refund dispute event product price")

# The parameter that Stripe's "No such …" names, where it is not `id`.
PARAM_OF = {"payment_intent": "intent", "checkout.session": "session", "payment_method": "payment_method"}


class World:
    def __init__(self, base_url: str, now: Callable[[], datetime], rng: random.Random) -> None:
        self.base_url = base_url.rstrip("/")
        self.now = now
        self.ids = Ids(rng)
        self.webhooks = Webhooks(now, rng)
        self.cause = NO_CAUSE
        self.clear()

    def clear(self) -> None:
        self.tables: dict[str, dict[str, Json]] = {kind: {} for kind in KINDS}
        self.line_items: dict[str, list[Json]] = {}  # by session
        self.intent_data: dict[str, Json] = {}  # by session: what its payment intent will be made with
        self.expiries: list[tuple[int, str]] = []  # a heap of expires_at and session
        self.card_numbers: dict[str, str] = {}  # by payment method
        self.refunds_start_pending = False
        self.webhooks.forget()

    @property
    def timestamp(self) -> int:
        return int(self.now().timestamp())

    def add(self, made: Json) -> Json:
        self.tables[made["object"]][made["id"]] = made
        return made

    def get(self, kind: str, object_id: str) -> Json:
        """raises StripeError, a 404, where there is none."""
        if found := self.tables[kind].get(object_id):
            return found
        raise resource_missing(kind, object_id, PARAM_OF.get(kind, "id"))

    def find(self, kind: str, object_id: str) -> Json:
        """raises Refused, a control's 404."""
        try:
            return self.get(kind, object_id)
        except StripeError as error:
            raise Refused(404, str(error)) from None

    def of(self, kind: str, **fields: str) -> list[Json]:
        """Objects whose fields have these values, oldest first."""
        return [made for made in self.tables[kind].values() if all(made[k] == v for k, v in fields.items())]

    def change(self, changed: Json, **fields: object) -> Json:
        """Set fields; the previous values of those that changed, as an event's `previous_attributes`."""
        previous = {name: changed.get(name) for name, value in fields.items() if changed.get(name) != value}
        changed.update(fields)
        return previous

    def emit(self, event_type: str, about: Json, previous: Json | None = None) -> Json:
        data = {"object": snapshot(about)}
        if previous is not None:
            data["previous_attributes"] = snapshot(previous)
        made = event_object(
            self.ids.new("evt"), now=self.timestamp, event_type=event_type, data=data, cause=dict(self.cause)
        )
        self.add(made)
        self.webhooks.publish(made)
        return made
