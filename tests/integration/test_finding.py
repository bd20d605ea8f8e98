"""Staff find payments by what they know of them: never by reading the whole table."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from local.client import session_of
from local.in_process.api import as_support, as_user
from local.in_process.dynamodb import Emulator
from local.in_process.environment import API_KEY, USER_ID
from local.in_process.shop import Shop
from tests.integration.stripe_side import REFUNDS, calls_of_stripe, charge_of, foreign_payment, quarantined
from topup.runtime import config
from topup.store import waiting
from topup.stripe_gateway import finding

FIND = "/api/admin/payments"


def ids(response: Any) -> list[str]:
    """The payments of a page."""
    assert response.status == 200, response.body
    return [row["payment_id"] for row in response.json()["payments"]]


def pages(shop: Shop, **search: Any) -> list[list[str]]:
    """All pages of a search."""
    found, cursor = [], None
    while True:
        response = shop.find(**search, **({"cursor": cursor} if cursor else {}))
        found.append(ids(response))
        cursor = response.json()["next_cursor"]
        assert ("link" in response.headers) == (cursor is not None)
        if cursor is None:
            return found


# ------------------------------------------------------------------------------------------------ by ids and e-mail


def test_a_payment_is_found_by_each_of_its_ids_at_stripe_with_one_call(shop: Shop):
    payment = shop.create()
    intent = shop.pay(payment)
    shop.deliver()
    shop.buy()
    charge = charge_of(shop, intent)
    calls = calls_of_stripe(shop)

    for search in ({"session": session_of(payment)}, {"payment_intent": intent}, {"charge": charge}):
        assert ids(shop.find(**search)) == [payment["payment_id"]]

    paths = [call.partition("?")[0] for call in calls]
    assert paths == [
        f"GET /v1/checkout/sessions/{session_of(payment)}",
        f"GET /v1/payment_intents/{intent}",
        f"GET /v1/charges/{charge}",
    ]


def test_an_unpaid_payment_is_found_by_its_session(shop: Shop):
    payment = shop.create()

    assert ids(shop.find(session=session_of(payment))) == [payment["payment_id"]]


def test_a_payment_is_found_by_our_own_id_without_a_call(shop: Shop):
    payment_id, _ = shop.buy()
    calls = calls_of_stripe(shop)

    assert ids(shop.find(payment_id=payment_id)) == [payment_id]
    assert calls == []


def test_the_rows_are_those_of_the_payments_own_answer(shop: Shop):
    payment_id, _ = shop.buy()
    shop.refund(payment_id, 10)

    [row] = shop.find(payment_id=payment_id).json()["payments"]

    assert row == shop.payment(payment_id)
    assert row["user_id"] == USER_ID
    assert len(row["refunds"]) == 1


@pytest.mark.parametrize(
    "search",
    [
        {"payment_id": "x"},
        {"payment_id": "00000000-0000-4000-8000-000000000000"},
        {"session": "cs_test_unknown"},
        {"payment_intent": "pi_unknown"},
        {"charge": "ch_unknown"},
        {"email": "nobody@example.com"},
        {"status": "quarantined"},
    ],
    ids=lambda search: next(iter(search)),
)
def test_what_does_not_exist_is_an_empty_list(shop: Shop, search: dict[str, str]):
    shop.buy()

    assert shop.find(**search).json() == {"payments": [], "next_cursor": None}


def test_what_another_stack_has_made_at_stripe_is_not_found(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    payment = shop.create()
    intent = shop.pay(payment)
    monkeypatch.setenv("STACK_NAME", "another")
    config.settings.cache_clear()

    for search in ({"session": session_of(payment)}, {"payment_intent": intent}, {"email": "buyer@example.com"}):
        assert ids(shop.find(**search)) == []


def test_payments_are_found_by_the_buyers_address_newest_first_page_by_page(shop: Shop):
    bought = []
    for _ in range(5):
        bought.append(shop.buy()[0])
        shop.wait(seconds=1)
    shop.create()  # nobody has given an address for it
    calls = calls_of_stripe(shop)

    assert ids(shop.find(email="buyer@example.com")) == bought[::-1]
    assert len(calls) == 1
    assert [one for page in pages(shop, email="buyer@example.com", limit=2) for one in page] == bought[::-1]


def test_an_address_may_have_any_character(shop: Shop):
    created = shop.api.post(
        "/api/payments/stripe/create",
        {"package": "trial"},
        as_user(email="a+b'c@example.com") | {"x-api-key": API_KEY},
    ).json()
    shop.pay(created)
    shop.deliver()

    assert ids(shop.find(email="a+b'c@example.com")) == [created["payment_id"]]


def test_while_stripe_does_not_answer_a_search_that_needs_it_is_502_and_the_others_work(shop: Shop):
    payment_id, intent = shop.buy()
    shop.fault(f"/v1/payment_intents/{intent}", "500")

    assert shop.find(payment_intent=intent).json()["code"] == "stripe_error"
    assert ids(shop.find(payment_id=payment_id)) == [payment_id]


# ----------------------------------------------------------------------------------------------------- by state


def test_quarantined_payments_are_found(shop: Shop):
    shop.buy()
    shop.create()
    payment_id, _ = quarantined(shop)

    [row] = shop.find(status="quarantined").json()["payments"]

    assert row["payment_id"] == payment_id
    assert "subtotal_minor" in row["quarantine_reason"]


def test_payments_whose_money_is_on_its_way_are_found_until_it_is_there(shop: Shop):
    shop.create()
    slow = [shop.create() for _ in range(3)]
    for payment in slow:
        shop.pay(payment, method="alipay")
    shop.deliver()

    assert sorted(ids(shop.find(status="processing"))) == sorted(payment["payment_id"] for payment in slow)

    shop.simulator.settle(session_of(slow[0]), "succeeded")
    shop.simulator.settle(session_of(slow[1]), "failed")
    shop.deliver()
    assert ids(shop.find(status="processing")) == [slow[2]["payment_id"]]


def test_payments_with_a_refund_in_flight_are_found_once(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_before", times=2)
    for amount in (1, 2):
        assert shop.refund(payment_id, amount).status == 202
    shop.buy()

    assert ids(shop.find(status="in_flight")) == [payment_id]

    shop.wait(minutes=5)
    shop.reconcile()
    assert ids(shop.find(status="in_flight")) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_a_walk_through_the_pages_finds_each_payment_once(shop: Shop, limit: int):
    expected = {quarantined(shop)[0] for _ in range(3)}
    slow = [shop.create() for _ in range(3)]
    for payment in slow:
        shop.pay(payment, method="alipay")
    shop.deliver()

    found = [*pages(shop, status="quarantined", limit=limit)]
    waits = [*pages(shop, status="processing", limit=limit)]

    assert sorted(one for page in found for one in page) == sorted(expected)
    assert sorted(one for page in waits for one in page) == sorted(payment["payment_id"] for payment in slow)
    assert all(len(page) <= limit for page in (*found, *waits))


def test_what_an_older_version_stored_among_the_unpaid_is_found_after_its_next_look(shop: Shop, dynamodb: Emulator):
    payment = shop.create()
    shop.pay(payment, method="alipay")
    shop.deliver()
    shard = f"payment:{payment['payment_id'][0]}"
    dynamodb.client.update_item(
        TableName=dynamodb.orders_table,
        Key={"payment_id": {"S": payment["payment_id"]}, "record": {"S": "ORDER"}},
        UpdateExpression="SET waits_for = :shard",
        ExpressionAttributeValues={":shard": {"S": shard}},
    )
    assert ids(shop.find(status="processing")) == []

    shop.wait(minutes=20)
    shop.reconcile()

    assert ids(shop.find(status="processing")) == [payment["payment_id"]]


def test_no_search_reads_more_than_its_page_and_none_scans(shop: Shop):
    for _ in range(30):
        shop.create()
    shop.dynamodb.operations.clear()

    shop.find(status="quarantined")
    assert shop.dynamodb.operations == ["Query"]
    shop.dynamodb.operations.clear()
    shop.find(status="processing")
    assert shop.dynamodb.operations == ["Query"] * len(waiting.SHARDS)


def test_payments_that_have_waited_for_long_are_found_apart(shop: Shop):
    old = shop.create()
    shop.pay(old, method="alipay")
    shop.deliver()
    shop.wait(hours=24)
    shop.pay(shop.create(), method="alipay")
    shop.deliver()

    [row] = shop.find(status="processing", min_age_seconds=86_400).json()["payments"]

    assert (row["payment_id"], row["age_seconds"]) == (old["payment_id"], 86_400)
    assert ids(shop.find(status="processing", min_age_seconds=86_401)) == []
    assert len(ids(shop.find(status="processing"))) == 2


# -------------------------------------------------------------------------------------------------- by open dispute


def disputed(shop: Shop, **how: Any) -> tuple[str, str]:
    """A payment with a dispute; the dispute's id at Stripe."""
    payment_id, intent = shop.buy()
    dispute = shop.simulator.dispute(intent, **how)
    shop.deliver()
    shop.wait(seconds=1)
    return payment_id, dispute["id"]


def test_payments_with_open_disputes_are_found_with_one_call_the_newest_first(shop: Shop):
    lost, inquiry, opened = disputed(shop), disputed(shop, status="warning_needs_response"), disputed(shop)
    shop.simulator.close_dispute(lost[1], "lost")
    shop.deliver()
    shop.buy()
    calls = calls_of_stripe(shop)

    response = shop.find(status="disputed")

    assert ids(response) == [opened[0], inquiry[0]]
    assert len(calls) == 1
    assert [row["disputes"][0]["dispute_id"] for row in response.json()["payments"]] == [opened[1], inquiry[1]]


def test_a_dispute_that_an_older_version_recorded_or_nobody_reported_is_found(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.dispute(intent)
    shop.lose()

    assert ids(shop.find(status="disputed")) == [payment_id]


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_walk_through_open_disputes_finds_each_payment_once(shop: Shop, monkeypatch: pytest.MonkeyPatch, limit: int):
    monkeypatch.setattr(finding, "PAGE", 3)
    opened = [disputed(shop)[0] for _ in range(4)]
    closed = [disputed(shop)[1] for _ in range(4)]
    for dispute in closed:
        shop.simulator.close_dispute(dispute, "won")
    opened += [disputed(shop)[0] for _ in range(2)]
    shop.deliver()

    found = [one for page in pages(shop, status="disputed", limit=limit) for one in page]

    assert found == opened[::-1]


def test_a_dispute_of_another_system_is_not_ours(shop: Shop):
    shop.simulator.dispute(foreign_payment(shop))

    assert ids(shop.find(status="disputed")) == []


# ------------------------------------------------------------------------------------------------ who, and mistakes


def test_support_finds_payments_too(shop: Shop):
    payment_id, _ = shop.buy()

    assert ids(shop.api.get(f"{FIND}?payment_id={payment_id}", as_support())) == [payment_id]


@pytest.mark.parametrize("headers", [{}, {"x-api-key": API_KEY}, as_user(), as_user(role="notadmin")])
def test_nobody_else_finds_any(shop: Shop, headers: dict[str, str]):
    payment_id, _ = shop.buy()

    response = shop.api.get(f"{FIND}?payment_id={payment_id}", headers)

    assert response.status == (403 if "authorization" in headers else 401)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "query"),
        ("limit=5", "query"),
        ("payment_id=x&session=cs_1", "query"),
        ("user_id=user-1", "user_id"),
        ("status=succeeded", "status"),
        ("status=quarantined&limit=0", "limit"),
        ("status=quarantined&cursor=x", "cursor"),
        ("session=cs_1/../x", "session"),
        ("session=", "session"),
        ("charge=ch%201", "charge"),
        ("email=nobody", "email"),
        ("email=a@b@c", "email"),
        ("payment_id=x&cursor=x", "cursor"),
        ("status=disputed&cursor=WyJkdV94Il0", "cursor"),
        ("status=processing&min_age_seconds=-1", "min_age_seconds"),
        ("status=processing&min_age_seconds=1.5", "min_age_seconds"),
        ("status=disputed&min_age_seconds=1", "min_age_seconds"),
        ("email=a@example.com&min_age_seconds=1", "min_age_seconds"),
        ("payment_id=x&payment_id=y", "payment_id"),
    ],
)
def test_a_search_that_is_none_is_refused_and_named(shop: Shop, query: str, field: str):
    response = shop.api.get(f"{FIND}?{query}", as_support())

    assert (response.status, response.json()["errors"][0]["field"]) == (422, field)


def forged(*position: str) -> str:
    return quote(base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("="))


@pytest.mark.parametrize(
    "position",
    [
        ("quarantine", "2026-03-01T12:00:00.000000Z", "00000000-0000-4000-8000-000000000000"),
        ("refund", "2026-03-01T12:00:00.000000Z", "00000000-0000-4000-8000-000000000000", "ORDER"),
        ("quarantine", "yesterday", "00000000-0000-4000-8000-000000000000", "ORDER"),
        ("quarantine", "2026-03-01T12:00:00.000000Z", "x", "ORDER"),
        ("quarantine", "2026-03-01T12:00:00.000000Z", "00000000-0000-4000-8000-000000000000", "WALLET"),
    ],
)
def test_a_forged_cursor_is_refused(shop: Shop, position: tuple[str, ...]):
    response = shop.api.get(f"{FIND}?status=quarantined&cursor={forged(*position)}", as_support())

    assert (response.status, response.json()["errors"][0]["field"]) == (422, "cursor")


def test_a_forged_cursor_of_a_search_by_address_is_refused(shop: Shop):
    response = shop.api.get(f"{FIND}?email=a@example.com&cursor={forged('cs_unknown')}", as_support())

    assert (response.status, response.json()["errors"][0]["field"]) == (422, "cursor")


def test_while_stripe_does_not_answer_a_cursor_is_not_to_blame(shop: Shop):
    for _ in range(2):
        shop.buy()
    cursor = shop.find(email="buyer@example.com", limit=1).json()["next_cursor"]
    shop.fault("/v1/checkout/sessions", "500", times=4)

    response = shop.find(email="buyer@example.com", limit=1, cursor=cursor)

    assert (response.status, response.json()["code"]) == (502, "stripe_error")
