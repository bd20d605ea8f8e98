"""The simulator over HTTP: REST API, pay page, controls, and deliveries."""

import asyncio
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

import httpx
import pytest
import stripe
import uvicorn
from starlette.routing import Route

from local import ROOT
from local.stripe_simulator import Simulator
from local.stripe_simulator.app import create_app
from local.stripe_simulator.bodies import Pay
from local.stripe_simulator.core.cards import TEST_CARDS
from local.stripe_simulator.core.pricing import DOLLARS, PROMOTION_CODES, TAX_RATES
from local.stripe_simulator.page.texts import CHINESE, ENGLISH, OTHER_ERROR_IN_CHINESE, error_text, texts_for
from tests.support.stripe_simulator import (
    DECLINED,
    SECRET_KEY,
    SUCCEEDS,
    THREE_D_SECURE,
    WEBHOOK_SECRET,
    line_item,
    session_params,
)

TIMEOUT = 60.0  # seconds; reached only if something is wrong


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.01)


class Receiver:
    """A webhook endpoint that keeps what it receives, and responds with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.barrier: threading.Barrier | None = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if receiver.barrier:
                    receiver.barrier.wait(TIMEOUT)
                receiver.received.append((dict(self.headers), body))
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def events(self) -> list[stripe.Event]:
        return [
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], WEBHOOK_SECRET)
            for headers, body in self.received
        ]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    endpoint = Receiver()
    thread = threading.Thread(target=endpoint.server.serve_forever, args=(0.01,))
    thread.start()
    yield endpoint
    endpoint.server.shutdown()
    thread.join(TIMEOUT)
    endpoint.server.server_close()


@pytest.fixture
def site(receiver: Receiver) -> Iterator[httpx.Client]:
    """A client of a running simulator that delivers to the receiver."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        simulator = Simulator(
            url,
            now=lambda: datetime.now(UTC),
            rng=Random(1),
            secret_key=SECRET_KEY,
            webhooks=[(receiver.url, WEBHOOK_SECRET)],
        )
        config = uvicorn.Config(create_app(simulator, hang_seconds=0.5), log_level="critical", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        eventually(lambda: server.started)
        with httpx.Client(base_url=url, trust_env=False, timeout=TIMEOUT) as client:
            yield client
        server.should_exit = True
        thread.join(TIMEOUT)
        assert not thread.is_alive()


def client_of(site: httpx.Client) -> stripe.StripeClient:
    return stripe.StripeClient(
        SECRET_KEY, base_addresses={"api": str(site.base_url).rstrip("/")}, max_network_retries=0
    )


def new_session(site: httpx.Client, **changes: Any) -> stripe.checkout.Session:
    params: Any = session_params(**changes)
    return client_of(site).v1.checkout.sessions.create(params)


def test_the_official_client_works_over_http(site: httpx.Client) -> None:
    session = new_session(site)

    assert session.last_response
    assert str(session.last_response.request_id).startswith("req_")
    read = client_of(site).v1.checkout.sessions.retrieve(session.id)
    assert read.url == session.url
    assert str(read.url).startswith(f"{str(site.base_url).rstrip('/')}/c/pay/{session.id}#")


def test_a_payment_reaches_the_webhook_as_signed_events(site: httpx.Client, receiver: Receiver) -> None:
    session = new_session(site)
    paid = site.post(f"/_sim/checkout/{session.id}/pay", json={"card": SUCCEEDS}).json()

    assert (paid["outcome"], paid["payment_status"]) == ("succeeded", "paid")
    eventually(lambda: len(receiver.received) == 4)
    completed = next(event for event in receiver.events() if event.type == "checkout.session.completed")
    assert completed.data.object["id"] == session.id
    assert receiver.received[0][0]["User-Agent"].startswith("Stripe/1.0 ")


def test_a_failed_delivery_is_retried_and_the_log_has_both_attempts(site: httpx.Client, receiver: Receiver) -> None:
    receiver.status = 500
    session = new_session(site)
    site.post(f"/_sim/checkout/{session.id}/expire")
    eventually(lambda: len(receiver.received) == 1)
    receiver.status = 200

    eventually(lambda: bool(log(site)[0]["delivered"]))
    assert [attempt["status"] for attempt in log(site)[0]["attempts"]] == [500, 200]


def log(site: httpx.Client) -> list[dict[str, Any]]:
    deliveries: list[dict[str, Any]] = site.get("/_sim/deliveries").json()["deliveries"]
    return deliveries


def test_duplicates_arrive_at_the_same_time(site: httpx.Client, receiver: Receiver) -> None:
    receiver.barrier = threading.Barrier(6)  # no delivery gets a response before all six have arrived
    site.put("/_sim/webhooks", json={"duplicates": 5})
    site.post(f"/_sim/checkout/{new_session(site).id}/expire")

    eventually(lambda: len(receiver.received) == 6)
    assert len({event.id for event in receiver.events()}) == 1


def test_paused_webhooks_are_delivered_when_resumed(site: httpx.Client, receiver: Receiver) -> None:
    assert site.put("/_sim/webhooks", json={"paused": True}).json()["paused"] is True
    site.post(f"/_sim/checkout/{new_session(site).id}/expire")

    assert log(site)[0]["state"] == "pending"
    site.put("/_sim/webhooks", json={})
    eventually(lambda: len(receiver.received) == 1)


def test_an_event_can_be_resent(site: httpx.Client, receiver: Receiver) -> None:
    site.post(f"/_sim/checkout/{new_session(site).id}/expire")
    eventually(lambda: len(log(site)) == 1 and log(site)[0]["delivered"])
    event = log(site)[0]["event"]

    assert site.post(f"/_sim/events/{event}/resend").json() == {"event": event, "endpoints": 1}
    eventually(lambda: len(receiver.received) == 2)
    assert site.post("/_sim/events/evt_none/resend").status_code == 404


def test_a_timeout_fault_leaves_the_client_without_a_response(site: httpx.Client) -> None:
    fault = {"path": "/v1/checkout/sessions", "do": "timeout_after", "method": "POST"}
    assert site.put("/_sim/faults", json={"next": [fault]}).json() == {"next": [fault]}
    with pytest.raises(stripe.APIConnectionError):
        new_session(site)

    assert site.get("/_sim/faults").json() == {"next": []}
    assert len(client_of(site).v1.checkout.sessions.list().data) == 1


def test_a_client_that_disconnects_first_ends_the_wait(site: httpx.Client) -> None:
    site.put("/_sim/faults", json={"next": [{"path": "/v1/events", "do": "timeout_before"}]})
    with pytest.raises(httpx.ReadTimeout):
        site.get("/v1/events", auth=(SECRET_KEY, ""), timeout=0.05)

    assert site.get("/v1/events", auth=(SECRET_KEY, "")).status_code == 200


def test_the_controls_act_as_dashboard_and_bank(site: httpx.Client) -> None:
    session = new_session(site)
    intent = site.post(f"/_sim/checkout/{session.id}/pay", json={"card": SUCCEEDS}).json()["payment_intent"]

    refund = site.post(f"/_sim/payment_intents/{intent}/refund", json={"amount": 2500}).json()
    assert (refund["object"], refund["amount"], refund["metadata"]) == ("refund", 2500, {})
    assert site.post(f"/_sim/refunds/{refund['id']}/fail").json()["status"] == "failed"
    pending = site.post(f"/_sim/payment_intents/{intent}/refund", json={"amount": 100, "pending": True}).json()
    settled = site.post(f"/_sim/refunds/{pending['id']}/settle", json={"outcome": "succeeded"})
    assert settled.json()["status"] == "succeeded"
    dispute = site.post(f"/_sim/payment_intents/{intent}/dispute", json={"amount": 500, "reason": "general"}).json()
    assert (dispute["amount"], dispute["reason"]) == (500, "general")
    moved_on = site.post(f"/_sim/disputes/{dispute['id']}/update", json={"status": "under_review", "amount": 600})
    assert (moved_on.json()["status"], moved_on.json()["amount"]) == ("under_review", 600)
    closed = site.post(f"/_sim/disputes/{dispute['id']}/close", json={"status": "won"})
    assert closed.json()["status"] == "won"
    assert site.post(f"/_sim/payment_intents/{intent}/early_fraud_warning").json()["charge"] == dispute["charge"]
    assert site.put("/_sim/event_fields", json={"context": "acct_2"}).json() == {"context": "acct_2"}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/_sim/checkout/{session}/pay", {"card": SUCCEEDS, "tax_minor": -1}, "tax_minor"),
        ("/_sim/checkout/{session}/pay", {"card": SUCCEEDS, "discount_minor": 1.5}, "discount_minor"),
        ("/_sim/checkout/{session}/pay", {"card": SUCCEEDS, "presentment_currency": "EUR"}, "presentment_currency"),
        ("/_sim/checkout/{session}/pay", {"card": SUCCEEDS, "method": "alipay"}, None),
        ("/_sim/checkout/{session}/pay", {"card": 4242}, "card"),
        ("/_sim/checkout/{session}/pay", {"method": "cash"}, "method"),
        ("/_sim/checkout/{session}/pay", {"card": SUCCEEDS, "cvc": "1"}, "cvc"),
        ("/_sim/checkout/{session}/settle", {"outcome": "maybe"}, "outcome"),
        ("/_sim/payment_intents/pi_1/refund", {"amount": 0}, "amount"),
        ("/_sim/payment_intents/pi_1/refund", {"amount": "1"}, "amount"),
        ("/_sim/payment_intents/pi_1/dispute", {"status": "won"}, "status"),
        ("/_sim/disputes/du_1/close", {"status": "gone"}, "status"),
        ("/_sim/disputes/du_1/close", {"status": "prevented"}, None),
        ("/_sim/disputes/du_1/update", {"amount": 0}, "amount"),
        ("/_sim/payment_intents/pi_1/early_fraud_warning", {"fraud_type": "other"}, "fraud_type"),
        ("/_sim/checkout/{session}/expire", {"now": True}, "now"),
        ("/_sim/checkout/{session}/expire", [], None),
    ],
)
def test_an_invalid_body_is_a_422_that_names_the_field(site: httpx.Client, path: str, body: object, field: str) -> None:
    response = site.post(path.format(session="cs_1"), json=body)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["error"]["errors"]] == [field]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_sim/webhooks", {"drop": 1.5}),
        ("/_sim/webhooks", {"duplicates": True}),
        ("/_sim/webhooks", {"delay": 1}),
        ("/_sim/faults", {"next": [{"path": "/v1/events", "do": "explode"}]}),
        ("/_sim/faults", {"next": [{"path": "events", "do": "500"}]}),
        ("/_sim/faults", {}),
    ],
)
def test_invalid_settings_are_refused(site: httpx.Client, path: str, body: dict[str, Any]) -> None:
    assert site.put(path, json=body).status_code == 422


def test_a_payment_with_tax_and_a_promotion_code(site: httpx.Client) -> None:
    session = new_session(site, automatic_tax={"enabled": True}, allow_promotion_codes=True)
    terms = {"card": SUCCEEDS, "tax_minor": 540, "promotion_code": "SAVE10"}
    paid = site.post(f"/_sim/checkout/{session.id}/pay", json=terms).json()

    assert (paid["payment_status"], paid["amount_total"]) == ("paid", 9_540)
    refused = site.post(f"/_sim/checkout/{new_session(site).id}/pay", json=terms)
    assert (refused.status_code, refused.json()["error"]["field"]) == (409, "tax_minor")
    neither = site.post(f"/_sim/checkout/{new_session(site).id}/pay", json={})
    assert (neither.status_code, neither.json()["error"]["message"]) == (422, "Give either a card or a method.")


def test_an_impossible_step_is_a_409_with_its_reason_and_an_unknown_object_a_404(site: httpx.Client) -> None:
    session = new_session(site)
    settled = site.post(f"/_sim/checkout/{session.id}/settle", json={"outcome": "succeeded"})

    assert settled.status_code == 409
    assert "only a completed, unpaid session can settle" in settled.json()["error"]["message"]
    unknown = site.post("/_sim/checkout/cs_none/pay", json={"card": SUCCEEDS})
    assert (unknown.status_code, unknown.json()["error"]["message"]) == (404, "No such checkout.session: 'cs_none'")


def test_reset_starts_over(site: httpx.Client) -> None:
    new_session(site)

    assert site.post("/_sim/reset").json() == {"reset": True}
    assert client_of(site).v1.checkout.sessions.list().data == []


# What docs/simulator.md says

MANUAL = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")


def test_the_manual_lists_every_control_and_no_other() -> None:
    simulator = Simulator("http://localhost", now=lambda: datetime.now(UTC), rng=Random(1), secret_key=SECRET_KEY)
    controls = {
        (method, route.path.replace("/checkout/{id}", "/checkout/{session}"))
        for route in create_app(simulator).routes
        if isinstance(route, Route) and route.path.startswith("/_sim/")
        for method in (route.methods or set()) - {"HEAD"}
    }

    assert set(re.findall(r"`(GET|POST|PUT) (/_sim/[^`]+)`", MANUAL)) == controls


def test_the_manual_lists_the_fields_of_a_payment_and_what_can_be_entered() -> None:
    fields = MANUAL.partition("### What else")[2]

    assert set(re.findall(r"^\| `(\w+)` \|", fields, re.MULTILINE)) == Pay.model_fields.keys() - {"card", "method"}
    assert dict(re.findall(r"`([A-Z0-9]+)` \((\d+)%", MANUAL)) == {
        code: str(percent) for code, percent in PROMOTION_CODES.items()
    }
    assert dict(re.findall(r"\b([A-Z]{2}) (\d+)%", MANUAL)) == {name: str(rate) for name, rate in TAX_RATES.items()}
    [currencies] = re.findall(r"another currency \| (.*) \|", MANUAL)
    assert re.findall("[A-Z]{3}", currencies) == [currency.upper() for currency in DOLLARS]
    assert {card.replace(" ", "") for card in re.findall(r"card ((?:\d{4} ){3}\d{4})", MANUAL)} == TEST_CARDS.keys()


# The pay page in a browser without JavaScript


def fill(site: httpx.Client, session: stripe.checkout.Session, **changes: str) -> httpx.Response:
    form = {"action": "card", "card_number": SUCCEEDS, "expiry": "12/34", "cvc": "123", **changes}
    return site.post(f"/c/pay/{session.id}", data=form)


def test_the_page_shows_the_items_and_the_amount_and_that_no_payment_is_real(site: httpx.Client) -> None:
    session = new_session(site, line_items=[line_item(quantity=2, name="<b>Standard & more</b>")])
    page = site.get(f"/c/pay/{session.id}")

    assert page.status_code == 200
    assert "&lt;b&gt;Standard &amp; more&lt;/b&gt;" in page.text
    assert "<b>Standard" not in page.text
    assert "CN¥200.00" in page.text
    assert "No real payment is made here" in page.text
    assert 'id="back" href="https://shop.example/back?status=cancelled"' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [(500, "jpy", "¥500"), (1_500, "kwd", "KWD 1.500"), (123_456, "usd", "$1,234.56")],
)
def test_the_page_shows_amounts_with_the_currencys_decimals(
    site: httpx.Client, amount: int, currency: str, written: str
) -> None:
    session = new_session(site, line_items=[line_item(amount, currency)])

    assert f">Pay {written}<" in site.get(f"/c/pay/{session.id}").text


def test_paying_by_card_leads_back_to_the_shop(site: httpx.Client) -> None:
    session = new_session(site)
    paid = fill(site, session)

    assert paid.status_code == 303
    assert paid.headers["location"] == f"https://shop.example/back?session={session.id}"
    assert 'id="state">Paid<' in site.get(f"/c/pay/{session.id}").text


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"card_number": DECLINED}, 402, "Your card was declined."),
        ({"card_number": ""}, 422, "Your card number is incorrect."),
        ({"card_number": "4242"}, 422, "Your card number is incorrect."),
        ({"expiry": "01/20"}, 422, "Your card's expiration date is in the past."),
        ({"expiry": "13/34"}, 422, "Your card's expiration date is incomplete."),
        ({"cvc": "12"}, 422, "Your card's security code is incomplete."),
    ],
)
def test_the_page_shows_what_is_wrong_with_a_card(
    site: httpx.Client, changes: dict[str, str], status: int, message: str
) -> None:
    session = new_session(site)
    page = fill(site, session, **changes)

    assert page.status_code == status
    shown = re.search(r'(id="error" role="alert"|class="wrong" id="[a-z]+-error")>([^<]*)<', page.text)
    assert shown
    assert unescape(shown[2]) == message
    assert fill(site, session).status_code == 303


def test_all_wrong_fields_are_marked_at_once_and_the_first_one_has_the_focus(site: httpx.Client) -> None:
    page = fill(site, new_session(site), card_number=SUCCEEDS, expiry="", cvc="").text

    assert re.findall(r'<input id="(\w+)"[^>]* aria-invalid', page) == ["expiry", "cvc"]
    assert re.findall(r'<input id="(\w+)"[^>]* autofocus', page) == ["expiry"]


def test_after_a_decline_the_cards_number_has_the_focus(site: httpx.Client) -> None:
    page = fill(site, new_session(site), card_number=DECLINED).text

    assert re.findall(r'<input id="(\w+)"[^>]* autofocus', page) == ["card_number"]


def test_a_single_product_is_named_once_with_its_description(site: httpx.Client) -> None:
    item = line_item(10000, "cny", name="Standard – 1,100 credits", description="Valid until 26 May 2027")
    page = site.get(f"/c/pay/{new_session(site, line_items=[item], locale='en').id}").text

    assert page.partition("<body>")[2].count("Standard – 1,100 credits") == 1
    assert "Valid until 26 May 2027" in page
    assert "<title>Pay – Standard – 1,100 credits</title>" in page


def test_a_3d_secure_card_is_challenged_on_the_page(site: httpx.Client) -> None:
    session = new_session(site)
    challenged = fill(site, session, card_number=THREE_D_SECURE)

    assert (challenged.status_code, challenged.headers["location"]) == (303, f"/c/pay/{session.id}")
    page = site.get(challenged.headers["location"]).text
    assert 'id="three-d-secure-complete"' in page
    failed = fill(site, session, action="three_d_secure_fail")
    assert "unable to authenticate" in failed.text
    fill(site, session, card_number=THREE_D_SECURE)
    done = fill(site, session, action="three_d_secure_complete")
    assert done.headers["location"].startswith("https://shop.example/")


def test_the_outcome_of_a_delayed_method_is_chosen_on_the_page_of_the_completed_session(site: httpx.Client) -> None:
    session = new_session(site)
    assert fill(site, session, action="alipay").headers["location"].startswith("https://shop.example/")
    page = site.get(f"/c/pay/{session.id}").text
    assert "Let it succeed" in page
    assert "Let it fail" in page

    fill(site, session, action="settle_fail")
    assert 'id="state">Payment failed<' in site.get(f"/c/pay/{session.id}").text


def test_the_page_says_that_a_session_is_expired_or_unknown(site: httpx.Client) -> None:
    session = new_session(site)
    site.post(f"/_sim/checkout/{session.id}/expire")

    assert "This session has expired" in site.get(f"/c/pay/{session.id}").text
    assert fill(site, session).status_code == 303
    unknown = site.get("/c/pay/cs_none")
    assert (unknown.status_code, "No such session" in unknown.text) == (404, True)


def test_a_link_fills_in_a_test_card(site: httpx.Client) -> None:
    page = site.get(f"/c/pay/{new_session(site).id}", params={"card": SUCCEEDS}).text

    assert 'value="4242 4242 4242 4242"' in page
    assert 'value="123"' in page


def test_the_page_is_in_the_sessions_language_or_else_the_browsers(site: httpx.Client) -> None:
    chinese = {"accept-language": "fr, zh-CN;q=0.9, en;q=0.5"}

    assert "付款方式" in site.get(f"/c/pay/{new_session(site).id}", headers=chinese).text
    assert "Payment method" in site.get(f"/c/pay/{new_session(site, locale='en').id}", headers=chinese).text
    declined = site.post(
        f"/c/pay/{new_session(site).id}",
        data={"action": "card", "card_number": DECLINED, "expiry": "12/34", "cvc": "123"},
        headers=chinese,
    )
    assert "您的银行卡被拒绝。" in declined.text
    assert error_text(CHINESE, {"message": "Something new.", "code": "new"}) == OTHER_ERROR_IN_CHINESE


@pytest.mark.parametrize(
    ("locale", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "zh", "zh"),
        ("auto", "en;q=0.1, zh-TW", "zh"),
        ("zh-HK", "en", "zh"),
        ("de", "zh", "en"),
        (None, "zh;q=x", "zh"),
    ],
)
def test_the_language_is_chosen_by_preference(locale: str | None, accepted: str, language: str) -> None:
    assert texts_for(locale, accepted)["language"] == language


def test_both_languages_say_the_same_things() -> None:
    assert ENGLISH.keys() == CHINESE.keys()


# The total on the pay page, and the pages of what was paid

OFFERED: dict[str, Any] = {"allow_promotion_codes": True, "automatic_tax": {"enabled": True}}


def figures_on(page: str) -> list[str]:
    return [unescape(figure) for figure in re.findall(r'class="figure">([^<]*)<', page)]


def test_a_code_and_a_country_change_the_total(site: httpx.Client) -> None:
    session = new_session(site, **OFFERED)
    assert figures_on(site.get(f"/c/pay/{session.id}").text) == ["CN¥100.00", "Choose a country", "CN¥100.00"]

    fill(site, session, action="terms", promotion_code="save10", country="DE")
    page = site.get(f"/c/pay/{session.id}").text
    assert figures_on(page) == ["CN¥100.00", "−CN¥10.00", "CN¥17.10", "CN¥107.10"]
    assert ">Pay CN¥107.10<" in page
    assert '<option value="DE" selected>' in page
    assert 'value="SAVE10"' in page
    assert fill(site, session).headers["location"].startswith("https://shop.example/")
    paid = client_of(site).v1.checkout.sessions.retrieve(session.id)
    assert paid.customer_details
    assert paid.customer_details.address
    assert (paid.amount_total, paid.customer_details.address.country) == (10_710, "DE")


def test_inclusive_tax_is_named_so(site: httpx.Client) -> None:
    item = line_item()
    item["price_data"]["tax_behavior"] = "inclusive"
    session = new_session(site, line_items=[item], **OFFERED)
    fill(site, session, action="terms", country="GB")

    page = site.get(f"/c/pay/{session.id}").text
    assert "Tax (included)" in page
    assert figures_on(page) == ["CN¥100.00", "CN¥16.67", "CN¥100.00"]


@pytest.mark.parametrize("action", ["card", "alipay"])
def test_a_session_with_tax_cannot_be_paid_before_the_country_is_known(site: httpx.Client, action: str) -> None:
    session = new_session(site, **OFFERED)
    page = fill(site, session, action=action)

    assert page.status_code == 422
    assert 'id="country-error">Choose a country first' in page.text


def test_a_required_address_asks_for_the_country_and_adds_no_tax(site: httpx.Client) -> None:
    session = new_session(site, billing_address_collection="required")
    assert fill(site, session).status_code == 422

    fill(site, session, action="terms", country="DE")
    assert "(19%)" not in site.get(f"/c/pay/{session.id}").text
    fill(site, session)
    assert client_of(site).v1.checkout.sessions.retrieve(session.id).amount_total == 10_000


@pytest.mark.parametrize(
    ("amount", "entered", "message"),
    [
        (10_000, {"promotion_code": "<b>"}, 'id="promotion_code-error">This code is invalid.'),
        (10_000, {"country": "XX"}, 'id="country-error">The simulator knows'),
        (40, {"promotion_code": "HALF"}, 'role="alert">The total, if it is not 0, must convert to at least CN¥0.30.'),
    ],
)
def test_the_page_shows_why_something_was_refused(
    site: httpx.Client, amount: int, entered: dict[str, str], message: str
) -> None:
    session = new_session(site, line_items=[line_item(amount)], **OFFERED)
    page = fill(site, session, action="terms", **entered)

    assert (page.status_code, message in page.text) == (422, True)
    assert "<b>" not in page.text


def test_an_order_for_nothing_is_completed_without_a_card(site: httpx.Client) -> None:
    session = new_session(site, allow_promotion_codes=True)
    fill(site, session, action="terms", promotion_code="FREE100")
    page = site.get(f"/c/pay/{session.id}").text
    assert "No card is needed" in page
    assert "card_number" not in page

    done = fill(site, session, action="free")
    assert done.headers["location"].startswith("https://shop.example/")
    assert 'id="state">Order complete<' in site.get(f"/c/pay/{session.id}").text


def test_a_code_can_be_taken_off_again(site: httpx.Client) -> None:
    session = new_session(site, allow_promotion_codes=True)
    fill(site, session, action="terms", promotion_code="FREE100")
    fill(site, session, action="terms", promotion_code="")

    assert ">Pay CN¥100.00<" in site.get(f"/c/pay/{session.id}").text


def test_the_buyer_may_choose_another_currency_and_return_to_the_shops(site: httpx.Client) -> None:
    session = new_session(site, adaptive_pricing={"enabled": True})
    fill(site, session, action="terms", currency="eur")
    assert 'id="presented">You pay €12.07<' in site.get(f"/c/pay/{session.id}").text

    fill(site, session, action="terms", currency="cny")
    assert 'id="presented"' not in site.get(f"/c/pay/{session.id}").text
    assert "presentment_details" not in client_of(site).v1.checkout.sessions.retrieve(session.id)


def test_a_session_that_offers_nothing_of_this_refuses_it(site: httpx.Client) -> None:
    session = new_session(site)
    assert 'id="terms-form"' not in site.get(f"/c/pay/{session.id}").text

    assert fill(site, session, action="terms", promotion_code="HALF").status_code == 303
    assert ">Pay CN¥100.00<" in site.get(f"/c/pay/{session.id}").text


def test_the_receipt_and_the_invoice_have_pages(site: httpx.Client) -> None:
    session = new_session(site, invoice_creation={"enabled": True}, **OFFERED)
    terms = {"card": SUCCEEDS, "tax_minor": 950, "discount_minor": 500}
    site.post(f"/_sim/checkout/{session.id}/pay", json=terms)
    paid = client_of(site).v1.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    intent = client_of(site).v1.payment_intents.retrieve(str(paid.payment_intent), {"expand": ["latest_charge"]})
    site.post(f"/_sim/payment_intents/{intent.id}/refund", json={"amount": 1_000})

    assert isinstance(intent.latest_charge, stripe.Charge)
    receipt = site.get(str(intent.latest_charge.receipt_url)).text
    assert re.findall("<dd>(.*?)</dd>", receipt)[2:] == ["CN¥104.50", "CN¥10.00"]
    assert isinstance(paid.invoice, stripe.Invoice)
    invoice = site.get(str(paid.invoice.hosted_invoice_url))
    assert figures_on(invoice.text) == ["CN¥100.00", "−CN¥5.00", "CN¥9.50", "CN¥104.50"]
    assert "default-src 'none'" in invoice.headers["content-security-policy"]


def test_there_is_no_receipt_for_what_was_not_paid(site: httpx.Client) -> None:
    intent = site.post(f"/_sim/checkout/{new_session(site).id}/pay", json={"card": DECLINED}).json()["payment_intent"]
    charge = client_of(site).v1.payment_intents.retrieve(intent).latest_charge

    assert [site.get(f"/{path}").status_code for path in (f"receipts/{charge}", "receipts/ch_1", "invoices/in_1")] == [
        404,
        404,
        404,
    ]


# The command


def test_a_port_in_use_is_reported_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_command("--port", port)

    assert done.returncode == 1
    assert done.stderr.startswith(f"stripe simulator: port {port} cannot be used:")
    assert len(done.stderr.splitlines()) == 1


def test_a_webhook_on_another_host_is_refused_at_start() -> None:
    done = run_command("--port", "0", "--webhook-url", "https://example.com/")

    assert done.returncode == 1
    assert "delivers to localhost" in done.stderr


def run_command(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.stripe_simulator", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
