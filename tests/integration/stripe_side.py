"""What the simulated Stripe has and is called with, and what happens while it answers."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from local.in_process.api import load_handler
from local.in_process.environment import STRIPE_SECRET_KEY
from local.in_process.shop import Shop
from local.stripe_simulator.core.errors import NoResponse

REFUNDS = "/v1/refunds"


def refunds_at_stripe(shop: Shop) -> list[dict[str, Any]]:
    """The refunds that Stripe has, newest first."""
    headers = {"Authorization": f"Bearer {os.environ['STRIPE_SECRET_KEY']}"}
    status, _, body = shop.simulator.request("GET", f"{REFUNDS}?limit=100", headers, b"")
    assert status == 200
    found: list[dict[str, Any]] = json.loads(body)["data"]
    return found


def set_order(shop: Shop, payment_id: str, **fields: dict[str, str]) -> None:
    """Change the stored order by hand."""
    shop.dynamodb.client.update_item(
        TableName=shop.dynamodb.orders_table,
        Key={"payment_id": {"S": payment_id}, "record": {"S": "ORDER"}},
        UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in fields),
        ExpressionAttributeValues={f":{name}": value for name, value in fields.items()},
    )


def quarantined(shop: Shop, price_minor: int = 20_000) -> tuple[str, str]:
    """A payment of 100.00 CNY, quarantined since its order's price is another one; its id and its intent."""
    payment = shop.create()
    set_order(shop, payment["payment_id"], amount_minor={"N": str(price_minor)})
    intent = shop.pay(payment)
    shop.deliver()
    assert shop.payment(payment["payment_id"])["under_review"] is True
    return payment["payment_id"], intent


def opened_again(shop: Shop, session_id: str) -> str:
    """Another session of the same attempt of an order, which somebody has made by hand; its id."""
    session = shop.simulator.session(session_id)
    wanted = {
        "mode": "payment",
        "client_reference_id": session["client_reference_id"],
        "success_url": "https://shop.example",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": session["currency"],
        "line_items[0][price_data][unit_amount]": str(session["amount_subtotal"]),
        "line_items[0][price_data][product_data][name]": "the same again",
    }
    for name, text in session["metadata"].items():
        wanted |= {f"metadata[{name}]": text, f"payment_intent_data[metadata][{name}]": text}
    headers = {"Authorization": f"Bearer {STRIPE_SECRET_KEY}"}
    status, _, body = shop.simulator.request("POST", "/v1/checkout/sessions", headers, urlencode(wanted).encode())
    assert status == 200, body
    return str(json.loads(body)["id"])


def charge_of(shop: Shop, intent_id: str) -> str:
    """The charge of a payment intent that was paid."""
    headers = {"Authorization": f"Bearer {STRIPE_SECRET_KEY}"}
    status, _, body = shop.simulator.request("GET", f"/v1/payment_intents/{intent_id}", headers, b"")
    assert status == 200
    return str(json.loads(body)["latest_charge"])


def calls_of_stripe(shop: Shop) -> list[str]:
    """The calls of Stripe's API from now on ("POST /v1/refunds"); the list grows with each."""
    calls: list[str] = []
    carry_out = shop.simulator.request

    def counted(method: str, url: str, *rest: Any) -> Any:
        calls.append(f"{method.upper()} {url}")
        return carry_out(method, url, *rest)

    shop.simulator.request = counted  # type: ignore[method-assign, assignment]
    return calls


def keys_at_stripe(shop: Shop) -> list[str]:
    """The idempotency keys of the refunds that Stripe is asked for from now on; the list grows with each."""
    keys: list[str] = []
    carry_out = shop.simulator.request

    def noted(method: str, url: str, headers: Mapping[str, str], *rest: Any) -> Any:
        if (method.upper(), urlsplit(url).path) == ("POST", REFUNDS):
            keys.append(headers["Idempotency-Key"])
        return carry_out(method, url, headers, *rest)

    shop.simulator.request = noted  # type: ignore[method-assign, assignment]
    return keys


def hold_refund(shop: Shop) -> list[Callable[[], object]]:
    """Let Stripe's answer to the next refund get lost; it is only carried out when the test calls what is returned."""
    held: list[Callable[[], object]] = []
    carry_out = shop.simulator.request

    def hold(method: str, url: str, *rest: Any) -> Any:
        if (method.upper(), urlsplit(url).path) != ("POST", REFUNDS):
            return carry_out(method, url, *rest)
        shop.simulator.request = carry_out  # type: ignore[method-assign]
        held.append(lambda: carry_out(method, url, *rest))
        raise NoResponse

    shop.simulator.request = hold  # type: ignore[method-assign, assignment]
    return held


def after_stripe_answers(shop: Shop, action: Callable[[], object], path: str = "/v1/") -> None:
    """Run `action` when Stripe has carried out the next call below this path, before our code sees the response."""
    carry_out = shop.simulator.request

    def then_act(method: str, url: str, *rest: Any) -> Any:
        response = carry_out(method, url, *rest)
        if not urlsplit(url).path.startswith(path):
            return response
        shop.simulator.request = carry_out  # type: ignore[method-assign]
        action()
        return response

    shop.simulator.request = then_act  # type: ignore[method-assign, assignment]


def stripe_refuses(shop: Shop, status: int, *, is_made: bool = False, **error: Any) -> None:
    """Stripe refuses the next refund that it is asked for; `is_made`: it has made the refund nevertheless."""
    carry_out = shop.simulator.request

    def refuse(method: str, url: str, *rest: Any) -> Any:
        if (method.upper(), urlsplit(url).path) != ("POST", REFUNDS):
            return carry_out(method, url, *rest)
        shop.simulator.request = carry_out  # type: ignore[method-assign]
        if is_made:
            carry_out(method, url, *rest)
        problem = {"type": "invalid_request_error", "message": "no", **error}
        return status, {}, json.dumps({"error": problem}).encode()

    shop.simulator.request = refuse  # type: ignore[method-assign, assignment]


def while_stripe_is_asked_for_a_refund(shop: Shop, action: Callable[[], object]) -> None:
    """Run `action` before Stripe carries out the next refund that it is asked for."""
    carry_out = shop.simulator.request

    def overtaken(method: str, url: str, *rest: Any) -> Any:
        if (method.upper(), urlsplit(url).path) == ("POST", REFUNDS):
            shop.simulator.request = carry_out  # type: ignore[method-assign]
            action()
        return carry_out(method, url, *rest)

    shop.simulator.request = overtaken  # type: ignore[method-assign, assignment]


def stripe_says(shop: Shop, method: str, **changes: Any) -> None:
    """Change these fields of every refund in Stripe's next response to this method; Stripe itself has them right."""
    carry_out = shop.simulator.request

    def respond(called: str, url: str, *rest: Any) -> Any:
        status, headers, body = carry_out(called, url, *rest)
        if (called.upper(), urlsplit(url).path) != (method, REFUNDS):
            return status, headers, body
        shop.simulator.request = carry_out  # type: ignore[method-assign]
        answer = json.loads(body)
        changed = (
            {**answer, "data": [one | changes for one in answer["data"]]} if "data" in answer else answer | changes
        )
        return status, headers, json.dumps(changed).encode()

    shop.simulator.request = respond  # type: ignore[method-assign, assignment]


def switch_endpoints(shop: Shop, *, on: bool) -> None:
    """Enable or disable all webhook endpoints: what happens while none is enabled, Stripe never tries to deliver."""
    headers = {"Authorization": f"Bearer {STRIPE_SECRET_KEY}"}
    _, _, body = shop.simulator.request("GET", "/v1/webhook_endpoints", headers, b"")
    for endpoint in json.loads(body)["data"]:
        change = b"disabled=false" if on else b"disabled=true"
        status, _, _ = shop.simulator.request("POST", f"/v1/webhook_endpoints/{endpoint['id']}", headers, change)
        assert status == 200


def reconcile_slowly(shop: Shop, seconds: float, **event: Any) -> dict[str, Any]:
    """A run of so many seconds, where each call of Stripe takes 0.3 s and each of DynamoDB 10 ms."""
    calls, operations = calls_of_stripe(shop), len(shop.dynamodb.operations)

    class Context:
        def get_remaining_time_in_millis(self) -> float:
            spent = 0.3 * len(calls) + 0.01 * (len(shop.dynamodb.operations) - operations)
            return 1000 * (30 + seconds - spent)

    with shop.dynamodb.acting_as("reconcile"):
        return load_handler("reconcile")({"time": shop.now.isoformat(), **event}, Context())


def foreign_payment(shop: Shop, metadata: Mapping[str, str] | None = None) -> str:
    """A payment of another system in the same account, which may say anything of itself; its payment intent."""
    headers = {"Authorization": f"Bearer {STRIPE_SECRET_KEY}"}
    wanted = {"amount": "1000", "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa"}
    wanted |= {f"metadata[{name}]": text for name, text in (metadata or {}).items()}
    status, _, body = shop.simulator.request("POST", "/v1/payment_intents", headers, urlencode(wanted).encode())
    assert status == 200
    return str(json.loads(body)["id"])


def undelivered_event(shop: Shop, event_type: str, **fields: Any) -> str:
    """An event about an object that Stripe does not have, of another system unless the fields say otherwise; its id."""
    world = shop.simulator._world
    about = {"id": world.ids.new("xx"), "created": world.timestamp, "metadata": {}, "payment_intent": "pi_foreign"}
    return str(world.emit(event_type, about | fields)["id"])
