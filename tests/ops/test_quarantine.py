"""`quarantine`: what waits, and how a decision is asked for, made and answered."""

import builtins
import getpass
from collections.abc import Callable

import pytest

from local.in_process.environment import USER_ID
from local.in_process.shop import Shop
from tests.integration.stripe_side import (
    quarantined,
    refunds_at_stripe,
    set_order,
    while_stripe_is_asked_for_a_refund,
)
from tests.integration.test_restored_orders import orders_of, restore
from tests.ops.conftest import Terminal

WHY = ("--reason", "Paid twice", "--by", "alice")
Answers = Callable[[str], list[str]]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Let the operator type this; returns the questions that were asked."""

    def answers(typed: str) -> list[str]:
        asked: list[str] = []

        def ask(question: str) -> str:
            asked.append(question)
            if typed == "^D":
                raise EOFError
            return typed

        monkeypatch.setattr(builtins, "input", ask)
        return asked

    return answers


def release(terminal: Terminal, payment_id: str, action: str, *more: str) -> int:
    return terminal.run("quarantine", "--release", payment_id, "--action", action, *WHY, *more)


# ------------------------------------------------------------------------------------------------------------ the list


def test_where_nothing_waits_it_says_so(shop: Shop, terminal: Terminal):
    shop.buy()

    assert terminal.run("quarantine") == 0
    assert terminal.out == "no payments wait for a decision; all times are UTC, and it is 2026-03-01 12:00:00\n"


def test_each_payment_has_its_reason_its_age_and_the_commands_that_end_it(shop: Shop, terminal: Terminal):
    payment_id, intent = quarantined(shop)
    shop.wait(days=3)

    assert terminal.run("quarantine", "--stack", "topup-prod") == 1

    command = f"make quarantine RELEASE={payment_id} ACTION={{}} STACK=topup-prod"
    assert terminal.out.splitlines() == [
        f"payment {payment_id}",
        "  why      subtotal_minor: paid 10000, ordered 20000",
        f"  user     {USER_ID}",
        "  order    标准包, 1100 credits for 200.00 CNY: pending",
        "  placed   3 days ago, on 2026-03-01 12:00:00",
        f"  paid by  {intent}",
        f"  next     {command.format('fulfil')}: grants the credits of what was really paid, at most 1100, to user-1",
        f"  or       {command.format('refund')}: gives back all that is left of the money of {intent}",
        "",
        "1 payment waits for a decision; all times are UTC, and it is 2026-03-04 12:00:00",
    ]


def test_a_second_payment_of_an_order_can_only_be_refunded(shop: Shop, terminal: Terminal):
    payment_id, _ = shop.buy()
    quarantine = {"S": "payment intent: paid pi_2, ordered pi_1"}
    set_order(
        shop,
        payment_id,
        quarantine_reason=quarantine,
        rejected_intent={"S": "pi_2"},
        waits_for={"S": "quarantine"},
        waits_since={"S": "2026-03-01T12:00:00.000000Z"},
    )

    terminal.run("quarantine")

    assert "ACTION=refund" in terminal.out
    assert "ACTION=fulfil" not in terminal.out


def test_where_nobody_can_decide_it_says_why(shop: Shop, terminal: Terminal):
    payment_id, _ = quarantined(shop)
    remove_intent(shop, payment_id)

    terminal.run("quarantine")

    assert (
        "  next     Nobody knows by which payment intent it was paid: look for it in Stripe's Dashboard\n"
        in terminal.out
    )


def remove_intent(shop: Shop, payment_id: str) -> None:
    key = {"payment_id": {"S": payment_id}, "record": {"S": "ORDER"}}
    shop.dynamodb.client.update_item(
        TableName=shop.dynamodb.orders_table, Key=key, UpdateExpression="REMOVE rejected_intent"
    )


def test_the_list_is_printed_as_the_api_answers(shop: Shop, terminal: Terminal):
    payment_id, _ = quarantined(shop)

    assert terminal.json("quarantine") == shop.find(status="quarantined").json()
    assert terminal.json("quarantine")["payments"][0]["payment_id"] == payment_id


# -------------------------------------------------------------------------------------------------------- the decision


def test_it_asks_before_it_gives_the_money_back(shop: Shop, terminal: Terminal, answers: Answers):
    payment_id, intent = quarantined(shop)
    asked = answers("yes")

    assert release(terminal, payment_id, "refund") == 0

    assert asked == ["To do it, type yes: "]
    assert "at Stripe: 100.00 CNY came, of which 0.00 CNY have gone back\n" in terminal.err
    assert f"this gives back 100.00 CNY of {intent}\n" in terminal.err
    assert terminal.out == f"payment {payment_id}: its money has gone back\nnext: make find WHAT={payment_id}\n"
    [made] = shop.payment(payment_id)["releases"]
    assert (made["action"], made["reason"], made["actor"]) == ("refund", "Paid twice", "admin:alice")
    assert [refund["amount"] for refund in refunds_at_stripe(shop)] == [10_000]
    shop.check()


def test_it_says_how_many_credits_were_granted(shop: Shop, terminal: Terminal, answers: Answers):
    payment_id, _ = quarantined(shop)
    answers(" Yes ")

    assert release(terminal, payment_id, "fulfil") == 0

    assert "this grants 550 credits to user-1\n" in terminal.err
    assert terminal.out.startswith(f"payment {payment_id}: its credits have been granted: 550\n")
    assert shop.balance() == 550
    shop.check()


def test_it_says_before_what_becomes_of_the_credits(shop: Shop, terminal: Terminal, answers: Answers):
    _, paid_before = shop.buy()
    shop.spend(1100)
    shop.simulator.refund(paid_before, 1000)
    payment_id, intent = quarantined(shop)
    shop.simulator.refund(intent, 3000)
    shop.deliver()
    answers("no")

    assert release(terminal, payment_id, "fulfil") == 1

    at_stripe, does, last = terminal.err.splitlines()[-3:]
    assert at_stripe == "at Stripe: 100.00 CNY came, of which 30.00 CNY have gone back"
    granting, *becomes = does.split("; ")
    assert granting == "this grants 550 credits to user-1"
    assert becomes == ["110 of them pay what is owed", "165 go again at once, for refunds and disputes"]
    assert last == "nothing was changed"


def test_it_says_before_that_a_lost_record_has_granted_the_credits(shop: Shop, terminal: Terminal, answers: Answers):
    payment_id, _ = quarantined(shop)
    before = orders_of(shop)
    shop.release_payment(payment_id, "fulfil")
    restore(shop, before)
    answers("yes")

    assert release(terminal, payment_id, "refund") == 2
    assert "release it with fulfil, which grants nothing more" in terminal.err
    assert release(terminal, payment_id, "fulfil") == 0

    assert "settles the payment, and grants user-1 nothing more" in terminal.err
    assert shop.balance() == 550


@pytest.mark.parametrize("typed", ["", "no", "y", "^D"])
def test_another_answer_changes_nothing(shop: Shop, terminal: Terminal, answers: Answers, typed: str):
    payment_id, _ = quarantined(shop)
    answers(typed)

    assert release(terminal, payment_id, "refund") == 1

    assert terminal.out == ""
    assert "nothing was changed" in terminal.err
    assert shop.payment(payment_id)["under_review"] is True
    assert refunds_at_stripe(shop) == []


def test_the_reason_is_asked_for_where_it_is_not_given(shop: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    payment_id, _ = quarantined(shop)
    typed = iter([" Paid twice ", "yes"])
    monkeypatch.setattr(builtins, "input", lambda _question: next(typed))

    assert terminal.run("quarantine", "--release", payment_id, "--action", "refund") == 0

    [made] = shop.payment(payment_id)["releases"]
    assert (made["reason"], made["actor"]) == ("Paid twice", f"admin:{getpass.getuser()}")


@pytest.mark.parametrize("reason", ["", "a" * 501])
def test_a_decision_needs_a_reason(reason: str, shop: Shop, terminal: Terminal, answers: Answers):
    payment_id, _ = quarantined(shop)
    answers(reason)

    assert terminal.run("quarantine", "--release", payment_id, "--action", "refund") == 2

    assert "say why, in 1 to 500 characters: --reason TEXT (make: REASON=)" in terminal.err
    assert shop.payment(payment_id)["under_review"] is True


def test_the_same_command_again_asks_nothing_and_answers_the_same(shop: Shop, terminal: Terminal, answers: Answers):
    payment_id, _ = quarantined(shop)
    answers("yes")
    release(terminal, payment_id, "refund")
    asked = answers("no")

    assert release(terminal, payment_id, "refund") == 0

    assert asked == []
    assert terminal.out.splitlines()[0] == f"payment {payment_id}: its money has gone back (it had been decided before)"
    assert len(refunds_at_stripe(shop)) == 1


def test_while_it_is_not_known_whether_the_money_went_back_it_says_what_to_do(
    shop: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
):
    payment_id, _ = quarantined(shop)

    def agree(_question: str) -> str:
        shop.fault("/v1/refunds", "timeout_before", times=4)
        return "yes"

    monkeypatch.setattr(builtins, "input", agree)

    assert release(terminal, payment_id, "refund", "--stack", "topup-prod") == 1

    assert terminal.out == (
        f"payment {payment_id}: it is not known yet whether its money has gone back\n"
        "next: make reconcile STACK=topup-prod\n"
    )
    terminal.run("quarantine")
    assert "  next     make reconcile: its money is on its way back\n" in terminal.out


def test_the_payment_is_printed_as_the_api_answers(shop: Shop, terminal: Terminal, answers: Answers):
    payment_id, _ = quarantined(shop)
    answers("yes")

    found = terminal.json("quarantine", "--release", payment_id, "--action", "fulfil", *WHY)

    assert found == shop.payment(payment_id)


def test_a_decision_that_is_not_possible_is_refused_before_the_question(
    shop: Shop, terminal: Terminal, answers: Answers
):
    payment_id, _ = shop.buy()
    asked = answers("yes")

    assert release(terminal, payment_id, "refund") == 2

    assert terminal.err == f"cannot run quarantine: payment {payment_id}: This payment is not under review\n"
    assert asked == []


def test_what_stripe_refuses_leaves_the_payment_as_it_was(shop: Shop, terminal: Terminal, answers: Answers):
    payment_id, intent = quarantined(shop)
    while_stripe_is_asked_for_a_refund(shop, lambda: shop.simulator.dispute(intent))
    answers("yes")

    assert release(terminal, payment_id, "refund") == 2

    assert terminal.err.splitlines()[-1].startswith(f"cannot run quarantine: payment {payment_id}: Stripe could not do")
    assert shop.payment(payment_id)["under_review"] is True


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--action", "refund"), "--action belongs to --release PAYMENT (make: RELEASE=)"),
        (("--reason", "why"), "--reason belongs to --release PAYMENT"),
        (("--release", "p"), "say how to end it: --action fulfil or --action refund (make: ACTION=)"),
        (("--release", "p", "--action", "refund", "--reason", "why"), "there is no payment p: `make quarantine` lists"),
    ],
)
def test_a_mistake_names_the_fix(arguments: tuple[str, ...], problem: str, terminal: Terminal):
    assert terminal.run("quarantine", *arguments) == 2
    assert problem in terminal.err
