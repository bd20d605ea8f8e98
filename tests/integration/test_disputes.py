"""Disputes: the bank takes money back, and may return it; the credits follow, never twice with a refund."""

import copy
import io
import itertools
import json

import pytest

from local.in_process.shop import Shop
from local.stripe_simulator import Behaviour
from tests.integration.webhooks import deliver
from tests.support.stripe_events import event, metadata
from topup import clawback, store, stripe_gateway


def test_a_dispute_takes_the_credits_and_losing_it_does_not_bring_them_back(shop: Shop):
    payment_id, intent = shop.buy()
    dispute = shop.simulator.dispute(intent)
    assert set(shop.deliver()) == {200}
    assert shop.ledger()[1:] == [("disputed", -1100)]

    shop.simulator.close_dispute(dispute["id"], "lost")
    shop.deliver()

    assert shop.balance() == 0
    assert shop.ledger()[1:] == [("disputed", -1100)]
    assert shop.refund(payment_id).json()["code"] == "not_refundable"
    shop.check()


def test_a_dispute_that_is_won_gives_the_credits_back_once(shop: Shop):
    _, intent = shop.buy()
    shop.simulator.set_webhooks(Behaviour(duplicates=2, shuffle=True))
    dispute = shop.simulator.dispute(intent)
    shop.deliver()

    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()

    assert shop.ledger()[1:] == [("disputed", -1100), ("dispute_reversed", 1100)]
    shop.check()


@pytest.mark.parametrize("status", ["won", "lost"])
def test_the_events_of_a_dispute_may_come_in_reverse_order(shop: Shop, status: str):
    _, intent = shop.buy()
    dispute = shop.simulator.dispute(intent)
    shop.simulator.close_dispute(dispute["id"], status)
    events = [delivery for delivery in shop.due() if delivery.event_type.startswith("charge.dispute.")]
    assert len(events) >= 3

    for delivery in reversed(events):
        assert shop.deliver_one(delivery) == 200
    shop.deliver()

    assert shop.balance() == (1100 if status == "won" else 0)
    shop.check()


def test_an_inquiry_moves_no_credits(shop: Shop):
    _, intent = shop.buy()
    inquiry = shop.simulator.dispute(intent, status="warning_needs_response")
    shop.deliver()
    shop.simulator.close_dispute(inquiry["id"], "warning_closed")
    shop.deliver()

    assert shop.ledger() == [("purchased", 1100)]
    shop.check()


def test_a_dispute_of_part_of_the_money_takes_its_share(shop: Shop):
    _, intent = shop.buy()
    shop.simulator.dispute(intent, amount=3333)
    shop.deliver()

    assert shop.ledger()[1:] == [("disputed", -366)]
    shop.check()


def test_a_dispute_of_spent_credits_leaves_a_debt_that_winning_it_pays(shop: Shop):
    _, intent = shop.buy()
    shop.spend(1000)
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    assert (shop.balance(), shop.credits()["debt"]) == (-1000, 1000)
    shop.check()

    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()

    assert (shop.balance(), shop.credits()["debt"]) == (100, 0)
    shop.check()


def test_a_disputed_payment_cannot_be_refunded(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.dispute(intent, amount=5000)
    shop.deliver()

    assert shop.refund(payment_id, 1).json()["code"] == "not_refundable"


@pytest.mark.parametrize("refunded", [100, 50, 33.33])
@pytest.mark.parametrize("status", ["won", "lost"])
def test_a_refund_and_a_dispute_never_take_twice(shop: Shop, refunded: float, status: str):
    payment_id, intent = shop.buy()
    shop.refund(payment_id, refunded)
    shop.deliver()
    dispute = shop.simulator.dispute(intent, amount=10000)
    shop.deliver()
    assert shop.balance() == 0
    assert shop.credits()["debt"] == 0
    shop.check()

    shop.simulator.close_dispute(dispute["id"], status)
    shop.deliver()

    kept = 0 if status == "lost" else 1100 - int(1100 * refunded / 100)
    assert shop.balance() == kept
    shop.check()


def test_when_refund_and_dispute_of_the_same_money_both_end_all_credits_are_restored(shop: Shop):
    _, intent = shop.buy()
    refund = shop.simulator.refund(intent)
    shop.deliver()
    dispute = shop.simulator.dispute(intent, amount=10000)
    shop.deliver()
    shop.check()

    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()
    assert shop.balance() == 0
    shop.check()
    shop.simulator.fail_refund(refund["id"])
    shop.deliver()
    shop.check()

    assert shop.balance() == 1100


def test_a_dispute_that_is_reported_before_its_payment_leaves_zero_credits(shop: Shop):
    payment = shop.create()
    intent = shop.pay(payment)
    shop.simulator.dispute(intent)

    shop.deliver("charge.dispute.created")
    assert shop.ledger() == [("purchased", 1100), ("disputed", -1100)]
    shop.deliver()

    assert shop.ledger() == [("purchased", 1100), ("disputed", -1100)]
    shop.check()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_partial_refunds_and_a_dispute_add_up_in_any_order_of_arrival(shop: Shop, order: tuple[int, ...]):
    payment_id, intent = shop.buy()
    shop.simulator.refund(intent, 1234)
    shop.simulator.refund(intent, 2345)
    shop.simulator.dispute(intent, amount=3456)
    events = [one for one in shop.due() if one.event_type in ("refund.created", "charge.dispute.created")]

    for index in order:
        shop.deliver_one(events[index])
        shop.check()
    shop.deliver()

    assert shop.balance() == 1100 - 1100 * (1234 + 2345 + 3456) // 10000
    assert shop.payment(payment_id)["amount_refunded"] == 35.79
    shop.check()


def test_a_dispute_that_is_lost_after_it_was_won_takes_the_credits_again_whatever_is_replayed(shop: Shop):
    _, intent = shop.buy()
    opened = shop.simulator.dispute(intent)
    shop.simulator.close_dispute(opened["id"], "won")
    shop.deliver()
    assert shop.balance() == 1100
    won = [delivery["event"] for delivery in shop.simulator.deliveries()]

    shop.simulator.update_dispute(opened["id"], "lost")
    assert set(shop.deliver()) == {200}

    assert shop.balance() == 0
    for event_id in won:
        shop.simulator.resend(event_id)
    assert set(shop.deliver()) == {200}
    assert shop.balance() == 0
    shop.check()


def test_an_inquiry_that_becomes_a_larger_dispute_takes_the_larger_share(shop: Shop):
    payment_id, intent = shop.buy()
    opened = shop.simulator.dispute(intent, amount=2000, status="warning_needs_response")
    shop.simulator.update_dispute(opened["id"], "needs_response", amount=10000)
    shop.deliver()
    assert (shop.balance(), shop.payment(payment_id)["disputes"][0]["amount"]) == (0, 100.0)

    shop.simulator.update_dispute(opened["id"], amount=5000)
    assert set(shop.deliver()) == {200}

    assert shop.balance() == 550
    shop.check()


@pytest.mark.parametrize(("status", "balance"), [("lost", 0), ("won", 1100)])
def test_a_dispute_in_another_currency_counts_as_the_whole_payment_and_an_admin_sees_it(
    shop: Shop, capsys: pytest.CaptureFixture[str], status: str, balance: int
):
    payment_id, intent = shop.buy()
    opened = shop.simulator.dispute(intent)
    shop.simulator._world.tables["dispute"][opened["id"]] |= {"currency": "usd", "amount": 1400}
    shop.simulator.update_dispute(opened["id"], "under_review")
    shop.deliver()

    assert shop.balance() == 0
    (dispute,) = shop.payment(payment_id)["disputes"]
    assert (dispute["amount"], dispute["currency"]) == (14.0, "USD")
    assert '"ReversalInAnotherCurrency":[1.0]' in capsys.readouterr().out
    shop.simulator.close_dispute(opened["id"], status)
    shop.deliver()
    assert shop.balance() == balance
    shop.check()


@pytest.mark.parametrize("is_dispute", [True, False])
def test_what_happens_to_a_second_payment_of_an_order_takes_nothing_of_the_first(
    shop: Shop, log: io.StringIO, capsys: pytest.CaptureFixture[str], is_dispute: bool
):
    payment = shop.create()
    shop.pay(payment)
    shop.deliver()
    tables = shop.simulator._world.tables
    first = next(iter(tables["payment_intent"]))
    second = copy.deepcopy(tables["payment_intent"][first]) | {"id": "pi_second", "latest_charge": "ch_second"}
    charge = copy.deepcopy(next(iter(tables["charge"].values()))) | {"id": "ch_second", "payment_intent": "pi_second"}
    tables["payment_intent"]["pi_second"], tables["charge"]["ch_second"] = second, charge

    made = shop.simulator.dispute("pi_second") if is_dispute else shop.simulator.refund("pi_second")
    capsys.readouterr()
    assert set(shop.deliver()) == {200}
    printed = capsys.readouterr().out
    [update] = stripe_gateway.reversals_of("pi_second")
    assert clawback.apply(update, shop.now) is False

    assert '"ReversalOfAnotherIntent":[1.0]' in printed
    told = [json.loads(line) for line in log.getvalue().splitlines() if "reversal of another payment intent" in line]
    assert {line["stripe_id"] for line in told} == {made["id"]}
    assert shop.balance() == 1100
    assert "refunds" not in shop.payment(payment["payment_id"])


def test_a_refund_that_names_another_order_is_the_one_of_its_intent(shop: Shop):
    first, _ = shop.buy()
    second, intent = shop.buy()
    made = shop.simulator.refund(intent)
    named = store.load_order(first)
    assert named
    marked = made | {"metadata": metadata(named), "livemode": False}

    assert deliver(shop.api, event("refund.created", marked)).status == 200

    assert ("refunds" in shop.payment(first), shop.payment(second)["amount_refunded"]) == (False, 100.0)
    shop.check()


# ---------------------------------------------------------------------------------------------- by the dispute's money


@pytest.mark.parametrize("opened", ["needs_response", "warning_needs_response"])
@pytest.mark.parametrize(("case_type", "kept"), [("resolution", 0), ("block", 1100)])
def test_a_prevented_dispute_takes_the_credits_if_the_buyer_got_the_money(
    shop: Shop, opened: str, case_type: str, kept: int
):
    _, intent = shop.buy()
    dispute = shop.simulator.dispute(intent, status=opened)
    shop.deliver()

    shop.simulator.close_dispute(dispute["id"], "prevented", case_type=case_type)
    shop.deliver()

    assert shop.balance() == kept
    assert shop.credits()["debt"] == 0
    shop.check()


@pytest.mark.parametrize("events", ["all", "last"])
def test_a_dispute_that_the_bank_gives_back_in_part_keeps_its_share(shop: Shop, events: str):
    _, intent = shop.buy()
    dispute = shop.simulator.dispute(intent)
    if events == "all":
        shop.deliver()
    shop.simulator.close_dispute(dispute["id"], "won", kept=4000)
    if events == "last":
        shop.deliver("charge.dispute.funds_reinstated")
    shop.deliver()

    assert shop.balance() == 1100 - 440
    shop.check()


def test_an_inquiry_that_becomes_a_larger_chargeback_takes_all_of_it(shop: Shop):
    _, intent = shop.buy()
    inquiry = shop.simulator.dispute(intent, amount=2000, status="warning_needs_response")
    shop.deliver()

    shop.simulator.update_dispute(inquiry["id"], "needs_response", amount=10000)
    shop.deliver()

    assert shop.balance() == 0
    shop.check()


def test_a_dispute_that_is_lost_and_won_on_appeal_gives_the_credits_back(shop: Shop):
    _, intent = shop.buy()
    dispute = shop.simulator.dispute(intent)
    shop.simulator.close_dispute(dispute["id"], "lost")
    shop.deliver()
    assert shop.balance() == 0

    shop.simulator.update_dispute(dispute["id"], "appeal_needs_response")
    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()

    assert shop.balance() == 1100
    shop.check()


def test_a_status_that_this_version_does_not_know_is_replaced_by_no_late_one(shop: Shop):
    payment_id, intent = shop.buy()
    dispute = shop.simulator.dispute(intent)
    opened = [delivery for delivery in shop.due() if delivery.event_type == "charge.dispute.created"]
    shop.simulator.update_dispute(dispute["id"], "escalated_to_network")
    shop.deliver("charge.dispute.updated")

    assert [shop.deliver_one(delivery) for delivery in opened] == [200]

    stored = store.load_payment(payment_id)
    assert stored
    [known] = stored.reversals
    assert (known.stripe_status, shop.balance()) == ("escalated_to_network", 0)
    shop.check()


@pytest.mark.parametrize("end", ["won", "lost"])
@pytest.mark.parametrize("opened_again", ["appeal_under_review", "under_review", "needs_response"])
def test_a_dispute_that_is_opened_again_takes_the_credits_whatever_is_replayed(shop: Shop, opened_again: str, end: str):
    _, intent = shop.buy()
    dispute = shop.simulator.dispute(intent)
    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()
    assert shop.balance() == 1100
    won = [delivery["event"] for delivery in shop.simulator.deliveries()]

    shop.simulator.update_dispute(dispute["id"], opened_again)
    shop.deliver()

    assert shop.balance() == 0
    for event_id in won:
        shop.simulator.resend(event_id)
    assert set(shop.deliver()) == {200}
    assert shop.balance() == 0
    shop.simulator.close_dispute(dispute["id"], end)
    shop.deliver()
    assert shop.balance() == (1100 if end == "won" else 0)
    shop.check()
