"""Which webhooks are accepted: their bytes, their signatures, and events that are not for us.

tests/security has the attacks on signatures.
"""

import base64
import io
import json
from typing import Any

import pytest

from local.in_process.api import Api, ApiResponse
from local.in_process.dynamodb import Emulator
from local.in_process.environment import NOW, USER_ID, WEBHOOK_SECRET
from tests.integration.webhooks import COMPLETED, granted
from tests.support.builders import PAYMENT_ID, an_order
from tests.support.stripe_events import as_bytes, event, intent, session, signature
from tests.support.stripe_wire import StripeWire
from topup import store
from topup.domain.orders import Order

WEBHOOK = "/api/payments/webhook/stripe"
SIGNED_AT = int(NOW.timestamp())


@pytest.fixture
def paid(order: Order) -> bytes:
    """The event of the order's payment, as Stripe sends it."""
    return as_bytes(event(COMPLETED, session(order)))


def deliver(api: Api, body: bytes, header: str | None = None) -> ApiResponse:
    """Send `body` with this signature header, or with a valid one."""
    headers = {"Stripe-Signature": signature(body, SIGNED_AT) if header is None else header}
    return api.post(WEBHOOK, raw=body, headers=headers)


def function_url_event(body: str, *, is_base64: bool, header: str, **changes: Any) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": "/",
        "headers": {"stripe-signature": header, "content-type": "application/json; charset=utf-8"},
        "requestContext": {"requestId": "r", "timeEpoch": SIGNED_AT * 1000, "http": {"method": "POST", "path": "/"}},
        "body": body,
        "isBase64Encoded": is_base64,
    } | changes


# --------------------------------------------------------------------------------------------------------------- bodies


def test_a_base64_body_is_verified_over_its_decoded_bytes(api: Api, paid: bytes):
    encoded = function_url_event(base64.b64encode(paid).decode(), is_base64=True, header=signature(paid, SIGNED_AT))

    assert api.invoke("stripe_webhook", encoded).json() == {"received": True}
    stored = store.load_order(an_order().payment_id)
    assert stored is not None
    assert stored.is_settled


def test_a_text_body_is_verified_as_it_is(api: Api, paid: bytes):
    text = function_url_event(paid.decode(), is_base64=False, header=signature(paid, SIGNED_AT))

    assert api.invoke("stripe_webhook", text).status == 200


def test_broken_base64_is_refused(api: Api, dynamodb: Emulator):
    response = api.invoke("stripe_webhook", function_url_event("%%%", is_base64=True, header="t=1,v1=x"))

    assert (response.status, response.json()["code"]) == (400, "invalid_json")


# ----------------------------------------------------------------------------------------------------------- signatures


@pytest.mark.parametrize("name", ["stripe-signature", "Stripe-Signature", "STRIPE-SIGNATURE"])
def test_the_signature_header_is_found_in_any_letter_case(api: Api, paid: bytes, name: str):
    sent = function_url_event(paid.decode(), is_base64=False, header="")
    sent["headers"] = {name: signature(paid, SIGNED_AT)}

    assert api.invoke("stripe_webhook", sent).status == 200


@pytest.mark.parametrize("header", ["", "garbage", "t=99999999999999999999,v1=é"])
def test_a_bad_signature_is_refused_without_a_call_of_dynamodb_or_stripe(
    api: Api, paid: bytes, dynamodb: Emulator, stripe_wire: StripeWire, header: str
):
    response = deliver(api, paid, header)

    assert (response.status, response.json()["code"]) == (400, "invalid_signature")
    assert response.json()["detail"] == "Invalid webhook signature"
    assert dynamodb.operations == []
    assert stripe_wire.requests == []


@pytest.mark.parametrize("secret", ["", " ", ","])
def test_without_a_configured_secret_no_event_is_accepted(
    api: Api, paid: bytes, dynamodb: Emulator, environment: pytest.MonkeyPatch, secret: str
):
    environment.setenv("STRIPE_WEBHOOK_SECRET", secret)

    responses = [deliver(api, paid, signature(paid, SIGNED_AT, forged)) for forged in ("", secret, WEBHOOK_SECRET)]

    # 5xx, not 4xx: Stripe must send the events again, for when the secret is set.
    assert {response.status for response in responses} == {500}
    assert {response.json()["code"] for response in responses} == {"misconfigured"}
    assert dynamodb.operations == []


@pytest.mark.parametrize(
    ("age", "status"), [(299, 200), (300, 200), (301, 400), (86400, 400), (-299, 200), (-301, 400), (-(10**9), 400)]
)
def test_a_signature_is_accepted_for_five_minutes_before_and_after_its_date(
    api: Api, paid: bytes, age: int, status: int
):
    assert deliver(api, paid, signature(paid, SIGNED_AT - age)).status == status


@pytest.mark.parametrize("date", ["{now}=x", " {now}", "+{now}", "{now} "])
def test_a_date_in_an_odd_form_is_never_a_failure_of_ours(api: Api, paid: bytes, date: str):
    digest = signature(paid, SIGNED_AT).partition("v1=")[2]

    assert deliver(api, paid, f"t={date.format(now=SIGNED_AT)},v1={digest}").status in (200, 400)


# -------------------------------------------------------------------------------------- signed bodies that are no event


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"\xff\xfe",
        b'{"type": "checkout.session.completed"}',
        b'{"type": "checkout.session.completed", "livemode": false, "data": {"object": {"metadata": [1]}}}',
    ],
)
def test_a_signed_body_that_is_no_event_is_refused_without_a_read(api: Api, dynamodb: Emulator, body: bytes):
    response = deliver(api, body)

    assert response.status == 400
    assert dynamodb.operations == []


def test_an_event_that_lacks_a_field_is_refused(api: Api, paid: bytes):
    damaged = json.loads(paid)
    del damaged["data"]["object"]["amount_total"]

    assert deliver(api, as_bytes(damaged)).json()["code"] == "invalid_event"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"object": "v2.core.event", "type": "v2.core.account.updated"}, "v2.core.event"),
        ({"object": "v2.core.event"}, "v2.core.event"),
        ({"object": "checkout.session"}, "checkout.session"),
        ({"object": None}, "None"),
        ({"object": ["event"]}, "['event']"),
    ],
)
def test_a_body_that_is_no_snapshot_event_is_refused_by_the_name_of_its_object(
    api: Api, paid: bytes, dynamodb: Emulator, log: io.StringIO, changes: dict[str, Any], name: str
):
    response = deliver(api, as_bytes(json.loads(paid) | changes))

    assert (response.status, response.json()["code"]) == (400, "invalid_event")
    assert name in response.json()["detail"]
    assert '"message":"not a snapshot event"' in log.getvalue()
    assert name in log.getvalue()
    assert dynamodb.operations == []


# --------------------------------------------------------------------------------------------- events without an effect


@pytest.mark.parametrize("kind", ["customer.created", "charge.succeeded", "payment_intent.created", "x", ""])
def test_an_event_that_we_do_not_use_is_acknowledged_without_a_read(
    api: Api, order: Order, dynamodb: Emulator, kind: str
):
    assert deliver(api, as_bytes(event(kind, intent(order)))).status == 200
    assert dynamodb.operations == []


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": {}},
        {"metadata": None},
        {"metadata": {"order_id": PAYMENT_ID}},
        {"metadata": {"order_id": PAYMENT_ID, "user_id": USER_ID, "topup_stack": "another-stage"}},
        {"metadata": {"order_id": "42", "user_id": USER_ID, "topup_stack": "topup-test"}},
    ],
)
def test_an_object_that_is_not_ours_is_acknowledged_without_a_read(
    api: Api, order: Order, dynamodb: Emulator, changes: dict[str, Any]
):
    assert deliver(api, as_bytes(event(COMPLETED, session(order, **changes)))).status == 200
    assert dynamodb.operations == []


def test_the_mode_of_the_object_counts_not_the_events(api: Api, order: Order):
    live = session(order, livemode=True)

    assert deliver(api, as_bytes(event(COMPLETED, live, livemode=False))).status == 200
    assert granted(api) == []
