"""Holds over the API: what is reserved, what captures take, and how holds end."""

from datetime import timedelta
from typing import Any

import pytest

from local.in_process.api import as_user
from local.in_process.environment import USER_ID
from local.in_process.shop import Shop
from topup import store
from topup.domain import idempotency

HELD = {"status": "open", "captured": 0, "shortfall": 0}


def credits(shop: Shop) -> tuple[int, int, int]:
    seen = shop.credits()
    return seen["balance"], seen["held"], seen["available"]


def opened(shop: Shop, amount: int, **body: Any) -> dict[str, Any]:
    response = shop.hold(amount, **body)
    assert response.status == 201, response.json()
    return dict(response.json())


# --------------------------------------------------------------------------------------------------------- opening


def test_a_hold_reserves_credits_with_one_read_and_one_write(shop: Shop):
    shop.grant(500)
    shop.dynamodb.operations.clear()

    hold = opened(shop, 75, ttl_seconds=600, metadata={"job": "77"})

    assert shop.dynamodb.operations == ["Query", "TransactWriteItems"]
    assert (
        hold.items() >= (HELD | {"amount": 75, "held": 75, "available_after": 425, "metadata": {"job": "77"}}).items()
    )
    assert credits(shop) == (500, 75, 425)
    refused = shop.spend(426).json()
    assert (refused["balance"], refused["held"], refused["available"]) == (500, 75, 425)
    assert shop.spend(425).json()["available_after"] == 0
    shop.check()


def test_of_many_holds_only_those_that_fit_are_opened(shop: Shop):
    shop.grant(500)

    statuses = [shop.hold(75).status for _ in range(20)]

    assert (statuses.count(201), statuses.count(409)) == (6, 14)
    assert credits(shop) == (500, 450, 50)
    shop.check()


def test_the_same_key_reserves_once_and_answers_as_it_did(shop: Shop):
    shop.grant(500)

    first, again = shop.hold(75, "key"), shop.hold(75, "key")

    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert shop.hold(76, "key").json()["code"] == "idempotency_conflict"
    assert shop.spend(75, "key").json()["code"] == "idempotency_conflict"
    assert credits(shop) == (500, 75, 425)


def test_a_hold_that_outlives_the_credits_that_it_would_rest_on_is_refused(shop: Shop):
    shop.grant(100, expires_at=(shop.now + timedelta(hours=1)).isoformat())
    shop.grant(50)

    assert shop.hold(51, ttl_seconds=3700).json()["code"] == "insufficient_credits"
    assert shop.hold(51, ttl_seconds=3700).json()["available"] == 50
    short = opened(shop, 51, ttl_seconds=3500)
    assert shop.extend(short, ttl_seconds=3700).json()["code"] == "insufficient_credits"
    assert shop.extend(short, ttl_seconds=3550).status == 200
    shop.check()


def test_an_extension_that_asks_for_no_more_than_there_is_changes_nothing(shop: Shop):
    shop.grant(100)
    hold = opened(shop, 50, ttl_seconds=600)

    extended = shop.extend(hold, ttl_seconds=60)

    assert (extended.status, extended.json()["ends_at"], extended.json()["amount"]) == (200, hold["ends_at"], 50)
    assert credits(shop) == (100, 50, 50)
    shop.check()


def test_a_user_has_at_most_fifty_open_holds(shop: Shop):
    shop.grant(500)
    for _ in range(50):
        opened(shop, 1)

    refused = shop.hold(1)

    assert (refused.status, refused.json()["code"]) == (409, "too_many_holds")


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount", 0), ("ttl_seconds", 0), ("ttl_seconds", 86_401), ("overrun", "maybe"), ("metadata", {"k": "v" * 129})],
)
def test_a_hold_with_a_wrong_field_is_refused_with_its_name(shop: Shop, field: str, value: Any):
    refused = shop.hold(**{"amount": 1, field: value})

    assert refused.status == 422
    assert refused.json()["errors"][0]["field"].startswith(field)


# -------------------------------------------------------------------------------------------------------- captures


def test_a_capture_takes_what_was_used_and_frees_the_rest(shop: Shop):
    shop.grant(500)
    hold = opened(shop, 75)
    shop.dynamodb.operations.clear()

    captured = shop.capture(hold, 30, "capture").json()

    assert shop.dynamodb.operations == ["Query", "TransactWriteItems"]
    assert captured.items() >= {"status": "captured", "captured": 30, "held": 0, "balance_after": 470}.items()
    assert (captured["available_after"], captured["amount_captured"], captured["late"]) == (470, 30, False)
    assert credits(shop) == (470, 0, 470)
    entry = shop.api.get("/api/users/credits/transactions", as_user()).json()["transactions"][0]
    assert (entry["transaction_type"], entry["amount"], entry["hold_id"]) == ("spent", -30, hold["hold_id"])
    assert shop.capture(hold, 30, "capture").json() == captured
    assert shop.capture(hold, 30, "another").json().items() >= {"code": "hold_ended", "state": "captured"}.items()
    assert credits(shop) == (470, 0, 470)
    shop.check()


def test_several_captures_take_from_one_hold_and_the_last_one_frees_the_rest(shop: Shop):
    shop.grant(500)
    hold = opened(shop, 75)

    first = shop.capture(hold, 30, final=False).json()
    second = shop.capture(hold, 20, final=False).json()

    assert (first["status"], first["held"], second["held"], second["captured"]) == ("open", 45, 25, 50)
    assert credits(shop) == (450, 25, 425)
    assert shop.capture(hold, 5).json()["status"] == "captured"
    assert credits(shop) == (445, 0, 445)
    shop.check()


@pytest.mark.parametrize(
    ("overrun", "status", "taken", "shortfall", "debt"),
    [("available", 200, 95, 25, 0), ("refuse", 409, 0, 0, 0), ("debt", 200, 120, 0, 25)],
)
def test_beyond_what_is_held_the_overrun_decides_and_other_holds_are_not_touched(
    shop: Shop, overrun: str, status: int, taken: int, shortfall: int, debt: int
):
    shop.grant(100)
    hold = opened(shop, 75, overrun=overrun)
    other = opened(shop, 5)

    response = shop.capture(hold, 120)

    assert response.status == status
    assert shop.credits()["debt"] == debt
    if status == 200:
        assert (response.json()["captured"], response.json()["shortfall"]) == (taken, shortfall)
    assert shop.capture(other, 5).json()["captured"] == 5
    shop.check()


def test_what_a_capture_owes_is_paid_by_the_next_credits(shop: Shop):
    shop.grant(100)
    shop.capture(opened(shop, 75, overrun="debt"), 120)
    assert (shop.balance(), shop.credits()["debt"]) == (-20, 20)

    shop.grant(50)

    assert (shop.balance(), shop.credits()["debt"]) == (30, 0)
    shop.check()


def owing_beside_a_hold(shop: Shop) -> tuple[dict[str, Any], dict[str, Any]]:
    """What captures owe, 100 credits, stands beside 600 of a purchase that another hold reserves: both holds."""
    first, other = opened(shop, 500, overrun="debt"), opened(shop, 600)
    assert shop.capture(first, 600).json()["captured"] == 600
    assert (shop.credits()["debt"], credits(shop)) == (100, (500, 600, -100))
    return first, other


def settled(shop: Shop) -> list[tuple[str, int, str]]:
    entries = shop.api.get("/api/users/credits/transactions", as_user()).json()["transactions"]
    return [(one["transaction_type"], one["amount"], one["description"]) for one in entries]


@pytest.mark.parametrize("ends", ["release", "final capture", "by itself", "by itself, found by reconcile"])
def test_what_a_hold_frees_pays_what_captures_owe(shop: Shop, ends: str):
    shop.buy()
    _, other = owing_beside_a_hold(shop)
    balance = 500

    if ends == "release":
        assert shop.release(other).json()["available_after"] == 500
    elif ends == "final capture":
        assert shop.capture(other, 50).json()["available_after"] == 450
        balance = 450
    else:
        shop.wait(minutes=16)
        if "reconcile" in ends:
            shop.reconcile(sweep_after_hours=0)
        else:
            shop.run_timers()

    assert (shop.credits()["debt"], credits(shop)) == (0, (balance, 0, balance))
    assert settled(shop)[0] == ("spent", 0, "Paid what was owed")
    shop.check()


def test_credits_that_pay_what_captures_owe_do_not_expire_beside_it(shop: Shop):
    """The hold is over, but its end comes to nobody's notice before its credits expire."""
    shop.grant(1100, expires_at=(shop.now + timedelta(hours=1)).isoformat())
    owing_beside_a_hold(shop)
    shop.wait(hours=2)

    for timer in shop.due_timers(delete=False):
        if "lot_record" in timer:
            shop.consume([shop.ttl_record(timer)])

    assert (shop.credits()["debt"], shop.balance()) == (0, 0)
    assert settled(shop)[:2] == [("expired", -500, "Expired: Grant"), ("spent", 0, "Paid what was owed")]
    shop.check()


def test_a_refund_takes_no_credits_that_pay_what_is_owed(shop: Shop):
    """Of 600 credits that are left 100 are owed, though nobody has stored yet that their hold is over."""
    payment_id, _ = shop.buy()
    owing_beside_a_hold(shop)
    shop.wait(minutes=16)

    largest = shop.quote(payment_id).json()["largest_refundable"]
    refused = shop.refund(payment_id, float(largest) + 0.01)

    assert (refused.status, refused.json()["code"], refused.json()["largest_refundable"]) == (
        409,
        "credits_spent",
        largest,
    )
    assert shop.refund(payment_id, float(largest)).status == 200
    assert shop.balance() == 0
    shop.check()


# ------------------------------------------------------------------------------------------------------------ ends


@pytest.mark.parametrize(("own", "told"), [({}, {"job": "77"}), ({"step": "2"}, {"step": "2"})])
def test_a_capture_without_metadata_of_its_own_has_the_holds(shop: Shop, own: dict[str, str], told: dict[str, str]):
    shop.grant(500)
    hold = opened(shop, 75, metadata={"job": "77"})

    shop.capture(hold, 30, metadata=own)

    [entry, *_] = shop.api.get("/api/users/credits/transactions", as_user()).json()["transactions"]
    assert (entry["transaction_type"], entry["metadata"]) == ("spent", told)


def test_a_released_hold_frees_its_credits_once_and_answers_the_same(shop: Shop):
    shop.grant(500)
    hold = opened(shop, 75)

    first = shop.release(hold)
    shop.spend(100)

    assert (first.json()["status"], first.json()["available_after"]) == ("released", 500)
    assert shop.release(hold).json() == first.json()
    hold_id = hold["hold_id"].partition(".")[0]
    receipt = store.load_receipt(USER_ID, f"release:{hold_id}")
    assert receipt  # another version compares its fingerprint, too
    assert receipt.request_fingerprint == idempotency.fingerprint("release", hold_id)
    assert shop.capture(hold, 1).json()["state"] == "released"
    assert credits(shop) == (400, 0, 400)
    shop.check()


def test_a_hold_counts_for_nothing_from_its_end_on_whether_or_not_anybody_ends_it(shop: Shop):
    shop.grant(500)
    opened(shop, 500, ttl_seconds=60)
    shop.wait(seconds=59)
    assert credits(shop)[2] == 0

    shop.wait(seconds=2)

    assert credits(shop) == (500, 0, 500)
    assert shop.spend(500).status == 200
    shop.check()


def test_a_late_capture_is_taken_for_a_day_whether_or_not_the_hold_was_swept(shop: Shop):
    shop.grant(500)
    swept = opened(shop, 75, ttl_seconds=60)
    shop.wait(minutes=2)
    assert shop.release(swept).json()["state"] == "expired"
    shop.reconcile(sweep_after_hours=0)
    unswept = opened(shop, 75, ttl_seconds=60)
    shop.wait(minutes=2)

    for hold in (swept, unswept):
        captured = shop.capture(hold, 30).json()
        assert (captured["late"], captured["status"], captured["captured"]) == (True, "expired", 30)
        assert shop.capture(hold, 1).json()["code"] == "hold_ended"

    assert credits(shop) == (440, 0, 440)
    shop.check()


def test_a_day_after_its_end_a_hold_takes_no_capture(shop: Shop):
    shop.grant(500)
    hold = opened(shop, 75, ttl_seconds=60)

    shop.wait(days=1, minutes=2)

    assert shop.capture(hold, 30).json().items() >= {"code": "hold_ended", "state": "expired"}.items()


@pytest.mark.parametrize("overrun", ["available", "refuse", "debt"])
def test_a_late_capture_takes_nothing_that_others_hold(shop: Shop, overrun: str):
    shop.grant(100)
    late = opened(shop, 50, ttl_seconds=60, overrun=overrun)
    shop.wait(minutes=2)
    opened(shop, 90)

    response = shop.capture(late, 50)

    expected = {"available": (10, 40, 0), "refuse": (0, 0, 0), "debt": (50, 0, 40)}[overrun]
    body = response.json()
    assert (body.get("captured", 0), body.get("shortfall", 0), shop.credits()["debt"]) == expected
    assert shop.credits()["held"] == 90
    shop.check()


def test_the_timer_and_the_sweep_end_a_hold_once(shop: Shop):
    shop.grant(500)
    opened(shop, 75, ttl_seconds=60)
    opened(shop, 75, ttl_seconds=60)
    shop.wait(minutes=2)
    [first, _] = [shop.ttl_record(timer) for timer in shop.due_timers(delete=True)]

    assert shop.consume([first]) == {"batchItemFailures": []}
    assert shop.consume([first]) == {"batchItemFailures": []}
    assert shop.reconcile(sweep_after_hours=0)["lots"]["repaired"] == 1

    assert shop.reconcile(sweep_after_hours=0)["lots"]["found"] == 0
    assert credits(shop) == (500, 0, 500)
    shop.check()


def test_an_extended_hold_is_not_ended_by_its_first_timer(shop: Shop):
    shop.grant(500)
    hold = opened(shop, 75, ttl_seconds=60)
    shop.extend(hold, ttl_seconds=600, add=25)
    shop.wait(minutes=2)

    shop.reconcile(sweep_after_hours=0)

    assert credits(shop) == (500, 100, 400)
    shop.check()


# ------------------------------------------------------------------------------------------------- beside refunds


def test_a_refund_that_would_take_what_is_held_is_refused_with_the_largest_that_does_not(shop: Shop):
    payment_id, _ = shop.buy()  # 1,100 credits for 100.00
    hold = opened(shop, 1000)

    refused = shop.refund(payment_id)

    assert (refused.status, refused.json()["code"]) == (409, "credits_spent")
    assert refused.json()["largest_refundable"] == "9.18"
    assert shop.refund(payment_id, 9.18).status == 200
    assert shop.capture(hold, 1000).json()["captured"] == 1000
    shop.check()


def test_a_capture_says_what_a_claw_back_has_taken_of_its_hold(shop: Shop):
    payment_id, intent = shop.buy()
    hold = opened(shop, 1000)
    shop.simulator.refund(intent, 5000)
    shop.deliver()
    assert credits(shop) == (550, 1000, -450)

    captured = shop.capture(hold, 800).json()

    assert (captured["captured"], captured["shortfall"]) == (550, 250)
    assert shop.payment(payment_id)["credits_refunded"] == 550
    shop.check()
