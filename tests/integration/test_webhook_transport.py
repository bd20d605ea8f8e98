"""Which bytes are believed."""

import base64
import io
import json
from typing import Any

import pytest

from local.in_process.api import Api, ApiResponse
from local.in_process.dynamodb import Emulator
from local.in_process.environment import NOW, WEBHOOK_SECRET
from tests.support.builders import an_order
from tests.support.stripe_events import as_bytes, event, session, signature
from tests.support.stripe_wire import StripeWire
from topup import store
from topup.runtime import config

WEBHOOK = "/api/payments/webhook/stripe"
SIGNED_AT = int(NOW.timestamp())


@pytest.fixture
def paid(dynamodb: Emulator) -> bytes:
    """The event of a placed order's payment."""
    order = store.place_order(an_order())
    dynamodb.operations.clear()
    return as_bytes(event("checkout.session.completed", session(order)))


def deliver(api: Api, body: bytes, header: str | None = None, name: str = "Stripe-Signature") -> ApiResponse:
    return api.post(WEBHOOK, raw=body, headers={name: signature(body, SIGNED_AT) if header is None else header})


def function_url_event(body: str, *, is_base64: bool, header: str, **changes: Any) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": "/",
        "headers": {"stripe-signature": header, "content-type": "application/json; charset=utf-8"},
        "requestContext": {"requestId": "r", "timeEpoch": SIGNED_AT * 1000, "http": {"method": "POST", "path": "/"}},
        "body": body,
        "isBase64Encoded": is_base64,
    } | changes


def test_a_base64_body_is_verified_over_its_decoded_bytes(api: Api, paid: bytes):
    encoded = function_url_event(base64.b64encode(paid).decode(), is_base64=True, header=signature(paid, SIGNED_AT))

    assert api.invoke("stripe_webhook", encoded).json() == {"received": True}
    stored = store.load_order(an_order().payment_id)
    assert stored is not None
    assert stored.is_settled


def test_a_text_body_is_verified_as_it_is(api: Api, paid: bytes):
    text = function_url_event(paid.decode(), is_base64=False, header=signature(paid, SIGNED_AT))

    assert api.invoke("stripe_webhook", text).status == 200


def test_the_function_url_takes_any_path(api: Api, paid: bytes):
    header = signature(paid, SIGNED_AT)
    anywhere = function_url_event(base64.b64encode(paid).decode(), is_base64=True, header=header, rawPath="/any/path")

    assert api.invoke("stripe_webhook", anywhere).status == 200


def test_broken_base64_is_refused(api: Api, dynamodb: Emulator):
    answer = api.invoke("stripe_webhook", function_url_event("%%%", is_base64=True, header="t=1,v1=x"))

    assert (answer.status, answer.json()["code"]) == (400, "invalid_json")


def test_a_reserialised_body_is_refused(api: Api, paid: bytes):
    header = signature(paid, SIGNED_AT)
    compact = json.dumps(json.loads(paid), separators=(",", ":")).encode()

    assert deliver(api, compact, header).status == 400


@pytest.mark.parametrize("name", ["stripe-signature", "Stripe-Signature", "STRIPE-SIGNATURE"])
def test_the_signature_header_is_found_in_any_letter_case(api: Api, paid: bytes, name: str):
    event_as_sent = function_url_event(paid.decode(), is_base64=False, header="")
    event_as_sent["headers"] = {name: signature(paid, SIGNED_AT)}

    assert api.invoke("stripe_webhook", event_as_sent).status == 200


@pytest.mark.parametrize(
    "header",
    ["", "garbage", "t=1", "v1=abc", "t=,v1=", "t=x,v1=y", "=", ",,,", "t=1,v1", "t=99999999999999999999,v1=é", "é"],
)
def test_a_bad_signature_is_refused_before_anything_is_asked(
    api: Api, paid: bytes, dynamodb: Emulator, stripe_wire: StripeWire, header: str
):
    answer = deliver(api, paid, header)

    assert (answer.status, answer.json()["code"]) == (400, "invalid_signature")
    assert answer.json()["detail"] == "Invalid webhook signature"
    assert dynamodb.operations == []
    assert stripe_wire.requests == []


def test_a_missing_signature_is_refused(api: Api, paid: bytes):
    assert api.post(WEBHOOK, raw=paid).status == 400


@pytest.mark.parametrize("secret", ["", " ", ","])
def test_without_a_secret_no_event_is_believed(
    api: Api, paid: bytes, dynamodb: Emulator, environment: pytest.MonkeyPatch, secret: str
):
    environment.setenv("STRIPE_WEBHOOK_SECRET", secret)

    answers = [deliver(api, paid, signature(paid, SIGNED_AT, forged)) for forged in ("", secret, WEBHOOK_SECRET)]

    # 5xx, not 4xx: the events are Stripe's and come again once the secret is there.
    assert {answer.status for answer in answers} == {500}
    assert {answer.json()["code"] for answer in answers} == {"misconfigured"}
    assert dynamodb.operations == []


@pytest.mark.parametrize(
    ("age", "status"), [(299, 200), (300, 200), (301, 400), (86400, 400), (-299, 200), (-301, 400), (-(10**9), 400)]
)
def test_a_signature_counts_for_five_minutes_to_either_side(api: Api, paid: bytes, age: int, status: int):
    assert deliver(api, paid, signature(paid, SIGNED_AT - age)).status == status


def test_while_one_secret_replaces_another_either_is_right_and_a_third_is_not(
    api: Api, paid: bytes, environment: pytest.MonkeyPatch
):
    environment.setenv("STRIPE_WEBHOOK_SECRET", "whsec_old, whsec_new")

    statuses = [
        deliver(api, paid, signature(paid, SIGNED_AT, secret)).status
        for secret in ("whsec_old", "whsec_new", "whsec_third")
    ]

    assert statuses == [200, 200, 400]


def test_one_valid_signature_among_several_is_enough(api: Api, paid: bytes):
    assert deliver(api, paid, signature(paid, SIGNED_AT, "whsec_other", WEBHOOK_SECRET)).status == 200


@pytest.mark.parametrize(
    "forged", ["x=1, t={now},t={old},v1={v1}", "t={old},t={now},v1={v1}", "t={old}, t={now},v1={v1}"]
)
def test_an_old_signature_does_not_get_younger_by_a_second_date(api: Api, paid: bytes, forged: str):
    old = SIGNED_AT - 10_000
    digest = signature(paid, old).partition("v1=")[2]

    assert deliver(api, paid, forged.format(now=SIGNED_AT, old=old, v1=digest)).status == 400


@pytest.mark.parametrize("date", ["{now}=x", " {now}", "+{now}", "{now} "])
def test_a_date_in_an_odd_form_never_fails_on_our_side(api: Api, paid: bytes, date: str):
    digest = signature(paid, SIGNED_AT).partition("v1=")[2]

    assert deliver(api, paid, f"t={date.format(now=SIGNED_AT)},v1={digest}").status in (200, 400)


def test_an_event_without_an_object_is_none_that_we_use(api: Api, dynamodb: Emulator):
    thin = {"id": "evt_1", "object": "v2.core.event", "type": "v2.core.account.updated", "livemode": False}

    assert deliver(api, as_bytes(thin)).status == 200
    assert dynamodb.operations == []


def test_only_the_scheme_v1_counts(api: Api, paid: bytes):
    assert deliver(api, paid, signature(paid, SIGNED_AT, scheme="v0")).status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"{}",
        b'"x"',
        b"1",
        b"",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"type": ' + b"9" * 5000 + b"}",
        b'{"type": "checkout.session.completed"}',
        b'{"type": "checkout.session.completed", "livemode": false, "data": {"object": null}}',
        b'{"type": "checkout.session.completed", "livemode": false, "data": {"object": {"metadata": [1]}}}',
    ],
)
def test_signed_nonsense_is_refused_and_never_a_failure_of_ours(api: Api, dynamodb: Emulator, body: bytes):
    answer = deliver(api, body)

    assert answer.status == 400
    assert dynamodb.operations == []


def test_an_event_of_ours_that_lacks_a_field_is_refused(api: Api, paid: bytes):
    damaged = json.loads(paid)
    del damaged["data"]["object"]["amount_total"]

    assert deliver(api, as_bytes(damaged)).json()["code"] == "invalid_event"


def test_an_event_of_the_other_mode_grants_nothing_and_is_counted(
    api: Api, dynamodb: Emulator, capsys: pytest.CaptureFixture[str]
):
    order = store.place_order(an_order())
    dynamodb.operations.clear()

    answer = deliver(api, as_bytes(event("checkout.session.completed", session(order, livemode=True))))

    assert answer.status == 200
    assert dynamodb.operations == []
    assert '"LivemodeMismatch":[1.0]' in capsys.readouterr().out


def test_the_log_of_a_bad_signature_holds_neither_body_nor_secret(api: Api, paid: bytes, log: io.StringIO):
    marked = paid.replace(b"{", b'{"secret_of_the_sender": "do-not-log-me",', 1)

    deliver(api, marked, signature(marked, SIGNED_AT, "whsec_other"))

    assert "invalid_signature" in log.getvalue()
    assert "do-not-log-me" not in log.getvalue()
    assert WEBHOOK_SECRET not in log.getvalue()


def test_an_oversized_body_is_refused(api: Api):
    answer = deliver(api, b'{"padding": "' + b"x" * 600_000 + b'"}')

    assert (answer.status, answer.json()["code"]) == (413, "body_too_large")


def test_the_configured_livemode_follows_the_key(environment: pytest.MonkeyPatch):
    environment.setenv("STRIPE_SECRET_KEY", "rk_live_1")

    assert config.is_livemode()
