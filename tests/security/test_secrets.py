"""Secrets and personal data planted everywhere in requests appear in no log line and in no response."""

import base64
import json
import uuid
from typing import Any
from urllib.parse import quote

import pytest

from local.client import CREATE, CREDITS, PAYMENTS, REFUND, SPEND, TRANSACTIONS
from tests.security import leaks
from tests.security.edge import WEBHOOK, Edge
from tests.security.forging import as_stripe_writes, event, segment, signed, token

CARD = "4242424242424242"
FAR = 4_000_000_000


def plant_everywhere(edge: Edge) -> None:
    """Requests that fail at every stage, each with something private in it."""
    buyer, admin, service = edge.buyer("planter"), edge.admin(), edge.service(edge.plant())
    for body in (
        {"package": edge.plant()},
        {"package": CARD},
        {"package": "standard", "return_url": f"https://{edge.plant()}:{edge.plant()}@yourdomain.com/"},
        {"package": "standard", "return_url": f"https://evil.example/?card={CARD}&token={edge.plant()}"},
        {"package": [edge.plant()]},
        [edge.plant()],
    ):
        assert edge.post(CREATE, body, buyer).status_code == 422
    assert edge.post(CREATE, f"{{{edge.plant()}".encode(), buyer).status_code == 400
    for wrong in ({"amount": edge.plant()}, {"force": edge.plant()}, {"payment_id": edge.plant()}):
        body = {"payment_id": str(uuid.uuid4()), "reason": edge.plant(), **wrong}
        assert edge.post(REFUND, body, admin).status_code == 422
    assert edge.post(REFUND, {"payment_id": str(uuid.uuid4()), "reason": edge.plant()}, admin).status_code == 404
    spend = {"user_id": edge.plant(), "amount": 1, "description": f"{edge.plant()} {CARD}"}
    assert edge.post(SPEND, spend, service).status_code == 409
    assert edge.post(SPEND, spend | {"amount": edge.plant()}, service).status_code == 422
    assert edge.get(f"{PAYMENTS}/{edge.plant()}?key={edge.plant()}", buyer).status_code == 422
    assert edge.get(f"{PAYMENTS}/{edge.plant()}", buyer).status_code == 404
    for path in (PAYMENTS, TRANSACTIONS):
        assert edge.get(f"{path}?cursor={edge.plant()}", buyer).status_code == 422
        assert edge.get(f"{path}?limit={edge.plant()}", buyer).status_code == 422


def plant_in_headers(edge: Edge) -> None:
    secret = edge.stack.values["JWT_SECRET"].encode()
    bearers = [
        edge.plant(),
        f"{segment({'alg': 'none', 'kid': edge.plant()})}.{segment({'sub': edge.plant()})}.",
        token({"alg": "HS256", "kid": edge.plant()}, {"sub": "x", "exp": 1, "email": edge.plant()}, secret),
        token({"alg": "HS256"}, {"sub": {"id": edge.plant()}, "exp": FAR}, secret),
        token({"alg": "HS256"}, {"sub": "x", "exp": edge.plant()}, secret),
        token({"alg": edge.plant()}, {"sub": "x", "exp": FAR}, edge.plant().encode()),
    ]
    for bearer in bearers:
        for scheme in ("Bearer", "Basic", edge.plant()):
            assert edge.get(CREDITS, {"authorization": f"{scheme} {bearer}"}).status_code == 401
    others = {"cookie": f"session={edge.plant()}", "x-csrf-token": edge.plant(), "user-agent": edge.plant()}
    assert edge.get(CREDITS, edge.user("planter") | others).status_code == 200
    wrong_key = edge.user("planter") | {"x-api-key": edge.plant()}
    assert edge.post(CREATE, {"package": "trial"}, wrong_key).status_code == 401
    assert edge.post(SPEND, {}, {"x-api-key": edge.plant()}).status_code == 401


def plant_in_webhooks(edge: Edge) -> None:
    body = as_stripe_writes(event("customer.created", {"livemode": False, "email": edge.plant(), "card": CARD}))
    for header in ("", edge.plant(), f"t={edge.plant()},v1={edge.plant()}", signed(body, edge.plant())):
        assert edge.deliver(body, header).status_code == 400
        assert edge.deliver(body, header, to=f"{edge.function_url}/{edge.plant()}").status_code == 400
    assert edge.deliver(body).status_code == 200
    assert edge.deliver(edge.plant().encode()).status_code == 400
    damaged = {"id": "cs_1", "livemode": False, "amount_total": edge.plant(), "metadata": {"note": edge.plant()}}
    mine = damaged | {
        "metadata": {"order_id": str(uuid.uuid4()), "user_id": edge.plant(), "topup_stack": edge.stack_name}
    }
    for subject in (damaged, mine | {"payment_status": "paid"}):
        assert edge.deliver(as_stripe_writes(event("checkout.session.completed", subject))).status_code in (200, 400)


def plant_in_what_succeeds(edge: Edge) -> None:
    """Its owner or an administrator may read it again; no log may hold it."""
    user = edge.plant(in_responses=True)
    payment = edge.create(user)
    edge.pay(payment)
    description = edge.plant(in_responses=True)
    spend = {"user_id": user, "amount": 1, "description": f"{description} {CARD}"}
    assert edge.post(SPEND, spend, edge.service(edge.plant())).status_code == 200
    reason = edge.plant(in_responses=True)
    refund = {"payment_id": payment["payment_id"], "reason": f"{reason} {CARD}", "amount": 1}
    response = edge.post(REFUND, refund, edge.admin() | {"idempotency-key": edge.plant()})
    assert response.status_code == 200
    assert description in edge.get(TRANSACTIONS, edge.user(user)).text
    assert reason in edge.get(f"{PAYMENTS}/{payment['payment_id']}", edge.user(user)).text
    page = f"https://yourdomain.com/?session={edge.plant()}"
    assert edge.post(CREATE, {"package": "trial", "return_url": page}, edge.buyer(user)).status_code == 200


@pytest.mark.parametrize("plant", [plant_everywhere, plant_in_headers, plant_in_webhooks, plant_in_what_succeeds])
def test_planted_secrets_never_leak(edge: Edge, plant: Any):
    before = len(edge.log)

    plant(edge)

    assert len(edge.log) > before, "nothing was logged, so nothing could be found"
    assert len(edge.planted | edge.unlogged) > 3
    assert edge.leaked() == set()
    assert CARD not in edge.log


def test_no_stack_leaks_a_configured_secret(edge: Edge, rotating_edge: Edge, closed_edge: Edge):
    for one in (edge, rotating_edge, closed_edge):
        one.get(CREDITS, {"authorization": "Bearer x"})
        one.post(WEBHOOK, b"{}", {"stripe-signature": "t=1,v1=x"})
        assert len(one.configured) >= 2
        assert one.leaked() == set()


def test_only_the_log_names_a_missing_setting(closed_edge: Edge):
    response = closed_edge.post(WEBHOOK, b"{}", {"stripe-signature": "t=1,v1=x"})

    assert response.json()["detail"] == "The service is not configured"
    assert "STRIPE_WEBHOOK_SECRET is empty" in closed_edge.log


def test_every_log_line_is_one_whole_document(edge: Edge):
    lines = [line for line in edge.log.split("\n") if line]

    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)


# --------------------------------------------------------------------------------- the search finds what leaks


def test_a_leak_into_a_log_and_a_response_is_found(edge: Edge):
    """A check of the search itself: a payment's id is logged, and returned to its owner."""
    payment = edge.create("canary")

    edge.planted.add(payment["payment_id"])
    leaked = edge.leaked()
    edge.planted.remove(payment["payment_id"])

    assert leaked == {payment["payment_id"]}


def test_a_leak_into_a_log_alone_is_found(edge: Edge):
    missing = str(uuid.uuid4())
    subject = {"id": "cs_1", "livemode": False, "payment_status": "unpaid", "client_reference_id": missing}
    ours = {"metadata": {"order_id": missing, "user_id": "canary", "topup_stack": edge.stack_name}}
    body = as_stripe_writes(event("checkout.session.completed", subject | ours))
    # Our order is missing: the one webhook that must fail, so that Stripe delivers it again.
    headers = {"stripe-signature": signed(body, edge.webhook_secret)}
    assert edge.http.post(edge.stack.api_url + WEBHOOK, content=body, headers=headers).status_code == 503

    edge.unlogged.add(missing)
    leaked = edge.leaked()
    edge.unlogged.remove(missing)

    assert leaked == {missing}


@pytest.mark.parametrize("before", ["", "a", "ab", "user:"])
@pytest.mark.parametrize("after", ["", "z", "zy", ":password"])
def test_a_secret_is_found_in_every_encoding(before: str, after: str):
    secret = 'planted/secret+with "odd" letters: é'
    whole = (before + secret + after).encode()
    texts = [
        whole.decode(),
        base64.b64encode(whole).decode(),
        base64.urlsafe_b64encode(whole).decode().rstrip("="),
        quote(whole, safe=""),
        whole.hex(),
        json.dumps(whole.decode()),
    ]

    for text in texts:
        assert leaks.found([secret], f"... {text} ...") == {secret}
    assert leaks.found([secret], "planted/secret+with 'odd' letters: e") == set()
