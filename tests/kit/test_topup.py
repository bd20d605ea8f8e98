"""The test kit's handle of a running stack; what kit/example uses of it is tested there (test_wheel.py)."""

import sys

import httpx
import pytest
from topup_local import Topup, UnexpectedStatusError, running
from topup_local.sources import importable

import local


def credits_of(topup: Topup, token: str, user: str) -> int:
    """The status of a user's credits, asked for with this token."""
    headers = {"authorization": f"Bearer {token}"}
    return httpx.get(f"{topup.url}/api/users/{user}/credits", headers=headers, trust_env=False).status_code


def test_each_caller_has_a_token(topup: Topup) -> None:
    user = topup.user()

    assert credits_of(topup, topup.admin_token(), user) == 200
    assert credits_of(topup, topup.support_token(), user) == 200
    assert credits_of(topup, topup.token(user), user) == 403


def test_every_user_is_a_new_one(topup: Topup) -> None:
    assert topup.user() != topup.user()
    assert topup.credits(topup.user())["balance"] == 0


def test_a_fault_of_stripe_strikes_so_many_times(topup: Topup) -> None:
    topup.fault("stripe", "500", path="/v1/checkout/sessions", times=2)
    topup.fault("stripe", "timeout_after")

    assert [fault["do"] for fault in topup.client.stripe.faults()] == ["500", "500", "timeout_after"]

    topup.calm()
    assert topup.client.stripe.faults() == []


def test_an_order_for_which_stripe_was_too_busy_can_be_placed_again(topup: Topup) -> None:
    user = topup.user()
    topup.fault("stripe", "429", path="/v1/checkout/sessions", times=10)
    refused = topup.client.api.create(user, "standard", "order-1")
    topup.calm()

    assert refused.status_code == 503
    assert topup.client.api.create(user, "standard", "order-1").status_code == 200


def test_a_refund_of_a_part_takes_a_part_and_a_lost_dispute_the_rest(topup: Topup) -> None:
    user = topup.user()
    payment = topup.buy(user)
    topup.refund(payment, 2500)
    left = topup.balance(user)
    topup.close_dispute(topup.dispute(payment), "lost")

    assert left == 1100 * 3 // 4
    assert topup.balance(user) == 0
    assert [entry["transaction_type"] for entry in topup.ledger(user)] == ["disputed", "refunded", "purchased"]


def test_what_stripe_reports_late_is_not_waited_for(topup: Topup) -> None:
    user = topup.user()
    payment = topup.buy(user)
    topup.webhooks(paused=True)
    topup.refund(payment)
    before = topup.balance(user)

    topup.webhooks()
    topup.wait_for_webhooks()

    assert (before, topup.balance(user)) == (1100, 0)


def test_events_are_those_of_the_user_the_oldest_first(topup: Topup) -> None:
    user, other = topup.user(), topup.user()
    topup.grant(user, 10)
    topup.grant(user, 20)
    topup.grant(other, 30)
    topup.wait_for_event("credits.granted", other)
    topup.buy(user)
    topup.wait_for_event("credits.purchased", user)

    granted = [event["detail"]["amount"] for event in topup.events(user) if event["detail-type"] == "credits.granted"]

    assert granted == [10, 20]
    assert {event["detail"]["user_id"] for event in topup.events()} >= {user, other}


def test_time_only_goes_forward_and_ends_holds(topup: Topup) -> None:
    user = topup.user()
    topup.grant(user, 100)
    before = topup.now()
    topup.client.api.open_hold(user, 40, "A call", "call-1")
    open_then = [hold["held"] for hold in topup.holds(user)]

    assert (topup.advance(minutes=16) - before).total_seconds() >= 16 * 60
    assert (open_then, topup.holds(user)) == ([40], [])
    with pytest.raises(UnexpectedStatusError, match="must be a whole number from 1"):
        topup.advance(days=-1)


def test_stacks_run_side_by_side_and_leave_nothing() -> None:
    with running(LOW_BALANCE_THRESHOLD="50") as one, running() as other:
        user = one.user()
        one.grant(user, 100)
        one.advance(days=1)

        assert (one.balance(user), other.balance(user)) == (100, 0)
        assert other.now() < one.now()
        assert one.log != other.log
        assert one.log.exists()
    assert not one.log.parent.parent.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(one.url, trust_env=False)


def test_the_services_own_modules_keep_their_names() -> None:
    known = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in ("local", "topup")}
    path = list(sys.path)

    with importable():
        import local.client as the_stacks  # noqa: PLC0415

    assert the_stacks is not known.get("local.client")
    assert sys.modules["local"] is local
    assert {name: sys.modules[name] for name in known} == known
    assert sys.path == path
