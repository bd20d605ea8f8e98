"""What an event of a payment does to its order and to the buyer's credits, whenever and however often it comes."""

from datetime import timedelta
from typing import Any

import pytest

from local.in_process.api import Api, as_admin, as_support, as_user
from local.in_process.dynamodb import (
    Emulator,
)
from tests.integration.webhooks import COMPLETED, DECLINED, SUCCEEDED, deliver, granted, status
from tests.support.builders import PAYMENT_ID, an_order
from tests.support.stripe_events import declined_intent, event, intent, session
from topup import store
from topup.domain.orders import Order
from topup.runtime import config
from topup.store import order_items


def test_a_paid_session_grants_the_orders_credits_in_one_read_and_one_transaction(
    api: Api, order: Order, dynamodb: Emulator
):
    response = deliver(api, event(COMPLETED, session(order)))

    assert response.json() == {"received": True}
    assert dynamodb.operations == ["BatchGetItem", "TransactWriteItems"]
    assert granted(api) == [1100]
    assert status(api) == "succeeded"


@pytest.mark.parametrize("types", [(COMPLETED, SUCCEEDED), (SUCCEEDED, COMPLETED)])
def test_the_events_of_session_and_intent_make_one_grant_in_either_order(
    api: Api, order: Order, types: tuple[str, ...]
):
    subjects = {COMPLETED: session(order), SUCCEEDED: intent(order)}

    assert {deliver(api, event(kind, subjects[kind])).status for kind in types} == {200}
    assert granted(api) == [1100]


def test_a_duplicate_costs_one_read_and_writes_nothing(api: Api, order: Order, dynamodb: Emulator):
    paid = event(COMPLETED, session(order))
    deliver(api, paid)
    dynamodb.operations.clear()

    assert deliver(api, paid).status == 200
    assert dynamodb.operations == ["BatchGetItem"]


@pytest.mark.parametrize("later", [timedelta(hours=25), timedelta(days=8), timedelta(days=30), timedelta(days=400)])
def test_a_replay_much_later_grants_nothing(api: Api, order: Order, later: timedelta):
    paid = event(COMPLETED, session(order))
    deliver(api, paid)
    api.now += later

    assert deliver(api, paid).status == 200
    assert granted(api) == [1100]


def test_two_event_ids_for_the_same_payment_make_one_grant(api: Api, order: Order):
    deliver(api, event(COMPLETED, session(order), id="evt_a"))
    deliver(api, event(COMPLETED, session(order), id="evt_b"))

    assert granted(api) == [1100]


def test_an_event_of_an_order_that_does_not_exist_yet_is_not_acknowledged(
    api: Api, dynamodb: Emulator, capsys: pytest.CaptureFixture[str]
):
    paid = event(COMPLETED, session(an_order()))

    response = deliver(api, paid)

    assert (response.status, response.json()["code"]) == (503, "order_missing")
    assert '"OrderMissing":[1.0]' in capsys.readouterr().out
    store.place_order(an_order())
    assert deliver(api, paid).status == 200
    assert granted(api) == [1100]


@pytest.mark.parametrize(
    "changes", [{"amount_total": 9999}, {"currency": "usd"}, {"id": "cs_other"}, {"client_reference_id": "other"}]
)
def test_a_payment_unlike_its_order_is_quarantined_and_admin_and_support_see_why(
    api: Api, order: Order, capsys: pytest.CaptureFixture[str], changes: dict[str, Any]
):
    assert deliver(api, event(COMPLETED, session(order, **changes))).status == 200

    assert granted(api) == []
    assert '"PaymentQuarantined":[1.0]' in capsys.readouterr().out
    assert api.get(f"/api/payments/{PAYMENT_ID}", as_admin()).json()["quarantine_reason"]
    assert api.get(f"/api/payments/{PAYMENT_ID}", as_support()).json()["quarantine_reason"]
    assert "quarantine_reason" not in api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()


def test_an_intent_of_another_amount_is_quarantined(api: Api, order: Order):
    deliver(api, event(SUCCEEDED, intent(order, amount_received=1)))

    assert granted(api) == []


def test_metadata_that_names_another_user_does_not_give_them_the_credits(api: Api, order: Order):
    stranger = session(order)["metadata"] | {"user_id": "stranger"}

    deliver(api, event(COMPLETED, session(order, metadata=stranger)))

    assert granted(api) == [1100]
    assert api.get("/api/users/credits", as_user("stranger")).json()["balance"] == 0


def test_a_catalogue_that_changed_after_create_does_not_change_what_was_bought(
    api: Api, order: Order, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(config, "catalogue", lambda: pytest.fail("the order alone says what was bought"))

    deliver(api, event(COMPLETED, session(order)))

    assert granted(api) == [1100]


def test_the_credits_expire_after_the_configured_months(api: Api, order: Order, environment: pytest.MonkeyPatch):
    environment.setenv("CREDITS_EXPIRE_AFTER_MONTHS", "12")
    config.settings.cache_clear()

    deliver(api, event(COMPLETED, session(order)))

    [lot] = api.get("/api/users/credits", as_user()).json()["lots"]
    assert lot["expires_at"] == "2027-03-01T12:00:00Z"


# ------------------------------------------------------------------------------------------------------------- statuses


def test_an_unpaid_session_grants_nothing_until_it_settles(api: Api, order: Order):
    deliver(api, event(COMPLETED, session(order, payment_status="unpaid")))
    assert (status(api), granted(api)) == ("processing", [])

    deliver(api, event("checkout.session.async_payment_succeeded", session(order)))
    assert (status(api), granted(api)) == ("succeeded", [1100])


def test_a_delayed_payment_that_fails_is_failed_with_its_reason(api: Api, order: Order):
    deliver(api, event(COMPLETED, session(order, payment_status="unpaid")))
    deliver(api, event(DECLINED, declined_intent(order, "The customer closed Alipay.")))
    deliver(api, event("checkout.session.async_payment_failed", session(order, payment_status="unpaid")))

    payment = api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()
    assert (payment["status"], payment["error_message"]) == ("failed", "The customer closed Alipay.")
    assert payment["may_retry"] is False
    assert granted(api) == []


def test_a_declined_card_is_not_final(api: Api, order: Order):
    deliver(api, event(DECLINED, declined_intent(order)))
    payment = api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()
    assert (payment["status"], payment["error_message"]) == ("failed", "Your card was declined.")
    assert payment["may_retry"] is True

    deliver(api, event(COMPLETED, session(order)))
    assert (status(api), granted(api)) == ("succeeded", [1100])
    assert "error_message" not in api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({}, "card_declined"),
        ({"decline_code": "insufficient_funds"}, "insufficient_funds"),
        ({"code": "payment_intent_authentication_failure"}, "payment_intent_authentication_failure"),
        ({"code": None}, None),
        ({"code": "not a code: <b>"}, None),
        ({"code": 402}, None),
    ],
)
def test_a_decline_has_a_code_for_pages_to_word(api: Api, order: Order, error: dict[str, Any], code: str | None):
    deliver(api, event(DECLINED, declined_intent(order, **error)))

    payment = api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()
    assert (payment["error_message"], payment["error_code"]) == ("Your card was declined.", code)


@pytest.mark.parametrize("late", [DECLINED, "checkout.session.expired"])
def test_a_late_event_changes_nothing_after_success(api: Api, order: Order, dynamodb: Emulator, late: str):
    deliver(api, event(COMPLETED, session(order)))
    dynamodb.operations.clear()

    deliver(api, event(late, declined_intent(order) if late == DECLINED else session(order, status="expired")))

    assert dynamodb.operations == ["BatchGetItem"]
    assert status(api) == "succeeded"


def test_an_expired_session_ends_a_pending_order(api: Api, order: Order):
    deliver(api, event("checkout.session.expired", session(order, status="expired", payment_status="unpaid")))

    assert status(api) == "expired"


def test_a_payment_whose_status_a_newer_version_wrote_is_shown_and_left_alone(
    api: Api, order: Order, dynamodb: Emulator
):
    dynamodb.client.update_item(
        TableName=dynamodb.orders_table,
        Key=order_items.order_key(order.payment_id),
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": "on_hold"}},
    )

    assert status(api) == "processing"
    assert api.get("/api/payments", as_user()).json()["payments"][0]["status"] == "processing"
    response = deliver(api, event(COMPLETED, session(order)))

    # Stripe sends it again, for the version that knows the status.
    assert (response.status, response.json()["code"]) == (503, "busy")
    assert granted(api) == []


def test_a_record_that_a_newer_version_added_to_a_payment_is_left_out(api: Api, order: Order, dynamodb: Emulator):
    key = order_items.order_key(order.payment_id)
    dynamodb.client.put_item(TableName=dynamodb.orders_table, Item=key | {"record": {"S": "WARNING#issfr_1"}})

    assert status(api) == "pending"
