"""Which webhooks are accepted, at the API's port and at the function's own URL."""

import json
import time
from typing import Any

import httpx
import pytest

from local.client import CREDITS
from tests.security.edge import WEBHOOK, Edge
from tests.security.forging import as_stripe_writes, event, session, signed

PLACES = ["api", "function URL"]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, edge: Edge) -> str:
    """Where webhooks may be delivered; the function URL passes every body on as base64."""
    return WEBHOOK if request.param == "api" else edge.function_url


@pytest.fixture(scope="module")
def pending(edge: Edge) -> dict[str, Any]:
    """An unpaid payment: no event that this module sends may turn it into credits."""
    return edge.create("unpaid")


@pytest.fixture
def paid(edge: Edge, pending: dict[str, Any]) -> bytes:
    """The event that would pay it, if the attacker could sign it."""
    return edge.paid_event(pending, "unpaid")


def is_refused(response: httpx.Response) -> bool:
    """With 400, as Stripe's integration guides say."""
    problem = response.json()
    assert problem["detail"] == "Invalid webhook signature"
    return (response.status_code, problem["code"]) == (400, "invalid_signature")


def nothing_happened(edge: Edge, payment: dict[str, Any]) -> bool:
    return edge.status(payment)["status"] == "pending" and edge.balance("unpaid") == 0


def test_a_signed_payment_is_accepted_at_either_place(edge: Edge, place: str):
    user = f"buyer-at-{PLACES.index('api' if place == WEBHOOK else 'function URL')}"
    payment = edge.create(user)

    response = edge.deliver(edge.paid_event(payment, user), to=place)

    assert response.json() == {"received": True}
    assert edge.balance(user) == 1100


def test_the_function_url_accepts_any_path(edge: Edge):
    payment = edge.create("anywhere")

    assert edge.deliver(edge.paid_event(payment, "anywhere"), to=f"{edge.function_url}/any/path?x=1").status_code == 200
    assert edge.balance("anywhere") == 1100


def test_a_pretty_printed_body_in_any_language_is_verified_as_it_was_sent(edge: Edge, place: str):
    kind = "customer.created"
    body = as_stripe_writes(event(kind, {"livemode": False, "name": "豪华包 – Ünïcode 😀 \u2028"}))
    compact = json.dumps(json.loads(body), separators=(",", ":")).encode()

    assert edge.deliver(body, to=place).status_code == 200
    assert is_refused(edge.deliver(compact, signed(body, edge.webhook_secret), to=place))


@pytest.mark.parametrize("name", ["stripe-signature", "Stripe-Signature", "STRIPE-SIGNATURE", "sTRIPE-sIGNATURE"])
def test_the_signature_is_found_in_any_letter_case(edge: Edge, place: str, name: str):
    body = as_stripe_writes(event("customer.created", {"livemode": False}))

    assert edge.post(place, body, {name: signed(body, edge.webhook_secret)}).status_code == 200


def test_a_missing_signature_is_refused(edge: Edge, place: str, paid: bytes, pending: dict[str, Any]):
    assert is_refused(edge.post(place, paid))
    assert nothing_happened(edge, pending)


@pytest.mark.parametrize(
    "header",
    ["", "garbage", "t=1", "v1=abc", "t=,v1=", "t=x,v1=y", "=", ",,,", "t=1,v1", "t=99999999999999999999,v1=a", "é"],
)
def test_a_garbled_signature_is_refused(edge: Edge, place: str, paid: bytes, pending: dict[str, Any], header: str):
    assert is_refused(edge.post(place, paid, {"stripe-signature": header.encode("latin-1")}))
    assert nothing_happened(edge, pending)


def test_a_signature_of_another_body_is_refused(edge: Edge, place: str, paid: bytes, pending: dict[str, Any]):
    other = as_stripe_writes(event("customer.created", {"livemode": False}))

    assert is_refused(edge.deliver(paid, signed(other, edge.webhook_secret), to=place))
    assert nothing_happened(edge, pending)


@pytest.mark.parametrize("secret", ["", " ", ",", "whsec_", "None", "null", "whsec_test", "undefined"])
def test_a_signature_by_a_guessable_secret_is_refused(
    edge: Edge, place: str, paid: bytes, pending: dict[str, Any], secret: str
):
    assert is_refused(edge.deliver(paid, signed(paid, secret), to=place))
    assert nothing_happened(edge, pending)


@pytest.mark.parametrize("secret", ["", " ", ",", " , ", "whsec_local_simulator"])
@pytest.mark.parametrize("at", PLACES)
def test_without_a_configured_secret_no_webhook_is_accepted(closed_edge: Edge, secret: str, at: str):
    body = as_stripe_writes(event("customer.created", {"livemode": False}))
    to = WEBHOOK if at == "api" else closed_edge.function_url

    response = closed_edge.deliver(body, signed(body, secret), to=to)

    # Not 4xx: the events are Stripe's, and Stripe delivers them again once the secret is set.
    assert (response.status_code, response.json()["code"]) == (500, "misconfigured")
    assert "STRIPE_WEBHOOK_SECRET" not in response.text


@pytest.mark.parametrize(
    ("age", "status"), [(0, 200), (270, 200), (301, 400), (86_400, 400), (-270, 200), (-360, 400), (-(10**9), 400)]
)
def test_a_signature_is_valid_for_five_minutes(edge: Edge, place: str, age: int, status: int):
    """tests/integration checks this to the second, with a fixed clock; here a busy machine needs some slack."""
    body = as_stripe_writes(event("customer.created", {"livemode": False}))

    assert edge.deliver(body, signed(body, edge.webhook_secret, age=age), to=place).status_code == status


def test_a_second_date_does_not_renew_an_old_signature(edge: Edge, paid: bytes, pending: dict[str, Any]):
    old = signed(paid, edge.webhook_secret, age=10_000)
    date, _, digest = old.partition(",")
    now = f"t={int(time.time())}"

    for header in (
        f"{now},{old}",
        f"x=1, {now},{old}",
        f"{old},{now}",
        f"{date},{now},{digest}",
        f"{date}, {now},{digest}",
        f"{now}=, {old}",
    ):
        assert is_refused(edge.deliver(paid, header))
    assert nothing_happened(edge, pending)


def test_during_a_rotation_both_secrets_are_accepted_and_no_third(rotating_edge: Edge):
    body = as_stripe_writes(event("customer.created", {"livemode": False}))
    old, new = rotating_edge.stack.values["STRIPE_WEBHOOK_SECRET"].split(", ")

    for to in (WEBHOOK, rotating_edge.function_url):
        for right in ((old,), (new,), (old, new), ("whsec_third", new)):
            assert rotating_edge.deliver(body, signed(body, *right), to=to).status_code == 200
        for wrong in ("whsec_third", f"{old},{new}", f"{old}, {new}", ""):
            assert is_refused(rotating_edge.deliver(body, signed(body, wrong), to=to))


def test_only_the_scheme_v1_counts(edge: Edge, place: str, paid: bytes, pending: dict[str, Any]):
    for scheme in ("v0", "v2", "V1", "v1 "):
        assert is_refused(edge.deliver(paid, signed(paid, edge.webhook_secret, scheme=scheme), to=place))
    assert nothing_happened(edge, pending)


def test_one_valid_signature_among_many_is_enough(edge: Edge, place: str):
    body = as_stripe_writes(event("customer.created", {"livemode": False}))
    secrets = [f"whsec_other_{number}" for number in range(20)] + [edge.webhook_secret]

    assert edge.deliver(body, signed(body, *secrets), to=place).status_code == 200


def test_two_signature_headers_are_not_added_up_to_a_valid_one(edge: Edge, paid: bytes, pending: dict[str, Any]):
    """Gateways join repeated headers with a comma: a forged one beside a real one for another body is no real one."""
    other = as_stripe_writes(event("customer.created", {"livemode": False}))
    headers = [("content-type", "application/json"), ("stripe-signature", signed(other, edge.webhook_secret))]

    response = edge.request("POST", WEBHOOK, content=paid, headers=[*headers, ("stripe-signature", signed(paid, "x"))])

    assert is_refused(response)
    assert nothing_happened(edge, pending)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"{}",
        b'"x"',
        b"1",
        b"true",
        b"",
        b" ",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        '{"type": "customer.created"}'.encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"type": ' + b"9" * 5000 + b"}",
        b'{"type": "customer.created", "type": 1}',
        b'{"type": ["checkout.session.completed"]}',
        b'{"type": "checkout.session.completed"}',
        b'{"type": "checkout.session.completed", "livemode": false, "data": []}',
        b'{"type": "checkout.session.completed", "livemode": false, "data": {"object": null}}',
        b'{"type": "checkout.session.completed", "livemode": false, "data": {"object": {"metadata": [1]}}}',
        b'{"type": "refund.created", "livemode": false, "data": {"object": 5}}',
        b'{"type": "charge.dispute.created", "livemode": false, "data": {"object": "x"}}',
    ],
    ids=lambda body: repr(body[:30]),
)
def test_signed_nonsense_is_refused_as_the_senders_mistake(edge: Edge, place: str, body: bytes):
    response = edge.deliver(body, to=place)

    assert response.status_code == 400
    # The gateway passes JSON on as text; bytes that are not UTF-8 are then no longer what was signed.
    assert response.json()["code"] in ("invalid_json", "invalid_event", "invalid_signature")


@pytest.mark.parametrize("mode", ["false", 1, 0, None], ids=repr)
def test_an_event_of_neither_mode_is_refused(edge: Edge, place: str, pending: dict[str, Any], mode: Any):
    assert edge.deliver(edge.paid_event(pending, "unpaid", livemode=mode), to=place).status_code == 400
    assert nothing_happened(edge, pending)


def test_an_event_of_the_other_mode_never_grants(edge: Edge, place: str, pending: dict[str, Any]):
    """Stripe sends it again until the key of its mode is set."""
    body = edge.paid_event(pending, "unpaid", livemode=True)
    url = place if place.startswith("http") else edge.stack.api_url + place

    response = edge.http.post(url, content=body, headers={"stripe-signature": signed(body, edge.webhook_secret)})

    edge.responses.append(response.text)
    assert (response.status_code, response.json()["code"]) == (500, "misconfigured")
    assert nothing_happened(edge, pending)
    assert '"LivemodeMismatch":[1.0]' in edge.log


def test_a_payment_for_another_stack_or_of_another_amount_never_grants(edge: Edge):
    changes: list[dict[str, Any]] = [
        {"amount_total": 1},
        {"amount_total": 10_000.7},
        {"currency": "jpy"},
        {"id": "cs_test_another"},
        {"client_reference_id": "f47ac10b-58cc-4372-a567-0e02b2c3d479"},
        {"metadata": {}},
    ]
    for number, change in enumerate(changes):
        user = f"cheat-{number}"
        response = edge.deliver(edge.paid_event(edge.create(user), user, **change))
        assert response.status_code in (200, 400)
        assert edge.balance(user) == 0, change


def test_credits_go_to_the_orders_user_even_if_the_event_names_another(edge: Edge):
    payment = edge.create("owner")
    paid = session(payment, "thief", edge.stack_name)

    assert edge.deliver(as_stripe_writes(event("checkout.session.completed", paid))).status_code == 200
    assert (edge.balance("owner"), edge.balance("thief")) == (1100, 0)


def test_the_log_of_a_bad_signature_holds_neither_body_nor_secret(edge: Edge, place: str):
    body = as_stripe_writes(event("customer.created", {"livemode": False, "card": edge.plant()}))

    assert is_refused(edge.deliver(body, signed(body, "whsec_other"), to=place))
    assert edge.leaked() == set()


@pytest.mark.parametrize("size", [600_000, 7_000_000, 11_000_000])
def test_an_oversized_body_is_refused(edge: Edge, place: str, size: int):
    """Larger than the function reads, than Lambda accepts, and than the gateway accepts."""
    body = b'{"padding": "' + b"x" * size + b'"}'

    response = edge.deliver(body, to=place)

    assert response.status_code == 413
    assert size > 600_000 or response.json()["code"] == "body_too_large"


def test_no_other_method_delivers_a_webhook(edge: Edge):
    body = as_stripe_writes(event("customer.created", {"livemode": False}))
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert edge.request(method, WEBHOOK, content=body).status_code == 405
        assert is_refused(edge.request(method, edge.function_url, content=body))
    assert edge.get(CREDITS).status_code == 401
