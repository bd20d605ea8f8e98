"""The simulated account through Stripe's own client: checkout, cards, delayed methods, refunds and disputes."""

import json
from typing import Any

import pytest
import stripe

from local.stripe_simulator import Refused
from tests.support.stripe_simulator import (
    BASE_URL,
    DECLINED,
    INSUFFICIENT_FUNDS,
    SUCCEEDS,
    THREE_D_SECURE,
    Account,
    line_item,
)


@pytest.fixture
def account() -> Account:
    return Account()


def test_a_new_session_is_open_and_unpaid_and_has_a_page_but_no_payment_intent(account: Account) -> None:
    session = account.session()

    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    page, _, fragment = str(session.url).partition("#")
    assert page == f"{BASE_URL}/c/pay/{session.id}"
    assert 359 <= len(f"https://checkout.stripe.com/c/pay/{session.id}#{fragment}") <= 391  # as long as Stripe's own
    assert (session.amount_total, session.currency) == (10_000, "cny")
    assert session.client_reference_id == "order-1"
    assert account.types() == []


def test_a_card_that_succeeds_pays_the_session_and_sends_four_events(account: Account) -> None:
    session = account.session()
    paid = account.simulator.pay(session.id, card="4242 4242 4242 4242")

    assert (paid["outcome"], paid["payment_status"]) == ("succeeded", "paid")
    assert account.types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    after = account.client.v1.checkout.sessions.retrieve(session.id)
    assert (after.status, after.url) == ("complete", None)


def test_only_payment_intent_data_puts_metadata_on_the_payment_intent_and_charge(account: Account) -> None:
    intent = account.paid(metadata={"on": "session"}, payment_intent_data={"metadata": {"on": "intent"}})
    charge = account.client.v1.charges.retrieve(str(intent.latest_charge))

    assert intent.metadata.to_dict() == {"on": "intent"}
    assert charge.metadata.to_dict() == {"on": "intent"}
    assert account.paid(payment_intent_data=None).metadata.to_dict() == {}


@pytest.mark.parametrize(
    ("card", "decline_code"), [(INSUFFICIENT_FUNDS, "insufficient_funds"), (DECLINED, "generic_decline")]
)
def test_a_declined_card_leaves_the_session_open_for_another(account: Account, card: str, decline_code: str) -> None:
    session = account.session()
    declined = account.simulator.pay(session.id, card=card)

    assert (declined["outcome"], declined["status"]) == ("declined", "open")
    assert (declined["error"]["code"], declined["error"]["decline_code"]) == ("card_declined", decline_code)
    assert account.types() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]

    paid = account.simulator.pay(session.id, card=SUCCEEDS)
    assert paid["payment_intent"] == declined["payment_intent"]
    assert account.types() == ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]


def test_a_payment_failed_event_carries_the_reason(account: Account) -> None:
    account.simulator.pay(account.session().id, card=INSUFFICIENT_FUNDS)

    failed = account.deliver()[-1].data.object
    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["message"] == "Your card has insufficient funds."


def test_a_card_with_3d_secure_waits_for_the_buyer(account: Account) -> None:
    session = account.session()

    assert account.simulator.pay(session.id, card=THREE_D_SECURE)["outcome"] == "requires_action"
    assert account.types() == ["payment_intent.created", "payment_intent.requires_action"]
    assert account.simulator.authenticate(session.id, completed=True)["outcome"] == "succeeded"
    assert account.types()[-1] == "checkout.session.completed"


def test_a_failed_3d_secure_challenge_is_a_decline_and_the_session_stays_open(account: Account) -> None:
    session = account.session()
    failed = account.simulator.pay(session.id, card=THREE_D_SECURE, three_d_secure="fail")

    assert (failed["outcome"], failed["status"]) == ("declined", "open")
    assert failed["error"]["code"] == "payment_intent_authentication_failure"
    again = account.simulator.pay(session.id, card=THREE_D_SECURE, three_d_secure="complete")
    assert again["payment_status"] == "paid"


@pytest.mark.parametrize(
    ("card", "code"), [("4242424242424241", "incorrect_number"), ("5555555555554444", "card_declined")]
)
def test_other_card_numbers_are_refused_and_cause_no_event(account: Account, card: str, code: str) -> None:
    session = account.session()
    with pytest.raises(Refused) as refused:
        account.simulator.pay(session.id, card=card)

    assert (refused.value.status, refused.value.code) == (422, code)
    assert account.types() == []


@pytest.mark.parametrize("method", ["alipay", "wechat_pay"])
def test_a_delayed_method_completes_the_session_unpaid_and_settles_later(account: Account, method: str) -> None:
    session = account.session()
    waiting = account.simulator.pay(session.id, method=method)

    assert (waiting["outcome"], waiting["status"], waiting["payment_status"]) == ("processing", "complete", "unpaid")
    completed = account.deliver()[-1]
    assert (completed.type, completed.data.object["payment_status"]) == ("checkout.session.completed", "unpaid")
    assert account.simulator.settle(session.id, "succeeded")["payment_status"] == "paid"
    assert account.types() == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
    ]


def test_a_delayed_method_that_fails_leaves_the_session_complete_and_unpaid(account: Account) -> None:
    session = account.session()
    account.simulator.pay(session.id, method="alipay")
    account.deliver()
    failed = account.simulator.settle(session.id, "failed")

    assert (failed["status"], failed["payment_status"]) == ("complete", "unpaid")
    assert account.types() == [
        "charge.failed",
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]
    with pytest.raises(Refused, match="nothing to settle"):
        account.simulator.settle(session.id, "succeeded")


def test_only_methods_that_accept_the_currency_and_are_allowed_are_offered(account: Account) -> None:
    in_dinar = account.session(line_items=[line_item(1_500, "kwd")])
    only_cards = account.session(allowed_payment_method_types=["card"])
    no_cards = account.session(excluded_payment_method_types=["card"])

    assert in_dinar.payment_method_types == only_cards.payment_method_types == ["card"]
    assert no_cards.payment_method_types == ["alipay", "wechat_pay"]
    with pytest.raises(Refused, match="does not offer alipay"):
        account.simulator.pay(only_cards.id, method="alipay")


def test_an_open_session_expires_after_a_day(account: Account) -> None:
    session = account.session()
    account.wait(hours=23, minutes=59)
    assert account.types() == []

    account.wait(minutes=1)
    assert account.types() == ["checkout.session.expired"]
    assert account.client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    with pytest.raises(Refused, match="expired"):
        account.simulator.pay(session.id, card=SUCCEEDS)


def test_an_expired_session_cancels_the_payment_intent_that_a_declined_card_left(account: Account) -> None:
    session = account.session()
    declined = account.simulator.pay(session.id, card=DECLINED)
    account.client.v1.checkout.sessions.expire(session.id)

    assert account.client.v1.payment_intents.retrieve(declined["payment_intent"]).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        account.client.v1.checkout.sessions.expire(session.id)


def test_a_paid_session_does_not_expire_and_cannot_be_paid_again(account: Account) -> None:
    session = account.session()
    account.simulator.pay(session.id, card=SUCCEEDS)
    account.wait(days=3)

    assert account.client.v1.checkout.sessions.retrieve(session.id).status == "complete"
    with pytest.raises(Refused, match="complete"):
        account.simulator.pay(session.id, card=SUCCEEDS)


def test_a_refund_succeeds_and_shows_in_events_and_on_the_charge(account: Account) -> None:
    intent = account.paid()
    account.deliver()
    refund = account.client.v1.refunds.create(
        {"payment_intent": intent.id, "amount": 2_500, "reason": "requested_by_customer", "metadata": {"ours": "r-1"}}
    )

    assert (refund.status, refund.amount) == ("succeeded", 2_500)
    assert refund.metadata
    assert refund.metadata.to_dict() == {"ours": "r-1"}
    assert account.types() == ["refund.created", "charge.refunded", "refund.updated", "charge.refund.updated"]
    charge = account.client.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.amount_refunded, charge.refunded) == (2_500, False)


def test_refunds_never_exceed_what_was_paid(account: Account) -> None:
    intent = account.paid()
    account.client.v1.refunds.create({"payment_intent": intent.id, "amount": 9_000})

    with pytest.raises(stripe.InvalidRequestError, match=r"CN¥10\.01.*greater than unrefunded.*CN¥10\.00") as refused:
        account.client.v1.refunds.create({"payment_intent": intent.id, "amount": 1_001})
    assert refused.value.param == "amount"
    assert account.client.v1.refunds.create({"charge": str(intent.latest_charge)}).amount == 1_000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        account.client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"


def test_an_unpaid_payment_cannot_be_refunded(account: Account) -> None:
    waiting = account.simulator.pay(account.session().id, method="alipay")

    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        account.client.v1.refunds.create({"payment_intent": waiting["payment_intent"]})


def test_a_refund_that_fails_later_makes_its_amount_refundable_again(account: Account) -> None:
    intent = account.paid()
    refund = account.simulator.refund(intent.id, 4_000)
    account.deliver()
    failed = account.simulator.fail_refund(refund["id"], "expired_or_canceled_card")

    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert account.types()[-1] == "refund.failed"
    assert account.client.v1.refunds.create({"payment_intent": intent.id}).amount == 10_000
    with pytest.raises(Refused, match="already failed"):
        account.simulator.fail_refund(refund["id"])


def test_refunds_of_delayed_methods_are_pending_until_they_settle(account: Account) -> None:
    session = account.session()
    intent = account.simulator.pay(session.id, method="wechat_pay")["payment_intent"]
    account.simulator.settle(session.id, "succeeded")
    refund = account.client.v1.refunds.create({"payment_intent": intent, "amount": 1_000})

    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    assert account.simulator.settle_refund(refund.id, "succeeded")["status"] == "succeeded"
    with pytest.raises(Refused, match="nothing to settle"):
        account.simulator.settle_refund(refund.id, "failed")


def test_refunds_of_cards_can_be_made_to_start_as_pending_and_be_cancelled(account: Account) -> None:
    intent = account.paid()
    account.simulator.set_refunds(pending=True)
    refund = account.client.v1.refunds.create({"payment_intent": intent.id})

    assert refund.status == "pending"
    assert account.client.v1.refunds.cancel(refund.id).status == "canceled"
    assert account.client.v1.charges.retrieve(str(intent.latest_charge)).amount_refunded == 0


def test_a_chargeback_withdraws_the_funds_and_blocks_refunds(account: Account) -> None:
    intent = account.paid()
    account.deliver()
    dispute = account.simulator.dispute(intent.id)

    assert (dispute["status"], dispute["amount"], dispute["payment_intent"]) == ("needs_response", 10_000, intent.id)
    assert account.types() == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        account.client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_disputed"
    with pytest.raises(Refused, match="already has a dispute"):
        account.simulator.dispute(intent.id)


@pytest.mark.parametrize(("status", "reinstated"), [("won", True), ("lost", False)])
def test_only_a_won_dispute_reinstates_the_funds(account: Account, status: str, reinstated: bool) -> None:
    dispute = account.simulator.dispute(account.paid().id)
    account.deliver()
    closed = account.simulator.close_dispute(dispute["id"], status)

    assert closed["is_charge_refundable"] is reinstated
    expected = ["charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_reinstated"]
    assert account.types() == expected[: 3 if reinstated else 2]
    with pytest.raises(Refused, match="already closed"):
        account.simulator.close_dispute(dispute["id"], "won")


def test_an_inquiry_withdraws_no_money_and_closes_as_a_warning(account: Account) -> None:
    intent = account.paid()
    account.deliver()
    inquiry = account.simulator.dispute(intent.id, amount=500, reason="general", status="warning_needs_response")

    assert account.types() == ["charge.dispute.created"]
    with pytest.raises(Refused, match="can become warning_closed or prevented, not won"):
        account.simulator.close_dispute(inquiry["id"], "won")
    assert account.simulator.close_dispute(inquiry["id"], "warning_closed")["status"] == "warning_closed"
    assert account.client.v1.refunds.create({"payment_intent": intent.id}).status == "succeeded"


@pytest.mark.parametrize(
    ("card", "status", "withdrawn"),
    [("4000 0000 0000 0259", "needs_response", True), ("4000 0000 0000 1976", "warning_needs_response", False)],
)
def test_a_payment_by_a_card_for_disputes_is_disputed_as_soon_as_it_is_complete(
    account: Account, card: str, status: str, withdrawn: bool
) -> None:
    paid = account.simulator.pay(account.session().id, card=card)

    types = account.types()
    assert types.index("checkout.session.completed") < types.index("charge.dispute.created")
    assert ("charge.dispute.funds_withdrawn" in types) is withdrawn
    [dispute] = account.client.v1.disputes.list({"payment_intent": paid["payment_intent"]}).data
    assert (dispute.status, dispute.amount, dispute.reason) == (status, 10_000, "fraudulent")


def test_a_dispute_after_a_refund_is_for_the_unrefunded_rest_unless_an_amount_is_given(account: Account) -> None:
    for_the_rest, for_all = account.paid(), account.paid()
    for intent in (for_the_rest, for_all):
        account.simulator.refund(intent.id, 4_000)

    assert account.simulator.dispute(for_the_rest.id)["amount"] == 6_000
    assert account.simulator.dispute(for_all.id, amount=10_000)["amount"] == 10_000


def moved(dispute: Any) -> list[int]:
    """The money that went (negative) and came back, as Stripe records it."""
    return [record["amount"] for record in dispute["balance_transactions"]]


def test_a_dispute_records_the_money_that_it_moves(account: Account) -> None:
    dispute = account.simulator.dispute(account.paid().id)

    assert [moved(event.data.object) for event in account.deliver()[-2:]] == [[], [-10_000]]
    assert moved(account.simulator.close_dispute(dispute["id"], "won", kept=4_000)) == [-10_000, 6_000]


@pytest.mark.parametrize("opened", ["needs_response", "warning_needs_response"])
@pytest.mark.parametrize(("case_type", "left"), [("block", 0), ("resolution", -10_000)])
def test_a_prevented_dispute_ends_with_or_without_the_money(
    account: Account, opened: str, case_type: str, left: int
) -> None:
    dispute = account.simulator.dispute(account.paid().id, status=opened)

    closed = account.simulator.close_dispute(dispute["id"], "prevented", case_type=case_type)

    assert (closed["status"], sum(moved(closed))) == ("prevented", left)
    assert closed["payment_method_details"]["card"]["case_type"] == case_type


def test_an_inquiry_may_become_a_larger_chargeback_and_a_loss_an_appeal(account: Account) -> None:
    inquiry = account.simulator.dispute(account.paid().id, amount=2_000, status="warning_needs_response")
    account.deliver()

    escalated = account.simulator.update_dispute(inquiry["id"], "needs_response", amount=10_000)
    assert (escalated["amount"], moved(escalated)) == (10_000, [-10_000])
    assert account.types() == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    account.simulator.close_dispute(inquiry["id"], "lost")
    for status in ("appeal_needs_response", "appeal_under_review"):
        assert account.simulator.update_dispute(inquiry["id"], status)["status"] == status
    assert sum(moved(account.simulator.close_dispute(inquiry["id"], "won"))) == 0


def test_a_refund_may_have_no_status_until_it_settles(account: Account) -> None:
    refund = account.simulator.refund(account.paid().id, has_status=False)

    assert refund["status"] is None
    assert account.simulator.settle_refund(refund["id"], "succeeded")["status"] == "succeeded"


def test_the_account_is_named_and_events_of_others_name_theirs(account: Account) -> None:
    own = account.client.v1.accounts.retrieve_current().id
    account.simulator.set_event_fields(account="acct_connected", context="acct_connected")
    account.paid()

    assert own.startswith("acct_")
    assert {event.account for event in account.deliver()} == {"acct_connected"}


@pytest.mark.parametrize("path", ["refunds", "disputes"])
def test_a_list_has_the_payment_intents_expanded(account: Account, path: str) -> None:
    intent = account.paid()
    account.simulator.refund(intent.id, 100)
    account.simulator.dispute(intent.id)

    _, _, body = account.call("GET", f"/v1/{path}?expand[]=data.payment_intent")

    assert json.loads(body)["data"][0]["payment_intent"]["metadata"] == {"order_id": "order-1"}


def test_the_same_seed_gives_the_same_ids(account: Account) -> None:
    def event_ids(one: Account) -> list[str]:
        one.paid()
        return [event.id for event in one.deliver()]

    assert event_ids(Account(seed=7)) == event_ids(Account(seed=7)) != event_ids(Account(seed=8))


def test_reset_deletes_everything_but_the_webhook_endpoints(account: Account) -> None:
    account.paid()
    account.simulator.reset()

    assert account.client.v1.events.list().data == []
    assert account.simulator.deliveries() == []
    account.paid()
    assert len(account.deliver()) == 4


@pytest.mark.parametrize(("key", "livemode"), [("sk_test_simulated", False), ("sk_live_simulated", True)])
def test_every_object_says_the_mode_of_the_key(key: str, livemode: bool) -> None:
    account = Account(secret_key=key)
    intent = account.paid()
    refund = account.client.v1.refunds.create({"payment_intent": intent.id})
    tables = account.simulator._world.tables

    assert refund.status == "succeeded"
    for kind in ("checkout.session", "payment_intent", "charge", "event"):
        assert {one["livemode"] for one in tables[kind].values()} == {livemode}
