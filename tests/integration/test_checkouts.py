"""Creating a checkout: one order and one session, whatever goes wrong in between."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
import stripe

from local.client import session_of
from local.in_process.api import Api, ApiResponse, as_buyer, as_user
from local.in_process.dynamodb import (
    Crash,
    Emulator,
    Fault,
    crashed_after,
    crashed_before,
    lost_after,
    lost_before,
    overtaken_by,
)
from local.in_process.shop import Shop
from tests.integration.stripe_side import after_stripe_answers
from tests.integration.webhooks import COMPLETED, SUCCEEDED, deliver, granted
from tests.support.builders import PAYMENT_ID, an_order
from tests.support.stripe_events import event, intent, metadata, session
from tests.support.stripe_wire import (
    StripeWire,
    WireRequest,
    opens_session,
    refuses,
    times_out,
    times_out_after,
)
from topup import store
from topup.checkouts import CheckoutRequest
from topup.domain import checkout_options, idempotency
from topup.domain.catalogue import Catalogue
from topup.domain.orders import Status
from topup.runtime import config
from topup.store import order_items
from topup.stripe_gateway import client

CREATE = "/api/payments/stripe/create"
KEY = {"idempotency-key": "buy-1"}
STANDARD = {"package": "standard"}


def create(api: Api, body: Any = None, headers: dict[str, str] | None = None, user: str = "user-1") -> ApiResponse:
    return api.post(CREATE, STANDARD if body is None else body, as_buyer(user) | (headers or {}))


def test_a_checkout_is_an_order_and_a_session_in_two_writes_and_one_call(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire
):
    response = create(api, {"package": "standard", "return_url": "https://shop.example/callback"})

    created = response.json()
    session_id = f"cs_test_{created['payment_id'].replace('-', '')}1"
    assert created == {
        "payment_id": created["payment_id"],
        "status": "pending",
        "amount": "100.00",
        "currency": "CNY",
        "credits_purchased": 1100,
        "payment_url": f"https://checkout.stripe.com/c/pay/{session_id}",
    }
    assert dynamodb.operations == ["PutItem", "UpdateItem"]
    assert len(stripe_wire.requests) == 1
    order = store.load_order(created["payment_id"])
    assert order is not None
    assert (order.provider_order_id, order.amount_minor, order.livemode) == (session_id, 10000, False)


def test_the_objects_of_each_attempt_name_it(api: Api, stripe_wire: StripeWire):
    stripe_wire.then(refuses(500), refuses(500))
    create(api, headers=KEY)
    create(api, headers=KEY)

    for where in ("metadata", "payment_intent_data[metadata]"):
        assert [request.params[f"{where}[attempt]"] for request in stripe_wire.requests] == ["1", "1", "2"]


def test_two_stages_of_one_stripe_account_have_keys_of_their_own(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire, environment: pytest.MonkeyPatch
):
    first = create(api, headers=KEY)
    dynamodb.client.delete_item(TableName=dynamodb.orders_table, Key=order_items.order_key(first.json()["payment_id"]))
    environment.setenv("STACK_NAME", "another-stage")
    config.settings.cache_clear()
    second = create(api, headers=KEY)

    assert first.json()["payment_id"] == second.json()["payment_id"]
    assert len({request.idempotency_key for request in stripe_wire.requests}) == 2


def test_every_object_at_stripe_names_its_order_and_user(api: Api, stripe_wire: StripeWire):
    payment_id = create(api).json()["payment_id"]

    [request] = stripe_wire.requests
    assert request.params["client_reference_id"] == payment_id
    for where in ("metadata", "payment_intent_data[metadata]"):
        assert request.params[f"{where}[order_id]"] == payment_id
        assert request.params[f"{where}[user_id]"] == "user-1"
    assert request.params["line_items[0][price_data][unit_amount]"] == "10000"
    assert request.params["line_items[0][price_data][currency]"] == "cny"
    assert request.params["success_url"] == f"https://shop.example/?payment_id={payment_id}&status=success"
    assert request.params["cancel_url"] == f"https://shop.example/?payment_id={payment_id}&status=cancelled"


@pytest.mark.parametrize(
    ("locale", "name", "description"),
    [
        ("en", "Standard – 1,100 credits", "Valid until 1 September 2026"),
        ("zh", "标准包 – 1,100 积分", "有效期至 2026年9月1日"),
        (None, "标准包 – 1,100 积分", "有效期至 2026年9月1日"),
    ],
)
def test_the_pay_page_names_what_is_bought_in_the_buyers_language(
    api: Api, stripe_wire: StripeWire, locale: str | None, name: str, description: str
):
    create(api, STANDARD | {"locale": locale})

    [request] = stripe_wire.requests
    assert request.params["line_items[0][price_data][product_data][name]"] == name
    assert request.params["line_items[0][price_data][product_data][description]"] == description
    assert request.params.get("locale") == locale


def test_a_retry_opens_the_same_session_though_time_has_passed(api: Api, stripe_wire: StripeWire):
    stripe_wire.then(times_out, times_out)
    create(api, STANDARD | {"locale": "en"}, KEY)
    api.now += timedelta(days=40)
    create(api, STANDARD | {"locale": "en"}, KEY)

    assert len(stripe_wire.requests) == 3
    assert all(request.params == stripe_wire.requests[0].params for request in stripe_wire.requests)


def test_a_locale_that_stripe_does_not_have_is_refused(api: Api, stripe_wire: StripeWire):
    response = create(api, STANDARD | {"locale": "klingon"})

    assert (response.status, response.json()["errors"][0]["field"]) == (422, "locale")
    assert stripe_wire.requests == []


def test_the_locales_are_those_of_stripes_library():
    annotation = stripe.params.checkout.SessionCreateParams.__annotations__["locale"]

    assert set(get_args(checkout_options.Locale)) == set(re.findall(r"'([^']+)'", str(annotation)))


def test_the_same_key_with_another_locale_is_another_request(api: Api):
    create(api, STANDARD | {"locale": "en"}, KEY)

    assert create(api, STANDARD | {"locale": "zh"}, KEY).json()["code"] == "idempotency_conflict"
    assert create(api, STANDARD, KEY).json()["code"] == "idempotency_conflict"


def test_a_request_without_a_locale_is_the_one_that_an_older_version_stored():
    wanted = CheckoutRequest(
        user_id="user-1", package_id="standard", return_url=None, locale=None, email=None, idempotency_key="buy-1"
    )

    assert wanted.fingerprint == idempotency.fingerprint("standard", None)


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({}, None),
        ({"email": "li@example.com"}, "li@example.com"),
        ({"email": "li@example.com", "email_verified": True}, "li@example.com"),
        ({"email": "li@example.com", "email_verified": False}, None),
        ({"email": "li@example.com", "email_verified": "false"}, None),
        ({"email": "no address"}, None),
        ({"email": "li@localhost"}, None),
        ({"email": f"li@{'a' * 260}.com"}, None),
        ({"email": ["li@example.com"]}, None),
    ],
)
def test_the_pay_page_knows_the_verified_address_of_the_token(
    api: Api, stripe_wire: StripeWire, claims: dict[str, Any], email: str | None
):
    response = api.post(CREATE, STANDARD, as_buyer("user-1", **claims))

    assert response.status == 200
    [request] = stripe_wire.requests
    assert request.params.get("customer_email") == email


def test_stripe_converts_no_currency_and_uses_our_api_version(api: Api, stripe_wire: StripeWire):
    create(api)

    [request] = stripe_wire.requests
    assert request.params["adaptive_pricing[enabled]"] == "false"
    assert request.headers["Stripe-Version"] == client.API_VERSION


def test_the_api_version_is_the_librarys_own():
    assert stripe.api_version == client.API_VERSION


def test_every_call_of_stripe_and_dynamodb_has_a_time_limit(
    api: Api, dynamodb: Emulator, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.undo()
    limits = dynamodb.client.meta.config

    waits = client.http_client()._timeout  # type: ignore[attr-defined]
    assert (waits.connect_timeout, waits.read_timeout) == (client.CONNECT_TIMEOUT, client.READ_TIMEOUT)
    assert (limits.connect_timeout, limits.read_timeout) == (1, 1)
    assert limits.retries["total_max_attempts"] == 2


# ----------------------------------------------------------------------------------------------- the same request again


def test_the_same_key_and_body_give_the_same_payment_and_one_session(api: Api, stripe_wire: StripeWire):
    first, second = create(api, headers=KEY), create(api, headers=KEY)

    assert first.json() == second.json()
    assert len(stripe_wire.requests) == 1


def test_without_a_key_every_request_is_a_new_payment(api: Api):
    assert create(api).json()["payment_id"] != create(api).json()["payment_id"]


def test_the_same_key_with_another_body_is_a_conflict(api: Api, stripe_wire: StripeWire):
    create(api, headers=KEY)

    for other in ({"package": "trial"}, STANDARD | {"return_url": "https://shop.example/x"}):
        response = create(api, other, KEY)
        assert (response.status, response.json()["code"]) == (409, "idempotency_conflict")
    assert len(stripe_wire.requests) == 1


def test_another_users_same_key_is_independent(api: Api):
    assert create(api, headers=KEY).json()["payment_id"] != create(api, headers=KEY, user="user-2").json()["payment_id"]


@pytest.mark.parametrize("key", ["", "é", "x" * 256, "tab\there"])
def test_a_malformed_key_is_refused_and_named(api: Api, key: str):
    response = create(api, headers={"idempotency-key": key})

    assert (response.status, response.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize("gone", ["package", "origin"])
def test_a_retry_returns_the_stored_order_even_if_the_package_or_the_origin_was_withdrawn(
    api: Api, environment: pytest.MonkeyPatch, gone: str
):
    body = {"package": "standard", "return_url": "https://other.example:8443/back"}
    first = create(api, body, KEY)
    if gone == "package":
        environment.setattr(config, "catalogue", lambda: Catalogue(packages={}, credit_value_rmb=Decimal(1)))
    else:
        environment.setenv("FRONTEND_URL", "https://shop.example")
        config.settings.cache_clear()

    assert create(api, body, KEY).json() == first.json()
    assert create(api, body, {"idempotency-key": "another"}).status == 422
    assert create(api, {"package": "trial", "return_url": body["return_url"]}, KEY).status in (409, 422)


def test_a_retry_keeps_the_price_and_credits_of_the_first_request(
    api: Api, stripe_wire: StripeWire, monkeypatch: pytest.MonkeyPatch
):
    stripe_wire.then(times_out, times_out)
    create(api, headers=KEY)
    dearer = config.catalogue().packages["premium"]
    monkeypatch.setattr(
        config, "catalogue", lambda: Catalogue(packages={"standard": dearer}, credit_value_rmb=Decimal(1))
    )

    retried = create(api, headers=KEY)

    assert (retried.json()["amount"], retried.json()["credits_purchased"]) == ("100.00", 1100)


def test_a_checkout_that_has_expired_stays_so_under_its_key_and_a_new_key_opens_another(shop: Shop):
    first = create(shop.api, STANDARD, KEY).json()
    shop.simulator.expire(session_of(first))
    shop.deliver()

    again = create(shop.api, STANDARD, KEY)

    assert (again.status, again.json()["payment_id"], again.json()["status"]) == (200, first["payment_id"], "expired")
    assert create(shop.api, STANDARD, {"idempotency-key": "buy-1-2"}).json()["status"] == "pending"


def test_a_retry_after_the_first_session_expired_unseen_opens_another(shop: Shop):
    shop.dynamodb.fail("UpdateItem", crashed_before)
    with pytest.raises(Crash):
        create(shop.api, headers=KEY)
    shop.wait(hours=24, seconds=1)
    shop.deliver()  # the buyer never saw this session, and it has expired

    payment = create(shop.api, headers=KEY).json()
    assert payment["status"] == "pending"
    shop.pay(payment)
    shop.lose()
    shop.wait(seconds=10)

    assert shop.payment(payment["payment_id"])["status"] == "succeeded"
    assert shop.balance() == 1100
    shop.check()


def never_opened(shop: Shop) -> None:
    """A payment of KEY whose session Stripe did not open, a day and more ago."""
    shop.fault("/v1/checkout/sessions", "timeout_before", times=2)
    assert create(shop.api, headers=KEY).status == 502
    shop.wait(hours=26)


def test_a_payment_that_is_opened_anew_while_reconcile_runs_is_watched_until_it_is_paid(shop: Shop):
    never_opened(shop)
    shop.reconcile()
    after_stripe_answers(shop, shop.reconcile)

    payment = create(shop.api, headers=KEY).json()
    assert shop.payment(payment["payment_id"])["status"] == "pending"
    shop.pay(payment)
    shop.lose()
    shop.wait(minutes=16)
    shop.reconcile()

    assert shop.payment(payment["payment_id"])["status"] == "succeeded"
    assert shop.balance() == 1100
    shop.check()


def test_a_payment_that_ends_while_its_session_is_opened_is_opened_anew_by_the_next_request(shop: Shop):
    never_opened(shop)
    after_stripe_answers(shop, shop.reconcile)

    refused = create(shop.api, headers=KEY)
    assert (refused.status, refused.json()["code"], refused.headers["retry-after"]) == (503, "busy", "2")
    payment = create(shop.api, headers=KEY).json()
    assert payment["status"] == "pending"
    shop.pay(payment)
    shop.deliver()

    assert shop.payment(payment["payment_id"])["status"] == "succeeded"
    assert shop.balance() == 1100
    shop.check()


def test_a_payment_that_gets_its_session_while_reconcile_ends_it_does_not_end(shop: Shop):
    never_opened(shop)
    created: list[ApiResponse] = []
    shop.dynamodb.fail("UpdateItem", overtaken_by(lambda: created.append(create(shop.api, headers=KEY))))

    shop.reconcile()

    [response] = created
    assert response.status == 200
    assert shop.payment(response.json()["payment_id"])["status"] == "pending"
    shop.pay(response.json())
    shop.deliver()
    assert shop.balance() == 1100


def test_who_has_paid_is_sent_to_no_further_session(api: Api, stripe_wire: StripeWire):
    stripe_wire.then(times_out, times_out)
    create(api, headers=KEY)
    [placed] = api.get("/api/payments", as_user()).json()["payments"]
    order = store.load_order(placed["payment_id"])
    assert order is not None
    deliver(api, event(SUCCEEDED, intent(order)))
    stripe_wire.requests.clear()

    response = create(api, headers=KEY)

    assert (response.status, response.json()["status"], response.json()["payment_url"]) == (200, "succeeded", None)
    assert stripe_wire.requests == []
    assert granted(api) == [1100]


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize(("before", "after"), [("test", "live"), ("live", "test")])
def test_a_payment_of_one_mode_is_never_opened_in_the_other(
    api: Api, stripe_wire: StripeWire, environment: pytest.MonkeyPatch, is_open: bool, before: str, after: str
):
    environment.setenv("STRIPE_SECRET_KEY", f"sk_{before}_0123456789")
    if not is_open:
        stripe_wire.then(refuses(500), refuses(500))
    create(api, headers=KEY)
    stripe_wire.requests.clear()
    environment.setenv("STRIPE_SECRET_KEY", f"sk_{after}_0123456789")

    response = create(api, headers=KEY)

    assert (response.status, response.json()["code"]) == (409, "idempotency_conflict")
    assert f"Stripe's {before} mode" in response.json()["detail"]
    assert "new key" in response.json()["detail"]
    assert stripe_wire.requests == []
    assert create(api, headers={"idempotency-key": "buy-2"}).status == 200


# -------------------------------------------------------------------------- crashes, lost responses, failures of Stripe


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
@pytest.mark.parametrize("crash", [crashed_before, crashed_after])
def test_after_a_crash_the_retry_returns_one_order_and_one_session(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire, operation: str, crash: Fault
):
    dynamodb.fail(operation, crash)
    with pytest.raises(Crash):
        create(api, headers=KEY)

    response = create(api, headers=KEY)

    assert response.status == 200
    assert len({request.idempotency_key for request in stripe_wire.requests}) == 1
    assert api.get("/api/payments", as_user()).json()["payments"] == [
        api.get(f"/api/payments/{response.json()['payment_id']}", as_user()).json()
    ]


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
@pytest.mark.parametrize("fault", [lost_before, lost_after])
def test_a_write_whose_response_is_lost_is_recognised_as_our_own(
    api: Api, dynamodb: Emulator, operation: str, fault: Fault
):
    dynamodb.fail(operation, fault)

    assert create(api).status == 200


def test_when_stripe_times_out_after_it_opened_the_session_the_retry_returns_that_session(
    api: Api, stripe_wire: StripeWire
):
    opened: list[str] = []

    def opens(request: WireRequest) -> Any:
        status, body = opens_session(request)
        opened.append(body["id"])
        return status, body

    stripe_wire.then(times_out_after(opens), times_out, opens)

    first, second = create(api, headers=KEY), create(api, headers=KEY)

    assert (first.status, first.json()["code"]) == (502, "stripe_error")
    assert second.status == 200
    assert len(set(opened)) == 1
    assert second.json()["payment_url"].endswith(opened[0])


def test_after_a_500_the_retry_uses_another_key_because_stripe_would_replay_it(api: Api, stripe_wire: StripeWire):
    stripe_wire.then(refuses(500), refuses(500))

    first = create(api, headers=KEY)
    failed_keys = {request.idempotency_key for request in stripe_wire.requests}
    second = create(api, headers=KEY)

    assert (first.status, first.json()["code"]) == (502, "stripe_error")
    assert second.status == 200
    assert stripe_wire.requests[-1].idempotency_key not in failed_keys


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        (refuses(429, code="rate_limit"), 503, "busy"),
        (refuses(409, code="idempotency_key_in_use"), 503, "busy"),
        (refuses(400, type="invalid_request_error"), 502, "stripe_error"),
        (refuses(401), 502, "stripe_error"),
        (refuses(403), 502, "stripe_error"),
        (refuses(503), 502, "stripe_error"),
        (times_out, 502, "stripe_error"),
    ],
)
def test_whatever_stripe_answers_the_caller_gets_a_problem_and_may_retry(
    api: Api, stripe_wire: StripeWire, script: Any, status: int, code: str
):
    stripe_wire.then(script, script)

    response = create(api, headers=KEY)

    assert (response.status, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in response.headers) == (status == 503)
    assert "sk_test" not in response.body
    while (retried := create(api, headers=KEY)).status != 200:
        pass
    assert retried.json()["payment_url"]


def test_an_order_keeps_the_session_that_was_stored_first(api: Api, dynamodb: Emulator):
    order = store.place_order(an_order(provider_order_id=None, payment_url=None))
    store.attach_session(order, "cs_test_first", "https://first")

    assert store.attach_session(order, "cs_test_second", "https://second").payment_url == "https://first"


@pytest.mark.usefixtures("dynamodb")
def test_a_session_is_never_stored_for_an_order_that_does_not_exist():
    with pytest.raises(store.LostRace):
        store.attach_session(an_order(), "cs_test_1", "https://x")

    assert store.load_order(PAYMENT_ID) is None


@pytest.mark.parametrize("status", [Status.EXPIRED, Status.FAILED])
@pytest.mark.usefixtures("dynamodb")
def test_nobody_is_sent_to_a_session_of_an_order_that_has_ended(status: Status):
    order = an_order(provider_order_id=None, payment_url=None)
    store.place_order(replace(order, status=status))

    with pytest.raises(store.LostRace):
        store.attach_session(order, "cs_test_1", "https://x")


@pytest.mark.parametrize("status", [Status.PENDING, Status.DECLINED, Status.PROCESSING, Status.SUCCEEDED])
@pytest.mark.usefixtures("dynamodb")
def test_a_session_is_stored_for_an_order_that_something_has_happened_to(status: Status):
    order = store.place_order(an_order(status=status, provider_order_id=None, payment_url=None))

    assert store.attach_session(order, "cs_test_1", "https://x").payment_url == "https://x"


@pytest.mark.usefixtures("dynamodb")
def test_an_order_keeps_the_attempt_that_its_session_was_opened_for():
    order = store.place_order(an_order(provider_order_id=None, payment_url=None))
    store.next_attempt(order)
    with pytest.raises(store.LostRace):
        store.attach_session(order, "cs_test_1", "https://x")
    second = store.load_order(PAYMENT_ID)
    assert second is not None
    store.attach_session(second, "cs_test_2", "https://x")

    store.next_attempt(second)  # late: it saw the attempt fail that another request carried out

    stored = store.load_order(PAYMENT_ID)
    assert stored is not None
    assert (stored.attempt, stored.provider_order_id) == (2, "cs_test_2")


def test_an_update_is_decided_again_when_the_next_attempt_begins_meanwhile(api: Api, dynamodb: Emulator):
    order = store.place_order(an_order(provider_order_id=None, payment_url=None))
    dynamodb.fail("TransactWriteItems", overtaken_by(lambda: store.next_attempt(order)))
    paid = session(order, metadata=metadata(order) | {"attempt": "1"})

    assert deliver(api, event(COMPLETED, paid)).status == 200
    assert granted(api) == []


def test_two_retries_that_saw_the_same_failure_open_one_new_attempt(api: Api, stripe_wire: StripeWire):
    order = store.place_order(an_order(provider_order_id=None, payment_url=None))

    store.next_attempt(order)
    second = store.load_order(PAYMENT_ID)
    assert second is not None
    store.next_attempt(second)
    store.next_attempt(order)  # late: it saw only the first attempt fail

    stored = store.load_order(PAYMENT_ID)
    assert stored is not None
    assert stored.attempt == 3


# ------------------------------------------------------------------------------------------------------- wrong requests


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "package"),
        ({"package": "unknown"}, "package"),
        ({"package": 1}, "package"),
        ({"package": None}, "package"),
        ({"package": ""}, "package"),
        ({"package": ["standard"]}, "package"),
        (STANDARD | {"credits": 10**6}, "credits"),
        (STANDARD | {"price": "0.01"}, "price"),
        (STANDARD | {"user_id": "other"}, "user_id"),
        (STANDARD | {"status": "succeeded"}, "status"),
        (STANDARD | {"return_url": 1}, "return_url"),
        (STANDARD | {"return_url": ""}, "return_url"),
        (STANDARD | {"return_url": "https://evil.example"}, "return_url"),
        (STANDARD | {"return_url": "https://shop.example/" + "x" * 500}, "return_url"),
        ("standard", "body"),
        ([], "body"),
        (None, "package"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_written(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire, body: Any, field: str
):
    response = create(api, {} if body is None else body)

    assert (response.status, response.json()["code"]) == (422, "validation_failed")
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert dynamodb.operations == []
    assert stripe_wire.requests == []


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 422),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b'{"package": NaN}', 422),
        (b'{"package": 1e99999999999999999999}', 400),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(api: Api, raw: bytes, code: int):
    assert api.post(CREATE, raw=raw, headers=as_buyer()).status == code


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_another_content_type_is_refused(api: Api, kind: str):
    response = api.post(CREATE, STANDARD, as_buyer() | {"content-type": kind})

    assert (response.status, response.json()["code"]) == (415, "unsupported_media_type")


def test_json_may_name_its_charset(api: Api):
    headers = as_buyer() | {"content-type": "Application/JSON; charset=utf-8"}

    assert api.post(CREATE, STANDARD, headers).status == 200
