"""`find`: what is looked for, the time line, the verdict and the next command."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local import ROOT
from local.client import session_of
from local.in_process.api import as_admin
from local.in_process.environment import NOW, USER_ID
from local.in_process.shop import Shop
from ops.find import at_stripe, kinds
from tests.integration.stripe_side import charge_of, quarantined
from tests.ops.conftest import Terminal
from topup import store
from topup.domain.checkout_options import CheckoutOptions
from topup.domain.comparison import RecordKind
from topup.runtime import config


def answer(terminal: Terminal, what: str, *more: str) -> tuple[int, str, str]:
    """The exit code, the verdict and the next command."""
    terminal.run("find", what, *more)
    says, then = terminal.out.splitlines()[-2:]
    assert then.startswith("next: make ")
    return terminal.code, says, then.removeprefix("next: ")


def time_line(terminal: Terminal, what: str) -> list[tuple[str, str]]:
    """Who says what, with ids left out."""
    steps = terminal.json("find", what)["time_line"]
    return [(step["source"], re.sub(r"\b(cs_test|pi|re|du|evt)_\w+", r"\1", step["what"])) for step in steps]


# --------------------------------------------------------------------------------------------------- what is looked for


def test_a_payment_is_found_by_whatever_somebody_has_at_hand(shop: Shop, terminal: Terminal):
    payment = shop.create()
    intent = shop.pay(payment)
    shop.deliver()
    session = session_of(payment)
    given = [
        payment["payment_id"],
        payment["payment_id"].upper(),
        session,
        f"  {session}\n",
        f"https://checkout.stripe.com/c/pay/{session}#fidkdWxOYHwnPyd1blpxYH",
        f"https://dashboard.stripe.com/test/payments/{intent}",
        intent,
        charge_of(shop, intent),
    ]

    for what in given:
        assert terminal.run("find", what) == 0
        assert terminal.out.startswith(f"payment {payment['payment_id']} of user {USER_ID}: succeeded")


def test_an_address_may_lead_to_several_payments(shop: Shop, terminal: Terminal):
    first, _ = shop.buy()
    shop.wait(minutes=1)
    second, _ = shop.buy(user="user-2")

    code, says, then = answer(terminal, "buyer@example.com")

    assert (code, says) == (0, "2 payments; all times are UTC")
    assert then == f"make find WHAT={second}"
    assert terminal.out.startswith("looked for payments whose buyer gave this address on the pay page\n")
    assert f"{first}  succeeded  100.00 CNY     1100     -  user-1" in terminal.out


def test_a_user_is_found_whatever_form_the_id_has(shop: Shop, terminal: Terminal):
    shop.buy(user="me@example.com")

    code, says, then = answer(terminal, "me@example.com", "--stack", "topup-prod")

    assert (code, says) == (0, "1100 credits; 1100 may be spent.")
    assert then == "make explain USER=me@example.com STACK=topup-prod"
    found = terminal.json("find", "me@example.com")
    assert found["credits"] == shop.credits("me@example.com")
    assert [row["user_id"] for row in found["payments"]] == ["me@example.com"]


def test_what_a_user_owes_and_what_is_held_is_said(shop: Shop, terminal: Terminal):
    _, intent = shop.buy()
    shop.spend(1000)
    shop.simulator.dispute(intent)
    shop.deliver()
    shop.grant(1500)
    shop.hold(200)

    assert answer(terminal, USER_ID)[1] == "500 credits, 200 of them held; 300 may be spent."


def test_of_a_user_with_a_quarantined_payment_that_is_what_comes_next(shop: Shop, terminal: Terminal):
    payment_id, _ = quarantined(shop)

    assert answer(terminal, USER_ID) == (
        1,
        "0 credits; 0 may be spent. 1 payment of theirs is quarantined.",
        f"make find WHAT={payment_id}",
    )


@pytest.mark.parametrize(
    ("what", "looked_for", "advice"),
    [
        ("nobody", "a user with this id", "ids are compared exactly"),
        ("ch_unknown", "a payment with this charge at Stripe, and a user with this id", "is it of this stack's Stripe"),
        ("a@b.example", "payments whose buyer gave this address", "try the buyer's e-mail address"),
    ],
)
def test_where_nothing_is_found_it_says_what_it_looked_for(what: str, looked_for: str, advice: str, terminal: Terminal):
    code, says, then = answer(terminal, what)

    assert terminal.out.startswith(f"looked for {looked_for}")
    assert (code, then) == (1, "make doctor")
    assert advice in says


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        ("", "say what to look for: a payment's id, cs_…, pi_…, ch_…, an e-mail or a user (make: WHAT=)"),
        ("a" * 256, "say what to look for"),
        ("re_1Q2w3e", "re_1Q2w3e names no payment: find it in Stripe's Dashboard, and take its payment intent, pi_…"),
    ],
)
def test_a_mistake_names_the_fix(what: str, problem: str, terminal: Terminal):
    assert terminal.run("find", what) == 2
    assert problem in terminal.err


def test_what_only_stripe_knows_cannot_be_found_while_it_fails(shop: Shop, terminal: Terminal):
    _, intent = shop.buy()
    shop.fault(f"/v1/payment_intents/{intent}", "500")

    assert terminal.run("find", intent) == 2
    assert terminal.err.splitlines()[-1].startswith("cannot run find: Stripe: ")


def test_the_console_recognises_the_same_forms():
    script = (ROOT / "functions/console/static/kinds.js").read_text()
    names = dict(re.findall(r'^export const (\w+) = "(\w+)";', script, re.MULTILINE))
    forms = re.findall(r'^  \["?(\w+)"?, /(.+)/i?\],$', script, re.MULTILINE)

    assert [(names.get(name, name), form) for name, form in forms] == list(kinds.FORMS)


# ------------------------------------------------------------------------------------------------------- the time line


def test_the_time_line_has_the_order_stripes_events_and_the_ledger(shop: Shop, terminal: Terminal):
    payment_id, intent = shop.buy()
    shop.spend(300)
    shop.wait(hours=2)
    assert shop.refund(payment_id, 25).status == 200
    shop.deliver()
    shop.wait(days=10)
    shop.simulator.dispute(intent)
    shop.deliver()

    assert time_line(terminal, payment_id) == [
        ("order", "placed: 标准包, 1100 credits for 100.00 CNY"),
        ("Stripe", "checkout.session.completed of cs_test, evt: arrived"),
        ("Stripe", "payment_intent.succeeded of pi, evt: arrived"),
        ("order", "paid: 100.00 CNY, pi"),
        ("credits", "purchased +1100 → 1100 (entry 1) · stripe"),
        ("order", "refund of 25.00 CNY, re: succeeded · Customer request · by admin:admin-1"),
        ("Stripe", "refund.created of re, evt: arrived"),
        ("Stripe", "refund.updated of re, evt: arrived"),
        ("credits", "refunded -275 → 525 (entry 3) · Customer request · admin:admin-1"),
        ("order", "dispute of 75.00 CNY, du: needs_response · fraudulent"),
        ("Stripe", "charge.dispute.created of du, evt: arrived"),
        ("Stripe", "charge.dispute.funds_withdrawn of du, evt: arrived"),
        ("credits", "disputed -825 → -300 (entry 4) · fraudulent · stripe"),
    ]


def test_an_event_that_nobody_acknowledged_is_marked(shop: Shop, terminal: Terminal):
    payment = shop.create()
    shop.pay(payment)
    shop.lose()

    lines = [what for source, what in time_line(terminal, payment["payment_id"]) if source == "Stripe"]
    assert lines == [
        "checkout.session.completed of cs_test, evt: has not arrived: 1 endpoint did not acknowledge it",
        "payment_intent.succeeded of pi, evt: has not arrived: 1 endpoint did not acknowledge it",
    ]


def test_events_of_other_payments_are_left_out(shop: Shop, terminal: Terminal):
    shop.buy(user="user-2")
    payment_id, _ = shop.buy()

    assert [source for source, _ in time_line(terminal, payment_id)].count("Stripe") == 2


def test_tax_and_a_discount_are_part_of_what_was_paid(shop: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    options = CheckoutOptions(automatic_tax=True, tax_behavior="exclusive", promotion_codes=True)
    catalogue = replace(config.catalogue(), checkout=options)
    monkeypatch.setattr(config, "catalogue", lambda: catalogue)
    payment = shop.create()
    shop.pay(payment, tax_minor=630, discount_minor=1000)
    shop.deliver()

    assert ("order", "paid: 96.30 CNY, tax 6.30 CNY, discount 10.00 CNY, pi") in time_line(
        terminal, payment["payment_id"]
    )


def test_a_decision_about_a_quarantine_is_told(shop: Shop, terminal: Terminal):
    payment_id, _ = quarantined(shop)
    shop.release_payment(payment_id, "fulfil", "It was our mistake")

    told = "quarantine of pi (subtotal_minor: paid 10000, ordered 20000): its credits were granted"
    assert ("order", f"{told} · It was our mistake · admin:admin-1") in time_line(terminal, payment_id)


def test_stripe_is_asked_for_events_around_what_happened_only(shop: Shop):
    payment_id, intent = shop.buy()
    shop.wait(days=3)
    shop.simulator.refund(intent, 2500)
    shop.deliver()
    shop.wait(days=20)
    payment = store.load_payment(payment_id)
    assert payment

    hour, refunded_at = timedelta(hours=1), NOW + timedelta(days=3)
    assert at_stripe.windows(payment, [], shop.now) == [(NOW, NOW + hour), (refunded_at, refunded_at + hour)]
    # Stripe keeps events for thirty days.
    assert at_stripe.windows(payment, [], NOW + timedelta(days=32)) == [(refunded_at, refunded_at + hour)]
    assert at_stripe.windows(payment, [], NOW + timedelta(days=40)) == []


def test_of_too_many_events_it_says_how_far_it_looked(shop: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    payment_id, _ = shop.buy()
    monkeypatch.setattr(at_stripe, "MOST_REQUESTS", 1)

    terminal.run("find", payment_id)

    assert "sent more events than were looked through: those after 2026-03-01 12:00:00" in terminal.out


# -------------------------------------------------------------------------------------------- a refund, and the receipt


def test_it_says_what_a_refund_would_do_as_the_quote_does(shop: Shop, terminal: Terminal):
    payment_id, _ = shop.buy()
    shop.spend(800)
    shop.grant(100)

    found = terminal.json("find", payment_id)

    assert found["refund"] == shop.quote(payment_id).json()
    terminal.run("find", payment_id)
    does = "of 100.00 CNY would take 1100 credits: 300 of its own, 100 of others, 700 as debt"
    largest = f"at most {found['refund']['largest_refundable']} CNY can go back without debt or held credits"
    assert f"\nrefund  {does}; {largest}\n" in terminal.out
    shop.check()


def test_it_says_why_there_is_no_refund(shop: Shop, terminal: Terminal):
    payment_id, _ = shop.buy()
    shop.refund(payment_id)
    shop.deliver()

    assert terminal.json("find", payment_id)["refund"] is None
    terminal.run("find", payment_id)
    assert "\nrefund  none: The payment has been refunded completely\n" in terminal.out


def test_it_has_the_address_of_the_receipt(shop: Shop, terminal: Terminal):
    payment_id, _ = shop.buy()

    [row] = terminal.json("find", payment_id)["payments"]

    assert row == shop.api.get(f"/api/payments/{payment_id}?expand=receipt", as_admin()).json()
    terminal.run("find", payment_id)
    assert f"\nStripe  receipt {row['receipt']['receipt_url']}\n" in terminal.out


# --------------------------------------------------------------------------------------------------------- the verdict


def test_a_payment_whose_credits_came_leads_to_the_ledger(shop: Shop, terminal: Terminal):
    payment_id, _ = shop.buy()
    shop.spend(300)

    assert answer(terminal, payment_id, "--stack", "topup-prod") == (
        0,
        "Paid, and its 1100 credits came; 800 of them are left.",
        "make explain USER=user-1 STACK=topup-prod",
    )


def test_what_went_back_and_what_expired_is_part_of_the_verdict(shop: Shop, terminal: Terminal):
    payment_id, _ = shop.buy()
    shop.refund(payment_id, 25)
    shop.deliver()
    shop.wait(days=200)

    assert answer(terminal, payment_id)[1] == (
        "Paid, and its 1100 credits came; 25.00 CNY of its money went back, and 275 credits with it;"
        " 0 of them are left; 825 have expired."
    )


def test_a_dispute_is_named(shop: Shop, terminal: Terminal):
    payment_id, intent = shop.buy()
    shop.simulator.dispute(intent)
    shop.deliver()

    assert answer(terminal, payment_id)[1].endswith("0 of them are left. It is disputed: needs_response.")


def test_a_payment_that_nobody_heard_of_leads_to_its_repair(shop: Shop, terminal: Terminal):
    payment = shop.create()
    intent = shop.pay(payment)
    shop.lose()
    shop.wait(hours=3)

    assert answer(terminal, payment["payment_id"]) == (
        1,
        f"Stripe has something else than we do: payment {intent}: its payment is pending here.",
        "make reconcile WINDOW_HOURS=3 ALL=1",
    )
    shop.reconcile(window_hours=3, all=True)
    assert answer(terminal, payment["payment_id"])[0] == 0


def test_a_refund_that_nobody_heard_of_leads_to_its_repair(shop: Shop, terminal: Terminal):
    payment_id, intent = shop.buy()
    refund = shop.simulator.refund(intent, 2500)
    shop.lose()

    code, says, _ = answer(terminal, payment_id)

    assert code == 1
    assert says == f"Stripe has something else than we do: refund {refund['id']}: it is not recorded here."


def test_a_refund_in_flight_leads_to_reconcile(shop: Shop, terminal: Terminal):
    payment_id, _ = shop.buy()
    shop.fault("/v1/refunds", "timeout_before", times=2)
    assert shop.refund(payment_id, 10).status == 202
    shop.simulator.set_faults([])
    shop.wait(minutes=5)

    assert answer(terminal, payment_id) == (
        1,
        "A refund of 10.00 CNY is in flight for 5 minutes: Stripe has not answered yet.",
        "make reconcile",
    )


def test_a_quarantined_payment_leads_to_the_decision(shop: Shop, terminal: Terminal):
    payment_id, _ = quarantined(shop)

    reason = "subtotal_minor: paid 10000, ordered 20000"
    assert answer(terminal, payment_id) == (
        1,
        f"Paid, but not as ordered ({reason}): an administrator must decide.",
        "make quarantine",
    )


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({}, "Nobody has paid yet. The buyer may still do so at http"),
        ({"card": "4000000000000002"}, "The last try failed: Your card was declined. The buyer may try again"),
        (
            {"method": "alipay"},
            "The buyer has done their part, at most 2 minutes ago, and the bank has not confirmed it.",
        ),
    ],
)
def test_a_payment_that_may_still_come_is_looked_at_again(
    how: dict[str, Any], says: str, shop: Shop, terminal: Terminal
):
    payment = shop.create()
    if how:
        shop.pay(payment, **how)
    shop.deliver()
    shop.wait(minutes=2)

    code, said, then = answer(terminal, payment["payment_id"])

    assert (code, then) == (0, f"make find WHAT={payment['payment_id']}")
    assert said.startswith(says)


def test_a_payment_that_has_expired_leads_to_the_others_of_its_buyer(shop: Shop, terminal: Terminal):
    payment = shop.create()
    shop.simulator.expire(session_of(payment))
    shop.deliver()

    assert answer(terminal, payment["payment_id"]) == (
        0,
        "It has expired, and no money of its buyer is here.",
        "make find WHAT=user-1",
    )


def test_an_order_without_a_session_could_not_be_paid(shop: Shop, terminal: Terminal):
    shop.fault("/v1/checkout/sessions", "500", times=3)
    created = shop.create()
    [order], _ = store.list_orders(USER_ID, 1, None)
    assert created["code"] == "stripe_error"

    assert answer(terminal, order.payment_id)[1] == "Nobody could pay it: no Checkout Session was opened for it."


def test_a_status_of_a_newer_version_is_said(shop: Shop, terminal: Terminal):
    payment = shop.create()
    table = shop.dynamodb.orders_table
    item = shop.dynamodb.client.scan(TableName=table)["Items"][0] | {"status": {"S": "teleported"}}
    shop.dynamodb.client.put_item(TableName=table, Item=item)

    assert answer(terminal, payment["payment_id"])[1].startswith("A newer version wrote a status")


# -------------------------------------------------------------------------------------------- where Stripe is not asked


def test_while_stripe_fails_what_is_known_here_is_told(shop: Shop, terminal: Terminal):
    payment = shop.create()
    shop.pay(payment)
    shop.deliver()
    payment_id = payment["payment_id"]
    shop.fault(f"/v1/checkout/sessions/{session_of(payment)}", "500")

    code, says, _ = answer(terminal, payment_id)

    assert code == 1
    assert says.startswith("Paid, and its 1100 credits came; 1100 of them are left. Stripe was not asked: ")


def test_a_payment_of_the_other_mode_is_not_asked_for(shop: Shop, terminal: Terminal, environment: pytest.MonkeyPatch):
    payment_id, _ = shop.buy()
    environment.setenv("STRIPE_SECRET_KEY", "sk_live_1")

    assert "it is a payment in test mode, and the stack's key is of the other mode" in answer(terminal, payment_id)[1]


def test_a_declined_try_is_no_difference(shop: Shop, terminal: Terminal):
    payment = shop.create()
    intent = shop.pay(payment, card="4000000000000002")
    shop.deliver()

    found = terminal.json("find", payment["payment_id"])

    assert found["differences"] == []
    assert terminal.run("find", intent) == 0
    assert f"Stripe  {RecordKind.PAYMENT} {intent}: requires_payment_method" in terminal.out
