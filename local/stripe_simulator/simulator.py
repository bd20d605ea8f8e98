"""The simulated Stripe account: its API, its buyers and banks, and the webhooks that wait to be delivered.

No sockets, no threads, no clock and no chance of its own, so that a test or a simulation can drive it in process.
"""

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from local.stripe_simulator.api.events import add_endpoint
from local.stripe_simulator.api.expand import expanded
from local.stripe_simulator.api.faults import Fault
from local.stripe_simulator.api.rest import Reply, RestApi
from local.stripe_simulator.core import checkout, disputes, refunds
from local.stripe_simulator.core.errors import Refused, StripeError
from local.stripe_simulator.core.webhooks import Behaviour, Delivery
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects.base import Json, snapshot


class Simulator:
    """Every method may be called from any thread. Amounts are integer minor units."""

    def __init__(
        self, base_url: str, *, now: Callable[[], datetime], rng: random.Random, secret_key: str,
        webhooks: Iterable[tuple[str, str]] = (),
    ) -> None:  # fmt: skip
        """webhooks: pairs of a loopback URL and its signing secret, for all types of events."""
        self._lock = threading.RLock()
        self._world = World(base_url, now, rng)
        self._api = RestApi(self._world, secret_key)
        for url, secret in webhooks:
            self.add_webhook(url, secret)

    @property
    def base_url(self) -> str:
        return self._world.base_url

    def now(self) -> datetime:
        return self._world.now()

    @contextmanager
    def _up_to_date(self) -> Iterator[World]:
        with self._lock:
            checkout.expire_due(self._world)
            yield self._world

    # The API

    def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The status, headers and body of the answer; raises Unanswered when a fault says that none comes."""
        with self._up_to_date():
            return self._api.answer(method, url, headers, body)

    # The buyer

    def session(self, session_id: str) -> Json:
        """The session as the pay page needs it: with its line items, their products and the payment intent."""
        with self._up_to_date() as world:
            session = world.find("checkout.session", session_id)
            return expanded(world, session, ["line_items.data.price.product", "payment_intent"])

    def pay(
        self, session_id: str, *, card: str | None = None, method: str | None = None, three_d_secure: str | None = None
    ) -> Json:
        """By the number of a test card, or by `alipay` or `wechat_pay`. Answers with the outcome:
        succeeded, declined, requires_action (a 3-D Secure challenge left open) or processing (settles later)."""
        with self._up_to_date() as world:
            session = world.find("checkout.session", session_id)
            if (card is None) == (method is None):
                raise Refused(422, "Say either which card or which method.", "card")
            if card is not None:
                return checkout.pay_by_card(world, session, card, three_d_secure).as_json()
            return checkout.pay_later(world, session, str(method)).as_json()

    def authenticate(self, session_id: str, *, completed: bool) -> Json:
        """The buyer ends the 3-D Secure challenge that `pay` left open."""
        with self._up_to_date() as world:
            session = world.find("checkout.session", session_id)
            return checkout.authenticate(world, session, completed=completed).as_json()

    def settle(self, session_id: str, outcome: str) -> Json:
        """outcome: succeeded or failed, what became of a late method."""
        with self._up_to_date() as world:
            session = world.find("checkout.session", session_id)
            return checkout.settle(world, session, succeeded=outcome == "succeeded").as_json()

    def expire(self, session_id: str) -> Json:
        with self._up_to_date() as world:
            session = world.find("checkout.session", session_id)
            return copied(checkout.expire(world, session, lambda message: Refused(409, message)))

    # The Dashboard and the banks

    def refund(self, intent_id: str, amount: int | None = None, *, pending: bool = False) -> Json:
        """A refund made in the Dashboard: no metadata. amount: None is all that is left."""
        with self._up_to_date() as world:
            intent = world.find("payment_intent", intent_id)
            pending = pending or world.refunds_start_pending
            try:
                charge = refunds.paid_charge(world, intent)
                made = refunds.refund(world, charge, amount, reason=None, metadata={}, pending=pending)
            except StripeError as error:
                raise Refused(409, str(error), error.fields["param"], error.fields["code"]) from None
            return copied(made)

    def fail_refund(self, refund_id: str, reason: str = "unknown") -> Json:
        with self._up_to_date() as world:
            return copied(refunds.fail(world, world.find("refund", refund_id), reason))

    def settle_refund(self, refund_id: str, outcome: str) -> Json:
        """outcome: succeeded or failed, what became of a pending refund."""
        with self._up_to_date() as world:
            made = world.find("refund", refund_id)
            return copied(refunds.settle(world, made, succeeded=outcome == "succeeded"))

    def set_refunds(self, *, pending: bool) -> None:
        """Whether refunds of cards start as pending from now on (those of late methods always do)."""
        with self._lock:
            self._world.refunds_start_pending = pending

    def dispute(
        self, intent_id: str, *, amount: int | None = None, reason: str = "fraudulent", status: str = "needs_response"
    ) -> Json:
        """status: needs_response is a chargeback, warning_needs_response an inquiry."""
        with self._up_to_date() as world:
            intent = world.find("payment_intent", intent_id)
            return copied(disputes.open_dispute(world, intent, amount=amount, reason=reason, status=status))

    def close_dispute(self, dispute_id: str, status: str) -> Json:
        """status: won or lost; warning_closed for an inquiry."""
        with self._up_to_date() as world:
            return copied(disputes.close(world, world.find("dispute", dispute_id), status))

    # Webhooks

    def add_webhook(self, url: str, secret: str, enabled_events: Iterable[str] = ("*",)) -> Json:
        """raises StripeError unless the URL is on this computer."""
        with self._lock:
            params = {"url": url, "enabled_events": list(enabled_events)}
            return copied(add_endpoint(self._world, params, secret)[0])

    @property
    def behaviour(self) -> Behaviour:
        return self._world.webhooks.behaviour

    def set_webhooks(self, behaviour: Behaviour) -> None:
        with self._lock:
            self._world.webhooks.behaviour = behaviour
            self._world.webhooks.notify()

    def due(self) -> list[Delivery]:
        """The deliveries to make now. Report what became of each with `delivered`."""
        with self._up_to_date() as world:
            return world.webhooks.due()

    def next_due(self) -> datetime | None:
        """When the next delivery is due; None while nothing waits or deliveries are paused."""
        with self._lock:
            return self._world.webhooks.next_due()

    def delivered(self, delivery: Delivery, status: int | None, error: str | None = None) -> None:
        """status: what the endpoint answered, or None if it could not be asked. All but 2xx are tried again."""
        with self._lock:
            self._world.webhooks.record(delivery, status, error)

    def deliveries(self) -> list[Json]:
        with self._lock:
            return self._world.webhooks.log()

    def resend(self, event_id: str) -> int:
        """Send an event again to all endpoints that want it; how many those are."""
        with self._lock:
            return self._world.webhooks.resend(self._world.find("event", event_id))

    def on_deliveries_planned(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener`, from any thread, when there may be more to deliver; the result unsubscribes it."""
        with self._lock:
            self._world.webhooks.listeners.append(listener)
        return lambda: self._unsubscribe(listener)

    def _unsubscribe(self, listener: Callable[[], None]) -> None:
        # Listeners are called under the lock, so that none is called any more once this has returned.
        with self._lock:
            self._world.webhooks.listeners.remove(listener)

    # Faults

    @property
    def faults(self) -> list[Fault]:
        with self._lock:
            return list(self._api.faults.pending)

    def set_faults(self, faults: Iterable[Fault]) -> None:
        """The next calls that fail, in this order; they replace those that were pending."""
        with self._lock:
            self._api.faults.pending = list(faults)

    def reset(self) -> None:
        """Forget all objects, keys, faults and deliveries; the webhook endpoints stay."""
        with self._lock:
            self._world.clear()
            self._world.webhooks.behaviour = Behaviour()
            self._api.keys.forget()
            self._api.faults.pending = []


def copied(made: Json) -> Json:
    """What the caller may keep: later changes do not show in it."""
    copy: Json = snapshot(made)
    return copy
