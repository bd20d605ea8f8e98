"""What has happened in the shop of the pictures: purchases, spends, a gift, a hold, refunds, and what waits."""

from collections.abc import Mapping

from local.client import Client, Json, document, poll, session_of

USER = "alice@shop.example"
DAY = 86_400  # seconds


def history(client: Client) -> Json:
    """A customer's two weeks; the payment of which a part was refunded."""
    bought(client, "standard")
    client.local.move_clock(9 * DAY)
    payment = bought(client, "value")
    client.local.move_clock(2 * DAY)
    document(client.api.grant(USER, 70, "Thanks for the bug report", "pictures-grant", body={"expires_at": None}), 201)
    for key, (credits, description) in enumerate(
        [(120, "Summary of a report"), (800, "Translation of 40 pages"), (300, "Images for a leaflet")]
    ):
        document(client.api.spend(USER, credits, description, f"pictures-{key}"))
        client.local.move_clock(0.4 * DAY)
    document(client.api.open_hold(USER, 200, "Chat about a contract", "pictures-hold"), 201)
    document(client.api.refund(payment, 25, "pictures-refund"))
    return payment


def bought(client: Client, package: str, user: str = USER) -> Json:
    """A paid payment, whose credits have come."""
    payment: Json = document(client.api.create(user, package))
    client.stripe.pay(payment)
    _wait_for(client, payment, "succeeded")
    return payment


def waiting(client: Client) -> Json:
    """A payment that the bank has not confirmed."""
    payment: Json = document(client.api.create("ben@shop.example", "trial"))
    client.stripe.pay(payment, method="alipay")
    _wait_for(client, payment, "processing")
    return payment


def disputed(client: Client, user: str = "dora@shop.example") -> Json:
    """A paid payment that its card holder disputes."""
    payment = bought(client, "premium", user)
    client.stripe.dispute(client.stripe.intent_of(payment))
    poll(lambda: seen(client, payment), lambda one: bool(one.get("disputes")), "the payment is disputed")
    return payment


def quarantined(client: Client, user: str = "carla@shop.example") -> Json:
    """A payment of half the price, in a Checkout Session for this order that is not the one that we opened."""
    payment: Json = document(client.api.create(user, "standard"))
    _pay_elsewhere(client, payment, share=0.5)
    return payment


def paid_again(client: Client, user: str, times: int = 1) -> Json:
    """A paid payment, and so many times more all of its price, in other Checkout Sessions."""
    payment = bought(client, "standard", user)
    for _ in range(times):
        _pay_elsewhere(client, payment, share=1)
    return payment


def _pay_elsewhere(client: Client, payment: Json, share: float) -> None:
    ours = client.stripe.read(f"/checkout/sessions/{session_of(payment)}")
    form = {
        "mode": "payment",
        "client_reference_id": ours["client_reference_id"],
        "success_url": "https://shop.example/",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": ours["currency"],
        "line_items[0][price_data][unit_amount]": str(int(ours["amount_total"] * share)),
        "line_items[0][price_data][product_data][name]": "A package",
        **{f"metadata[{name}]": value for name, value in ours["metadata"].items()},
        **{f"payment_intent_data[metadata][{name}]": value for name, value in ours["metadata"].items()},
    }
    headers = {"authorization": f"Bearer {client.stripe.secret_key}"}
    response = client.stripe.send("POST", f"{client.stripe.url}/v1/checkout/sessions", data=form, headers=headers)
    client.stripe.pay({"payment_url": document(response)["url"]})
    poll(lambda: seen(client, payment), lambda one: bool(one["quarantine_reason"]), "the payment is quarantined")


def seen(client: Client, payment: Mapping[str, str]) -> Json:
    """The payment as an administrator sees it."""
    address = f"{client.api.url}/api/payments/{payment['payment_id']}"
    return document(client.api.send("GET", address, headers=client.credentials.admin()))


def _wait_for(client: Client, payment: Mapping[str, str], status: str) -> None:
    poll(lambda: seen(client, payment)["status"], lambda one: one == status, f"the payment is {status}")
