"""What the simulated Stripe has and is called with, and what happens while it answers."""

import json
from collections.abc import Callable
from typing import Any

from local.in_process.environment import STRIPE_SECRET_KEY
from local.in_process.shop import Shop

REFUNDS = "/v1/refunds"


def refunds_at_stripe(shop: Shop) -> list[dict[str, Any]]:
    """The refunds that Stripe has, newest first."""
    headers = {"Authorization": f"Bearer {STRIPE_SECRET_KEY}"}
    status, _, body = shop.simulator.request("GET", f"{REFUNDS}?limit=100", headers, b"")
    assert status == 200
    found: list[dict[str, Any]] = json.loads(body)["data"]
    return found


def calls_of_stripe(shop: Shop) -> list[str]:
    """The calls of Stripe's API from now on ("POST /v1/refunds"); the list grows with each."""
    calls: list[str] = []
    carry_out = shop.simulator.request

    def counted(method: str, url: str, *rest: Any) -> Any:
        calls.append(f"{method.upper()} {url}")
        return carry_out(method, url, *rest)

    shop.simulator.request = counted  # type: ignore[method-assign, assignment]
    return calls


def after_stripe_answers(shop: Shop, action: Callable[[], object]) -> None:
    """Run `action` when Stripe has carried out the next call, before our code sees the response."""
    carry_out = shop.simulator.request

    def then_act(*call: Any) -> Any:
        response = carry_out(*call)
        shop.simulator.request = carry_out  # type: ignore[method-assign]
        action()
        return response

    shop.simulator.request = then_act  # type: ignore[method-assign, assignment]
