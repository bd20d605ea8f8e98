"""Webhook deliveries of the simulated account, without a network: signatures, retries and reordering."""

import json
from collections import Counter
from datetime import timedelta

import pytest
import stripe

from local.stripe_simulator import Behaviour
from tests.support.stripe_simulator import SUCCEEDS, WEBHOOK_SECRET, WEBHOOK_URL, Account


@pytest.fixture
def account() -> Account:
    return Account()


def undelivered(account: Account) -> list[str]:
    return [event.id for event in account.client.v1.events.list({"delivery_success": False, "limit": 100}).data]


def test_a_delivery_is_signed_when_it_is_sent_over_the_bytes_that_are_sent(account: Account) -> None:
    account.paid()
    account.wait(minutes=7)
    delivery = account.simulator.due()[0]
    signature = delivery.headers["Stripe-Signature"]

    assert signature.startswith(f"t={int(account.time.timestamp())},v1=")
    assert delivery.url == WEBHOOK_URL
    assert delivery.headers["Content-Type"] == "application/json; charset=utf-8"
    assert delivery.headers["User-Agent"].startswith("Stripe/1.0 ")
    assert delivery.body == json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False).encode()
    assert account.verified(delivery).type == "payment_intent.created"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(delivery.body + b" ", signature, WEBHOOK_SECRET)


def test_an_event_is_a_snapshot_that_later_changes_do_not_reach(account: Account) -> None:
    intent = account.paid()
    account.simulator.refund(intent.id, 100)
    events = {event.type: event.data.object for event in account.deliver()}

    assert events["charge.succeeded"]["amount_refunded"] == 0
    assert events["charge.refunded"]["amount_refunded"] == 100


def test_an_updated_event_has_the_previous_values(account: Account) -> None:
    refund = account.simulator.refund(account.paid().id, 100)
    account.deliver()
    account.simulator.fail_refund(refund["id"])
    updated = next(event for event in account.deliver() if event.type == "refund.updated")

    assert updated.data.previous_attributes == stripe.StripeObject.construct_from(
        {"status": "succeeded", "failure_reason": None}, None
    )


def test_a_failed_delivery_is_retried_with_growing_pauses_until_it_succeeds(account: Account) -> None:
    account.simulator.expire(account.session().id)
    account.deliver(500)
    pauses = []
    for _ in range(4):
        due = account.simulator.next_due()
        assert due
        pauses.append((due - account.time).total_seconds())
        assert account.simulator.due() == []
        account.time = due
        account.deliver(None)

    assert pauses == [1, 2, 4, 8]
    account.wait(days=1)
    assert [event.type for event in account.deliver(200)] == ["checkout.session.expired"]
    account.wait(days=30)
    assert account.deliver() == []


def test_attempts_are_bounded(account: Account) -> None:
    account.simulator.expire(account.session().id)
    attempts = 0
    while account.simulator.next_due():
        attempts += len(account.deliver(503))
        account.wait(days=1)

    assert attempts == 12
    assert account.simulator.deliveries()[0]["state"] == "given_up"
    assert len(undelivered(account)) == 1


@pytest.mark.parametrize("status", [301, 400, 404, 500, None])
def test_only_a_2xx_counts_as_delivered(account: Account, status: int | None) -> None:
    account.simulator.expire(account.session().id)
    account.deliver(status)

    assert len(undelivered(account)) == 1
    account.wait(seconds=1)
    account.deliver(204)
    assert undelivered(account) == []


def test_the_log_has_every_attempt_with_its_result(account: Account) -> None:
    account.simulator.expire(account.session().id)
    (delivery,) = account.simulator.due()
    account.simulator.delivered(delivery, None, "ConnectError: refused")
    account.wait(seconds=1)
    account.deliver(200)

    (entry,) = account.simulator.deliveries()
    assert (entry["type"], entry["url"], entry["delivered"]) == ("checkout.session.expired", WEBHOOK_URL, True)
    assert [(a["attempt"], a["status"], a["error"]) for a in entry["attempts"]] == [
        (1, None, "ConnectError: refused"),
        (2, 200, None),
    ]


def test_pending_webhooks_counts_the_endpoints_without_a_successful_delivery(account: Account) -> None:
    account.simulator.add_webhook("http://127.0.0.1:9/other", "whsec_other")
    account.simulator.expire(account.session().id)
    (event,) = account.client.v1.events.list().data

    assert event.pending_webhooks == 2
    account.simulator.delivered(account.simulator.due()[0], 200)
    assert account.client.v1.events.retrieve(event.id).pending_webhooks == 1


def test_duplicates_are_sent_at_once_and_do_not_multiply_the_retries(account: Account) -> None:
    account.simulator.set_webhooks(Behaviour(duplicates=2))
    account.simulator.expire(account.session().id)

    assert len(account.deliver(500)) == 3
    account.wait(seconds=1)
    assert len(account.deliver(200)) == 1


def test_a_delivered_duplicate_cancels_the_retry(account: Account) -> None:
    account.simulator.set_webhooks(Behaviour(duplicates=1))
    account.simulator.expire(account.session().id)
    first, second = account.simulator.due()
    account.simulator.delivered(first, 500)
    account.simulator.delivered(second, 200)
    account.wait(days=1)

    assert account.simulator.due() == []


def test_shuffled_deliveries_are_in_another_order_and_none_is_missing(account: Account) -> None:
    account.simulator.set_webhooks(Behaviour(shuffle=True))
    for _ in range(3):
        account.paid()
    in_order = [event.id for event in account.client.v1.events.list({"limit": 100}).data][::-1]
    delivered = [event.id for event in account.deliver()]

    assert delivered != in_order
    assert Counter(delivered) == Counter(in_order)


def test_a_delay_postpones_deliveries(account: Account) -> None:
    account.simulator.set_webhooks(Behaviour(delay_ms=2_500))
    account.simulator.expire(account.session().id)

    assert account.simulator.next_due() == account.time + timedelta(milliseconds=2_500)
    account.wait(seconds=2)
    assert account.deliver() == []
    account.wait(seconds=1)
    assert len(account.deliver()) == 1


def test_a_dropped_delivery_is_lost_and_only_the_event_list_shows_it(account: Account) -> None:
    account.simulator.set_webhooks(Behaviour(drop=1.0))
    account.simulator.expire(account.session().id)
    account.wait(days=1)

    assert account.deliver() == []
    assert account.simulator.deliveries()[0]["state"] == "dropped"
    assert len(undelivered(account)) == 1


def test_paused_deliveries_are_sent_when_unpaused(account: Account) -> None:
    account.simulator.set_webhooks(Behaviour(paused=True))
    account.paid()

    assert account.deliver() == []
    assert account.simulator.next_due() is None
    assert len(undelivered(account)) == 4
    account.simulator.set_webhooks(Behaviour())
    assert len(account.deliver()) == 4


def test_an_event_can_be_resent_to_an_endpoint_that_has_received_it(account: Account) -> None:
    account.simulator.expire(account.session().id)
    (event,) = account.deliver()

    assert account.simulator.resend(event.id) == 1
    assert [again.id for again in account.deliver(500)] == [event.id]
    account.wait(days=1)
    assert account.deliver() == []
    assert undelivered(account) == []


def test_the_listener_is_called_for_new_deliveries_until_it_unsubscribes(account: Account) -> None:
    calls: list[str] = []
    unsubscribe = account.simulator.on_deliveries_planned(lambda: calls.append("planned"))
    account.simulator.expire(account.session().id)
    unsubscribe()
    account.simulator.expire(account.session().id)

    assert calls == ["planned"]


def test_a_webhook_endpoint_gets_the_types_it_enabled_signed_with_its_own_secret(account: Account) -> None:
    endpoint = account.client.v1.webhook_endpoints.create(
        {"url": "http://localhost:9/hook", "enabled_events": ["checkout.session.completed"]}
    )
    account.paid()
    (delivery,) = [d for d in account.simulator.due() if d.endpoint_id == endpoint.id]

    assert delivery.event_type == "checkout.session.completed"
    assert stripe.Webhook.construct_event(
        delivery.body, delivery.headers["Stripe-Signature"], endpoint.secret, tolerance=10**9
    )


def test_the_secret_of_a_webhook_endpoint_is_shown_once(account: Account) -> None:
    endpoints = account.client.v1.webhook_endpoints
    endpoint = endpoints.create({"url": "http://[::1]:9/", "enabled_events": ["*"], "metadata": {"a": "b"}})

    assert str(endpoint.secret).startswith("whsec_")
    assert "secret" not in endpoints.retrieve(endpoint.id)
    assert endpoints.list().data[0].id == endpoint.id


def test_a_disabled_or_deleted_endpoint_gets_nothing(account: Account) -> None:
    endpoints = account.client.v1.webhook_endpoints
    (standard,) = endpoints.list().data
    account.simulator.expire(account.session().id)
    assert endpoints.update(standard.id, {"disabled": True}).status == "disabled"
    assert account.deliver() == []

    assert endpoints.update(standard.id, {"disabled": False}).status == "enabled"
    assert endpoints.delete(standard.id).deleted
    account.simulator.expire(account.session().id)
    assert account.deliver() == []


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "http://localhost.example.com/",
        "http://localhost@example.com/",
        "http://192.168.1.2/",
        "http://0.0.0.0:8001/",
    ],
)
def test_webhooks_never_leave_this_computer(account: Account, url: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="delivers to localhost"):
        account.client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["*"]})
    (standard,) = account.client.v1.webhook_endpoints.list().data
    with pytest.raises(stripe.InvalidRequestError, match="delivers to localhost"):
        account.client.v1.webhook_endpoints.update(standard.id, {"url": url})


def test_delivery_success_filters_events_by_their_delivery(account: Account) -> None:
    account.simulator.pay(account.session().id, card=SUCCEEDS)
    first, *others = account.simulator.due()
    account.simulator.delivered(first, 200)
    delivered = account.client.v1.events.list({"delivery_success": True}).data

    assert [event.id for event in delivered] == [first.event_id]
    assert set(undelivered(account)) == {other.event_id for other in others}
