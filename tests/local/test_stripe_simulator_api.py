"""Requests to the simulated API: keys, parameters, errors, idempotency, lists, expansion and faults."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from local.stripe_simulator import Fault, NoResponse
from local.stripe_simulator.api.faults import Action
from tests.support.stripe_simulator import BASE_URL, DECLINED, SUCCEEDS, Account, line_item, session_params

SESSIONS = "/v1/checkout/sessions"


@pytest.fixture
def account() -> Account:
    return Account()


def refusal(account: Account, **changes: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        account.session(**changes)
    assert refused.value.http_status == 400
    return refused.value


def test_calls_without_the_secret_key_are_refused(account: Account) -> None:
    with pytest.raises(stripe.AuthenticationError, match=r"Invalid API Key provided: sk_test_\*+oper"):
        account.client_with("sk_test_another_key_of_a_developer_oper").v1.events.list()

    status, _, body = account.simulator.request("GET", "/v1/events", {}, b"")
    assert status == 401
    assert "You did not provide an API key" in json.loads(body)["error"]["message"]


def test_the_key_may_come_as_the_user_of_basic_authentication(account: Account) -> None:
    basic = "c2tfdGVzdF9zaW11bGF0ZWQ6"  # sk_test_simulated and no password
    status, _, _ = account.simulator.request("GET", "/v1/events", {"authorization": f"Basic {basic}"}, b"")

    assert status == 200


def test_an_unknown_parameter_is_refused_by_name(account: Account) -> None:
    error = refusal(account, discount_code="x")
    nested = refusal(account, line_items=[{**line_item(), "price_date": {"currency": "cny"}}])

    assert (error.code, error.param) == ("parameter_unknown", "discount_code")
    assert error.user_message == "Received unknown parameter: discount_code"
    assert nested.param == "line_items[0][price_date]"


def test_an_error_has_stripes_body_and_request_id(account: Account) -> None:
    status, headers, body = account.call("POST", SESSIONS, "foo=1&bar=2")

    assert status == 400
    assert headers["Request-Id"].startswith("req_")
    assert json.loads(body) == {
        "error": {
            "type": "invalid_request_error",
            "code": "parameter_unknown",
            "message": "Received unknown parameters: foo, bar",
            "param": "foo",
            "doc_url": "https://stripe.com/docs/error-codes/parameter-unknown",
        }
    }


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"mode": None}, "parameter_missing", "mode"),
        ({"success_url": None}, "parameter_missing", "success_url"),
        ({"line_items": None}, "parameter_missing", "line_items"),
        ({"success_url": "shop.example/back"}, "url_invalid", "success_url"),
        ({"success_url": "javascript:alert(1)"}, "url_invalid", "success_url"),
        ({"cancel_url": ""}, "parameter_invalid_empty", "cancel_url"),
        ({"mode": "payments"}, None, "mode"),
        ({"locale": "cn"}, None, "locale"),
        ({"client_reference_id": "x" * 201}, "parameter_invalid_string_too_long", "client_reference_id"),
        ({"line_items": [line_item(quantity=0)]}, "parameter_invalid_integer", "line_items[0][quantity]"),
        ({"line_items": [line_item(-1)]}, "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"),
        (
            {"line_items": [line_item(currency="rmb")]},
            None,
            "line_items[0][price_data][currency]",
        ),
        (
            {"line_items": [line_item(1_501, "kwd")]},
            "parameter_invalid_integer",
            "line_items[0][price_data][unit_amount]",
        ),
        (
            {"line_items": [line_item(99_050, "isk")]},
            "parameter_invalid_integer",
            "line_items[0][price_data][unit_amount]",
        ),
        (
            {"line_items": [line_item(99_001, "ugx")]},
            "parameter_invalid_integer",
            "line_items[0][price_data][unit_amount]",
        ),
        (
            {"payment_method_options": {"wechat_pay": {"app_id": "x"}}},
            "parameter_missing",
            "payment_method_options[wechat_pay][client]",
        ),
        ({"adaptive_pricing": {"enabled": "yes"}}, None, "adaptive_pricing[enabled]"),
    ],
)
def test_parameters_are_checked_as_stripe_checks_them(
    account: Account, changes: dict[str, Any], code: str | None, param: str
) -> None:
    error = refusal(account, **changes)

    assert (error.code, error.param) == (code, param)


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "usd", "amount_too_small"),
        (29, "cny", "amount_too_small"),
        (17_499, "huf", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (1_000_000_000, "inr", "amount_too_large"),
    ],
)
def test_a_charge_outside_stripes_limits_is_refused(account: Account, amount: int, currency: str, code: str) -> None:
    assert refusal(account, line_items=[line_item(amount, currency)]).code == code
    status, _, body = account.call("POST", "/v1/payment_intents", f"amount={amount}&currency={currency}")
    assert (status, json.loads(body)["error"]["code"]) == (400, code)


@pytest.mark.parametrize(("amount", "currency"), [(50, "usd"), (99_999_999, "usd"), (999_999_999_999, "idr")])
def test_a_charge_at_stripes_limits_is_accepted(account: Account, amount: int, currency: str) -> None:
    assert account.session(line_items=[line_item(amount, currency)]).amount_total == amount


def test_a_refund_may_be_below_the_smallest_charge_but_not_a_fraction(account: Account) -> None:
    intent = account.paid(line_items=[line_item(99_000, "isk")])

    with pytest.raises(stripe.InvalidRequestError) as refused:
        account.client.v1.refunds.create({"payment_intent": intent.id, "amount": 150})
    assert refused.value.param == "amount"
    assert account.client.v1.refunds.create({"payment_intent": intent.id, "amount": 100}).status == "succeeded"


def test_payment_method_types_can_no_longer_be_listed_at_this_version(account: Account) -> None:
    error = refusal(account, payment_method_types=["card"])

    assert (error.code, error.param) == ("payment_method_types_no_longer_supported", "payment_method_types")


def test_an_older_version_may_still_list_them(account: Account) -> None:
    body = (
        "mode=payment&success_url=https://shop.example&payment_method_types[]=card&line_items[0][quantity]=1"
        "&line_items[0][price_data][currency]=cny&line_items[0][price_data][unit_amount]=100"
        "&line_items[0][price_data][product_data][name]=x"
    )
    status, headers, response = account.call("POST", SESSIONS, body, Stripe_Version="2026-08-26.dahlia")

    assert (status, headers["Stripe-Version"]) == (200, "2026-08-26.dahlia")
    assert json.loads(response)["payment_method_types"] == ["card"]


@pytest.mark.parametrize(
    ("metadata", "fits"),
    [
        ({f"key{n}": "v" for n in range(50)}, True),
        ({f"key{n}": "v" for n in range(51)}, False),
        ({"k" * 40: "v" * 500}, True),
        ({"k" * 41: "v"}, False),
        ({"k": "v" * 501}, False),
    ],
)
def test_metadata_has_stripes_limits(account: Account, metadata: dict[str, str], fits: bool) -> None:
    if fits:
        assert account.session(metadata=metadata).metadata == stripe.StripeObject.construct_from(metadata, None)
    else:
        assert str(refusal(account, metadata=metadata).param).startswith("metadata")


@pytest.mark.parametrize(("minutes", "message"), [(29, "at least 30 minutes"), (24 * 60 + 1, "less than 24 hours")])
def test_expires_at_is_between_half_an_hour_and_a_day_away(account: Account, minutes: int, message: str) -> None:
    at = int(account.time.timestamp()) + minutes * 60

    assert message in str(refusal(account, expires_at=at))


def test_an_unknown_object_is_a_404_that_names_it(account: Account) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent: 'pi_x'") as refused:
        account.client.v1.payment_intents.retrieve("pi_x")

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_an_unknown_url_is_a_404(account: Account) -> None:
    status, _, body = account.call("GET", "/v1/subscriptions")

    assert status == 404
    assert "Unrecognized request URL (GET: /v1/subscriptions)" in json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    "body",
    ["a[b=1", "=1", "[a]=1", "a[" * 40, "metadata=1&metadata[a]=2", "a[b][c][d][e][f][g][h][i][j][k]=1", "%ff=%ff"],
)
def test_broken_bodies_are_refused_and_never_break_the_simulator(account: Account, body: str) -> None:
    status, _, _ = account.call("POST", SESSIONS, body)

    assert status == 400


def test_a_body_that_is_not_utf_8_is_refused(account: Account) -> None:
    sent = {"Authorization": "Bearer sk_test_simulated"}

    assert account.simulator.request("POST", SESSIONS, sent, b"\xff\xfe")[0] == 400


def create(account: Account, key: str, **changes: Any) -> stripe.checkout.Session:
    params: Any = session_params(**changes)
    return account.client.v1.checkout.sessions.create(params, {"idempotency_key": key})


def test_the_same_idempotency_key_gives_the_same_session(account: Account) -> None:
    first, second = create(account, "k-1"), create(account, "k-1")

    assert first.id == second.id
    assert first.last_response
    assert second.last_response
    assert "idempotent-replayed" not in first.last_response.headers
    assert second.last_response.headers["idempotent-replayed"] == "true"
    assert second.last_response.headers["original-request"] == first.last_response.headers["request-id"]
    assert len(account.client.v1.checkout.sessions.list().data) == 1


def test_threads_with_the_same_idempotency_key_get_one_session(account: Account) -> None:
    with ThreadPoolExecutor(8) as threads:
        sessions = list(threads.map(lambda _: create(account, "k-1").id, range(32)))

    assert len(set(sessions)) == 1


def test_an_idempotency_key_with_other_parameters_or_another_endpoint_is_refused(account: Account) -> None:
    create(account, "k-1")

    with pytest.raises(stripe.IdempotencyError, match="same parameters they were first used with"):
        create(account, "k-1", client_reference_id="another")
    with pytest.raises(stripe.IdempotencyError, match="same endpoint they were first used for"):
        account.client.v1.refunds.create({"payment_intent": "pi_1"}, {"idempotency_key": "k-1"})


def test_an_idempotency_key_is_forgotten_after_a_day(account: Account) -> None:
    first = create(account, "k-1")
    account.wait(hours=23)
    assert create(account, "k-1").id == first.id

    account.wait(hours=1)
    assert create(account, "k-1").id != first.id


def test_refused_parameters_are_not_stored_but_a_failed_call_is(account: Account) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        create(account, "k-1", mode="wrong")
    assert create(account, "k-1").status == "open"

    session = account.session()
    intent = account.simulator.pay(session.id, card=DECLINED)["payment_intent"]
    options: Any = {"idempotency_key": "k-2"}
    with pytest.raises(stripe.InvalidRequestError):
        account.client.v1.refunds.create({"payment_intent": intent}, options)
    account.simulator.pay(session.id, card=SUCCEEDS)
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        account.client.v1.refunds.create({"payment_intent": intent}, options)


def fault(account: Account, do: Action, path: str = SESSIONS, method: str | None = None) -> None:
    account.simulator.set_faults([Fault(path, do, method)])


def test_a_timeout_after_the_call_took_effect_leaves_a_session_that_the_retry_returns(account: Account) -> None:
    fault(account, "timeout_after")
    with pytest.raises(stripe.APIConnectionError):
        create(account, "k-1")

    sessions = account.client.v1.checkout.sessions.list().data
    assert [create(account, "k-1").id] == [session.id for session in sessions]


def test_a_timeout_before_the_call_took_effect_leaves_nothing(account: Account) -> None:
    fault(account, "timeout_before")
    with pytest.raises(stripe.APIConnectionError):
        create(account, "k-1")

    assert account.client.v1.checkout.sessions.list().data == []
    assert create(account, "k-1").status == "open"


def test_a_500_has_no_effect_and_is_stored_under_its_idempotency_key(account: Account) -> None:
    fault(account, "500")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            create(account, "k-1")
        assert failed.value.http_status == 500

    assert account.client.v1.checkout.sessions.list().data == []
    assert create(account, "k-2").status == "open"


@pytest.mark.parametrize(("do", "error"), [("429", stripe.RateLimitError), ("409", stripe.APIError)])
def test_a_temporary_refusal_is_not_stored(account: Account, do: Action, error: type[stripe.StripeError]) -> None:
    fault(account, do)
    with pytest.raises(error) as failed:
        create(account, "k-1")

    assert failed.value.http_status == int(do)
    assert create(account, "k-1").status == "open"


def test_a_fault_hits_only_the_calls_that_it_names_and_only_once(account: Account) -> None:
    account.simulator.set_faults([Fault(SESSIONS, "429", "POST"), Fault("/v1/refunds*", "timeout_before")])

    assert account.client.v1.checkout.sessions.list().data == []
    with pytest.raises(stripe.RateLimitError):
        account.session()
    assert account.session().status == "open"
    with pytest.raises(stripe.APIConnectionError):
        account.client.v1.refunds.list()
    assert account.simulator.faults == []


def test_a_call_without_a_response_raises_in_process(account: Account) -> None:
    fault(account, "timeout_before", "/v1/events")
    with pytest.raises(NoResponse):
        account.call("GET", "/v1/events")


def test_lists_are_newest_first_and_paged(account: Account) -> None:
    made = [account.session().id for _ in range(5)]
    sessions = account.client.v1.checkout.sessions
    first = sessions.list({"limit": 2})

    assert ([session.id for session in first.data], first.has_more, first.url) == (made[:2:-1], True, SESSIONS)
    second = sessions.list({"limit": 2, "starting_after": made[3]})
    assert [session.id for session in second.data] == [made[2], made[1]]
    before = sessions.list({"limit": 2, "ending_before": made[1]})
    assert ([session.id for session in before.data], before.has_more) == ([made[3], made[2]], True)
    assert [session.id for session in sessions.list({"limit": 2}).auto_paging_iter()] == made[::-1]


def test_lists_can_be_filtered(account: Account) -> None:
    intent = account.paid()
    account.session()
    account.simulator.refund(intent.id, 100)
    api = account.client.v1

    assert [s.payment_intent for s in api.checkout.sessions.list({"payment_intent": intent.id}).data] == [intent.id]
    assert [s.status for s in api.checkout.sessions.list({"status": "open"}).data] == ["open"]
    assert [c.id for c in api.charges.list({"payment_intent": intent.id}).data] == [intent.latest_charge]
    assert len(api.refunds.list({"payment_intent": intent.id}).data) == 1
    assert api.refunds.list({"charge": "ch_other"}).data == []


def test_events_can_be_filtered_by_type_and_time(account: Account) -> None:
    account.paid()
    since = int(account.time.timestamp()) + 60
    account.wait(minutes=1)
    account.paid()
    events = account.client.v1.events

    assert len(events.list({"type": "charge.succeeded"}).data) == 2
    assert len(events.list({"type": "charge.*", "created": {"gte": since}}).data) == 1
    assert (
        len(events.list({"types": ["charge.succeeded", "payment_intent.created"], "created": {"lt": since}}).data) == 2
    )


def test_expand_replaces_ids_by_objects(account: Account) -> None:
    session = account.session()
    account.simulator.pay(session.id, card=SUCCEEDS)
    expanded = account.client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge", "line_items"]}
    )

    assert isinstance(expanded.payment_intent, stripe.PaymentIntent)
    assert isinstance(expanded.payment_intent.latest_charge, stripe.Charge)
    assert expanded.line_items
    assert expanded.line_items.data[0].description == "标准包"
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        account.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["currency"]})


def test_an_event_names_the_call_that_caused_it(account: Account) -> None:
    intent = account.paid()
    account.client.v1.refunds.create({"payment_intent": intent.id}, {"idempotency_key": "refund-1"})
    by_api, by_buyer = (
        account.client.v1.events.list({"type": name}).data[0].request
        for name in ("refund.created", "checkout.session.completed")
    )

    assert by_api
    assert by_buyer
    assert (by_api.idempotency_key, str(by_api.id)[:4]) == ("refund-1", "req_")
    assert (by_buyer.id, by_buyer.idempotency_key) == (None, None)


def test_the_response_is_indented_utf_8_with_the_requested_version(account: Account) -> None:
    session = account.session()
    _, headers, body = account.call("GET", f"{SESSIONS}/{session.id}?expand[]=line_items")

    assert headers["Content-Type"] == "application/json"
    assert headers["Stripe-Version"] == stripe.api_version
    assert body.startswith(b'{\n  "id": "cs_test_')
    assert "标准包" in body.decode()
    assert json.loads(body)["url"].startswith(BASE_URL)
