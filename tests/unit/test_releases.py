"""What a decision over a refused payment does to its order."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.in_process.environment import NOW
from tests.support.builders import INTENT_ID, a_payment, a_release, an_order
from topup.domain import releases
from topup.domain.errors import NotReleasable
from topup.domain.orders import Order, RefusedPayment, ReleaseAction, Status

LATER = NOW + timedelta(hours=1)
FIRST, SECOND, THIRD = INTENT_ID, "pi_second", "pi_third"
BESIDES = (RefusedPayment(intent=SECOND, reason="second"), RefusedPayment(intent=THIRD, reason="third"))


def a_refused_order(**changes: Any) -> Order:
    """An order whose only payment was refused."""
    return an_order(**{"quarantine_reason": "first", "rejected_intent": FIRST, **changes})


UNDER_WAY = a_release(is_done=False)


@pytest.mark.parametrize(
    ("order", "named", "meant"),
    [
        (an_order(), None, None),
        (a_refused_order(), None, FIRST),
        (a_refused_order(), SECOND, SECOND),
        (an_order(releases=(a_release(),)), None, FIRST),
        (a_refused_order(releases=(a_release(),)), None, FIRST),  # its refund has failed
        (a_refused_order(refused_besides=BESIDES), SECOND, SECOND),
    ],
)
def test_a_decision_is_about_the_payment_that_it_names_or_the_only_one(
    order: Order, named: str | None, meant: str | None
):
    assert releases.intent_meant(order, named) == meant


@pytest.mark.parametrize("more", [{"refused_besides": BESIDES[:1]}, {"releases": (a_release(SECOND),)}])
def test_where_two_payments_were_refused_a_decision_names_one(more: dict[str, Any]):
    with pytest.raises(NotReleasable, match="More than one payment"):
        releases.intent_meant(a_refused_order(**more), None)


@pytest.mark.parametrize(
    ("order", "action", "intent", "why"),
    [
        (an_order(), ReleaseAction.REFUND, FIRST, "not under review"),
        (a_refused_order(rejected_intent=None), ReleaseAction.REFUND, None, "Nobody knows by which"),
        (a_refused_order(refused_besides=BESIDES), ReleaseAction.REFUND, SECOND, f"Decide over {FIRST} first"),
        (a_refused_order(), ReleaseAction.REFUND, SECOND, "pi_second waits for no decision"),
        (a_refused_order(status=Status.SUCCEEDED), ReleaseAction.FULFIL, FIRST, "has its credits"),
        (a_refused_order(releases=(UNDER_WAY,)), ReleaseAction.FULFIL, FIRST, "on its way back"),
    ],
)
def test_what_waits_for_no_decision_or_another_one_is_not_released(
    order: Order, action: ReleaseAction, intent: str | None, why: str
):
    with pytest.raises(NotReleasable, match=why):
        releases.check(order, action, intent)


@pytest.mark.parametrize(
    ("order", "action"),
    [
        (a_refused_order(), ReleaseAction.FULFIL),
        (a_refused_order(), ReleaseAction.REFUND),
        (a_refused_order(status=Status.SUCCEEDED), ReleaseAction.REFUND),
        (a_refused_order(releases=(UNDER_WAY,)), ReleaseAction.REFUND),  # the same refund again
        (a_refused_order(releases=(a_release(SECOND),)), ReleaseAction.FULFIL),
    ],
)
def test_the_payment_that_waits_is_released(order: Order, action: ReleaseAction):
    releases.check(order, action, FIRST)


@pytest.mark.parametrize(
    ("order", "is_done"),
    [
        (an_order(), False),
        (an_order(releases=(a_release(),)), True),
        (an_order(releases=(a_release(), a_release(SECOND))), True),
        (an_order(releases=(a_release(SECOND),)), False),
        (an_order(releases=(UNDER_WAY,)), False),
        (an_order(releases=(a_release(), UNDER_WAY)), False),
        (a_refused_order(releases=(a_release(),)), False),  # its refund has failed: it waits again
        (an_order(releases=(a_release(action=ReleaseAction.FULFIL), a_release())), True),  # the last one counts
        (an_order(releases=(a_release(), a_release(action=ReleaseAction.FULFIL))), False),
    ],
)
def test_a_refund_is_done_when_the_last_decision_over_that_payment_was_one_and_was_carried_out(
    order: Order, is_done: bool
):
    assert releases.is_done(order, ReleaseAction.REFUND, FIRST) is is_done


def test_what_is_decided_over_makes_room_for_the_next_payment_and_then_for_none():
    order = a_refused_order(refused_besides=BESIDES)

    second = releases.without_decided(order)
    third = releases.without_decided(second)
    none = releases.without_decided(third)

    assert (second.quarantine_reason, second.rejected_intent, second.refused_besides) == ("second", SECOND, BESIDES[1:])
    assert (third.quarantine_reason, third.rejected_intent, third.refused_besides) == ("third", THIRD, ())
    assert (none.quarantine_reason, none.rejected_intent, none.refused_besides) == (None, None, ())


@pytest.mark.parametrize(
    ("payment", "credits"),
    [
        ({"amount_minor": 10_000}, 1100),
        ({"amount_minor": 20_000}, 1100),  # never more than all
        ({"amount_minor": 3_333}, 366),
        ({"amount_minor": 10, "subtotal_minor": None}, 1),
        ({"amount_minor": 5_950, "subtotal_minor": 5_000}, 550),  # with tax
        ({"amount_minor": 1_000, "subtotal_minor": 5_000}, 550),  # after a promotion code
    ],
)
def test_a_payment_has_paid_for_its_share_of_the_price(payment: dict[str, Any], credits: int):
    assert releases.credits_for(an_order(), a_payment(**payment)) == credits


@pytest.mark.parametrize("payment", [{"currency": "USD"}, {"amount_minor": 9}, {"amount_minor": 0}])
def test_a_payment_in_another_currency_or_for_less_than_a_credit_grants_nothing(payment: dict[str, Any]):
    with pytest.raises(NotReleasable):
        releases.credits_for(an_order(), a_payment(**payment))


def test_a_refund_that_begins_is_looked_at_soon():
    order = a_refused_order(releases=(a_release(SECOND),), next_look_at=LATER)

    begun = releases.begun(order, UNDER_WAY)

    assert begun.before == order
    assert begun.after == replace(order, releases=(a_release(SECOND), UNDER_WAY), next_look_at=None)


def test_when_the_money_has_gone_back_the_order_has_failed_and_says_so():
    order = a_refused_order(
        releases=(a_release(SECOND), a_release(THIRD), UNDER_WAY),
        error_message="Your card was declined.",
        error_code="generic_decline",
        next_look_at=LATER,
    )

    ended = releases.refunded(order, LATER, is_being_paid=False)

    assert ended.before == order
    assert ended.after == an_order(
        status=Status.FAILED,
        error_message=releases.GIVEN_BACK,
        releases=(a_release(SECOND), a_release(THIRD), a_release(released_at=LATER)),
    )


@pytest.mark.parametrize(
    ("changes", "is_being_paid", "status"),
    [
        ({}, True, Status.PENDING),
        ({"refused_besides": BESIDES}, False, Status.PENDING),
        ({"status": Status.SUCCEEDED}, False, Status.SUCCEEDED),
        ({"status": Status.EXPIRED}, False, Status.EXPIRED),
        ({"status": Status.EXPIRED}, True, Status.EXPIRED),
    ],
)
def test_the_order_goes_on_where_it_is_paid_otherwise_another_payment_waits_or_it_has_ended(
    changes: dict[str, Any], is_being_paid: bool, status: Status
):
    order = a_refused_order(releases=(UNDER_WAY,), **changes)

    after = releases.refunded(order, LATER, is_being_paid=is_being_paid).after

    assert (after.status, after.error_message) == (status, None)
    assert after.rejected_intent == (SECOND if order.refused_besides else None)


def test_another_payment_that_was_refused_meanwhile_keeps_waiting():
    order = a_refused_order(rejected_intent=SECOND, releases=(UNDER_WAY,), next_look_at=LATER)

    after = releases.refunded(order, LATER, is_being_paid=False).after

    assert after == replace(order, releases=(a_release(released_at=LATER),), next_look_at=None)


def test_a_refund_that_stripe_refuses_is_forgotten():
    order = a_refused_order(releases=(a_release(SECOND), a_release(THIRD), UNDER_WAY))

    assert releases.given_up(order).after == replace(order, releases=(a_release(SECOND), a_release(THIRD)))


def test_a_payment_whose_refund_failed_waits_for_a_decision_again_after_those_that_wait():
    alone, behind = an_order(), a_refused_order(refused_besides=BESIDES[:1])
    reason = "refund: re_1 has failed, the money is here again"

    first, last = releases.undone(alone, THIRD, "re_1"), releases.undone(behind, THIRD, "re_1")

    assert first
    assert first.after == replace(alone, quarantine_reason=reason, rejected_intent=THIRD)
    assert last
    assert last.after == replace(behind, refused_besides=(*BESIDES[:1], RefusedPayment(intent=THIRD, reason=reason)))
    assert releases.undone(behind, SECOND, "re_1") is None
