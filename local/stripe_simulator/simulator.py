"""The simulated Stripe account: its API, its buyers and banks, and its webhook deliveries.

It opens no sockets, starts no threads, and takes its clock and random numbers as arguments, so that a test or a
simulation can run it in process.
"""

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from local.stripe_simulator.api.events import add_endpoint
from local.stripe_simulator.api.expand import expanded
from local.stripe_simulator.api.faults import Fault
from local.stripe_simulator.api.rest import HttpResponse, RestApi
from local.stripe_simulator.core import checkout, disputes, fraud_warnings, refunds
from local.stripe_simulator.core.errors import Refused, StripeError
from local.stripe_simulator.core.pricing import Terms
from local.stripe_simulator.core.webhooks import Behaviour, Delivery
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects.base import Json, snapshot


class Simulator:
    """Every method may be called from any thread. Amounts are integer minor units."""

    def __init__(
        self, base_url: str, *, now: Callable[[], datetime], rng: random.Random, secret_key: str,
        webhooks: Iterable[tuple[str, str]] = (),
    ) -> None:  # fmt: skip
        """webhooks: pairs of a loopback URL and its signing secret; each receives all types of events.

        With a live key (`sk_live_…`, `rk_live_…`) its objects say `livemode: true`; nothing else differs.
        """
        self._lock = threading.RLock()
        self._world = World(base_url, now, rng, livemode="_live_" in secret_key)
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

    def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """The status, headers and body of the response; raises NoResponse when a timeout fault matches the call."""
        with self._up_to_date():
            return self._api.respond(method, url, headers, body)

    # The buyer

    def session(self, session_id: str) -> Json:
        """The session with its line items, their products and its payment intent, as the pay page needs it."""
        with self._up_to_date() as world:
            session = world.find("checkout.session", session_id)
            return expanded(world, session, ["line_items.data.price.product", "payment_intent"])

    def pay(
        self, session_id: str, *, card: str | None = None, method: str | None = None, three_d_secure: str | None = None,
        tax_minor: int | None = None, discount_minor: int | None = None, promotion_code: str | None = None,
        presentment_currency: str | None = None,
    ) -> Json:  # fmt: skip
        """Pay by a test card's number, or by `alipay` or `wechat_pay`. Returns the outcome:
        succeeded, declined, requires_action (3-D Secure is left open) or processing (settles later).

        The tax, the discount and the currency that the buyer sees are entered first, and stay if the card is declined.
        Where they make the total 0, the order is complete without a payment, and a card is not used.
        """
        terms = Terms(discount_minor, promotion_code, tax_minor, None, presentment_currency)
        with self._up_to_date() as world:
            session = world.find("checkout.session", session_id)
            checkout.enter_terms(world, session, terms)
            if session["amount_total"] == 0:
                return checkout.order_for_free(world, session).as_json()
            if (card is None) == (method is None):
                raise Refused(422, "Give either a card or a method.", "card")
            if card is not None:
                return checkout.pay_by_card(world, session, card, three_d_secure).as_json()
            return checkout.pay_by_delayed_method(world, session, str(method)).as_json()

    def enter(self, session_id: str, terms: Terms) -> Json:
        """The buyer enters a promotion code, a country or a currency on the pay page. Returns the session."""
        with self._up_to_date() as world:
            session = world.find("checkout.session", session_id)
            checkout.enter_terms(world, session, terms)
            return copied(session)

    def country(self, session_id: str) -> str | None:
        """The country that the buyer has entered on the pay page."""
        with self._lock:
            return self._world.countries.get(session_id)

    def document(self, kind: str, object_id: str) -> tuple[Json, Json]:
        """A paid charge or an invoice, and its session as `session` gives it; raises Refused if there is none."""
        with self._up_to_date() as world:
            found = world.find(kind, object_id)
            field, value = ("invoice", object_id) if kind == "invoice" else ("payment_intent", found["payment_intent"])
            sessions = world.select("checkout.session", **{field: value})
            if not sessions or (kind == "charge" and not found["paid"]):
                raise Refused(404, f"No document of {object_id}.")
            return copied(found), self.session(sessions[0]["id"])

    def authenticate(self, session_id: str, *, completed: bool) -> Json:
        """The buyer completes or fails the 3-D Secure challenge that `pay` left open."""
        with self._up_to_date() as world:
            session = world.find("checkout.session", session_id)
            return checkout.authenticate(world, session, completed=completed).as_json()

    def settle(self, session_id: str, outcome: str) -> Json:
        """outcome: succeeded or failed. Settles a payment by a delayed method."""
        with self._up_to_date() as world:
            session = world.find("checkout.session", session_id)
            return checkout.settle(world, session, succeeded=outcome == "succeeded").as_json()

    def expire(self, session_id: str) -> Json:
        with self._up_to_date() as world:
            session = world.find("checkout.session", session_id)
            return copied(checkout.expire(world, session, lambda message: Refused(409, message)))

    # The Dashboard and the banks

    def refund(
        self, intent_id: str, amount: int | None = None, *, pending: bool = False, has_status: bool = True
    ) -> Json:
        """A refund made in the Dashboard, so without metadata. amount: None refunds the rest. has_status: False makes
        one whose status is null until it settles."""
        with self._up_to_date() as world:
            intent = world.find("payment_intent", intent_id)
            pending = pending or world.refunds_start_pending
            try:
                charge = refunds.paid_charge(world, intent)
                refund = refunds.create(
                    world, charge, amount, reason=None, metadata={}, pending=pending, has_status=has_status
                )
            except StripeError as error:
                raise Refused(409, str(error), error.fields["param"], error.fields["code"]) from None
            return copied(refund)

    def fail_refund(self, refund_id: str, reason: str = "unknown") -> Json:
        with self._up_to_date() as world:
            return copied(refunds.fail(world, world.find("refund", refund_id), reason))

    def settle_refund(self, refund_id: str, outcome: str) -> Json:
        """outcome: succeeded or failed. Settles a pending refund."""
        with self._up_to_date() as world:
            refund = world.find("refund", refund_id)
            return copied(refunds.settle(world, refund, succeeded=outcome == "succeeded"))

    def set_refunds(self, *, pending: bool) -> None:
        """pending: whether card refunds start as pending from now on (those of delayed methods always do)."""
        with self._lock:
            self._world.refunds_start_pending = pending

    def dispute(
        self, intent_id: str, *, amount: int | None = None, reason: str = "fraudulent", status: str = "needs_response"
    ) -> Json:
        """status: needs_response opens a chargeback, warning_needs_response an inquiry."""
        with self._up_to_date() as world:
            intent = world.find("payment_intent", intent_id)
            return copied(disputes.open_dispute(world, intent, amount=amount, reason=reason, status=status))

    def update_dispute(self, dispute_id: str, status: str | None = None, *, amount: int | None = None) -> Json:
        """The bank moves on: to a status (under_review, an appeal's, any other text) or to another amount."""
        with self._up_to_date() as world:
            return copied(disputes.update(world, world.find("dispute", dispute_id), status, amount))

    def close_dispute(self, dispute_id: str, status: str, *, case_type: str | None = None, kept: int = 0) -> Json:
        """status: won (the bank keeps `kept` of it), lost or prevented (case_type: block or resolution);
        warning_closed for an inquiry."""
        with self._up_to_date() as world:
            return copied(disputes.close(world, world.find("dispute", dispute_id), status, case_type, kept))

    def warn_of_fraud(self, intent_id: str, fraud_type: str = "unauthorized_use_of_card") -> Json:
        """An early fraud warning of the card's issuer. fraud_type: one of Stripe's."""
        with self._up_to_date() as world:
            return copied(fraud_warnings.warn(world, world.find("payment_intent", intent_id), fraud_type))

    # Webhooks

    def add_webhook(self, url: str, secret: str, enabled_events: Iterable[str] = ("*",)) -> Json:
        """raises StripeError unless the URL is a loopback address."""
        with self._lock:
            params = {"url": url, "enabled_events": list(enabled_events)}
            return copied(add_endpoint(self._world, params, secret)[0])

    def set_event_fields(self, **fields: str) -> None:
        """What every event has from now on besides: `account` or `context`, as events of other accounts have."""
        with self._lock:
            self._world.event_fields = dict(fields)

    @property
    def behaviour(self) -> Behaviour:
        return self._world.webhooks.behaviour

    def set_webhooks(self, behaviour: Behaviour) -> None:
        with self._lock:
            self._world.webhooks.behaviour = behaviour
            self._world.webhooks.notify()

    def due(self) -> list[Delivery]:
        """The deliveries to make now. Report the result of each with `delivered`."""
        with self._up_to_date() as world:
            return world.webhooks.due()

    def next_due(self) -> datetime | None:
        """When the next delivery is due; None if none is planned or deliveries are paused."""
        with self._lock:
            return self._world.webhooks.next_due()

    def delivered(self, delivery: Delivery, status: int | None, error: str | None = None) -> None:
        """status: the endpoint's response, or None if it sent none. Everything but 2xx is retried."""
        with self._lock:
            self._world.webhooks.record(delivery, status, error)

    def deliveries(self) -> list[Json]:
        with self._lock:
            return self._world.webhooks.log()

    def resend(self, event_id: str) -> int:
        """Send an event again to all endpoints subscribed to its type; returns their number."""
        with self._lock:
            return self._world.webhooks.resend(self._world.find("event", event_id))

    def on_deliveries_planned(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener`, from any thread, when there may be more to deliver. Returns its unsubscribe function."""
        with self._lock:
            self._world.webhooks.listeners.append(listener)
        return lambda: self._unsubscribe(listener)

    def _unsubscribe(self, listener: Callable[[], None]) -> None:
        # Listeners are called under the lock, so none is called after this has returned.
        with self._lock:
            self._world.webhooks.listeners.remove(listener)

    # Faults

    @property
    def faults(self) -> list[Fault]:
        with self._lock:
            return list(self._api.faults.pending)

    def set_faults(self, faults: Iterable[Fault]) -> None:
        """The faults for the next matching calls, in this order; they replace the pending ones."""
        with self._lock:
            self._api.faults.pending = list(faults)

    def reset(self) -> None:
        """Forget all objects, keys, faults and deliveries; the webhook endpoints stay."""
        with self._lock:
            self._world.clear()
            self._world.webhooks.behaviour = Behaviour()
            self._api.keys.clear()
            self._api.faults.pending = []


def copied(value: Json) -> Json:
    """A copy for the caller, which later changes do not reach."""
    copy: Json = snapshot(value)
    return copy
