"""A line of spends whose requests die, are throttled or come late: it moves on, and no answer is untrue."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from local.in_process.dynamodb import lost_before, overtaken_by, refused
from local.in_process.environment import NOW, USER_ID
from local.in_process.shop import Shop
from tests.integration.test_spending_line import clock, credits_of_a_grant, in_line, wait_in_line
from topup import store
from topup.store import persons

__all__ = ["clock", "credits_of_a_grant"]  # fixtures


def test_a_line_of_many_who_have_died_is_led_by_whoever_is_alive(shop: Shop):
    """A tenth of a second for each of them would be longer than anybody waits."""
    shop.grant(100)
    for number in range(70):
        wait_in_line(f"{number:02}", 1)

    assert shop.spend(1, "mine").status == 200


def test_a_line_that_has_stalled_recovers_while_three_spends_a_second_come(shop: Shop):
    """Each whose caller has given up may leave a place for 30 s: the line must not stay long because it is long."""
    shop.grant(1_000)
    for number in range(90):
        wait_in_line(f"dead {number:02}", 1, received_at=NOW - timedelta(seconds=30 - number / 3))

    statuses = []
    for number in range(121):  # 40 seconds; most are only played, by the place that is left of each that got 503
        if number % 15:
            wait_in_line(f"new {number}", 1, received_at=shop.api.now)
        else:
            statuses.append(shop.spend(1, f"new {number}").status)
            if statuses[-1] == 200:
                break
        shop.wait(seconds=1 / 3)

    assert 200 in statuses, statuses


def test_a_place_that_was_throttled_is_asked_for_again(shop: Shop, clock: SimpleNamespace):
    """As a throttled transaction is tried again, for six seconds (the SDK itself tries a request twice)."""
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.adjust(-1)))
    for _ in range(2):
        shop.dynamodb.fail("PutItem", refused("ThrottlingException"))

    assert shop.spend(10, "mine").status == 200


def test_a_place_that_may_come_late_forbids_a_refusal_by_a_later_try_too(shop: Shop):
    """Also where the flow would run again, here because the next read is throttled."""

    throttled = refused("ThrottlingException")
    puts = {"seen": 0}

    def lost_and_then_throttled(execute: Callable[[], Any]) -> Any:
        puts["seen"] += 1
        for _ in range(2):
            shop.dynamodb.fail("Query", throttled)
        return lost_before(execute)

    def lose_and_lose_the_place() -> None:
        shop.adjust(-60)
        shop.dynamodb.fail("PutItem", lost_before)
        shop.dynamodb.fail("PutItem", lost_and_then_throttled)

    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lose_and_lose_the_place))
    first = shop.spend(50, "mine")
    assert puts["seen"] == 1

    # The first attempt of the put arrives, and there are credits again.
    wait_in_line("mine", 50, received_at=NOW)
    shop.grant(60)
    assert shop.spend(1, "other").status == 200
    made = ("spent", -50) in shop.ledger()
    assert (first.status, made) != (409, True), "refused, and made afterwards"


def test_a_place_whose_second_attempt_met_a_transaction_forbids_a_refusal(shop: Shop):
    """A conflict of the SDK's second attempt does not say what has become of the first one."""

    def lose() -> None:
        shop.adjust(-60)
        shop.dynamodb.fail("PutItem", lost_before)
        shop.dynamodb.fail("PutItem", refused("TransactionConflictException"))

    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lose))
    assert shop.spend(50, "mine").status == 503


def test_a_batch_with_a_spend_that_is_in_line_is_not_refused_and_the_spend_made_afterwards(shop: Shop):
    """Spend "mine" got 503; its caller sends it again, in a batch: the keys are the same keys (docs/contract.md)."""
    wait_in_line("mine", 50)

    refusal = shop.batch([("mine", 50), ("second", 60)])
    assert shop.spend(1, "other").status == 200

    made = ("spent", -50) in shop.ledger()
    assert (refusal.status, made) != (409, True), "all or none was refused, and one made afterwards"


def test_a_refusal_is_final_though_another_request_sees_the_old_place_still(shop: Shop):
    """Who leads compares the place's TTL with the time at which its own request was received, seconds ago."""
    wait_in_line("mine", 50, received_at=NOW - timedelta(seconds=28))
    shop.adjust(-60)
    refusals: list[int] = []

    def meanwhile() -> None:
        shop.wait(seconds=3)
        refusals.append(shop.spend(50, "mine").status)
        shop.grant(60)

    shop.dynamodb.fail("Query", overtaken_by(meanwhile))
    assert shop.spend(1, "slow").status == 200

    made = ("spent", -50) in shop.ledger()
    assert (refusals, made) != ([409], True), "refused, and made afterwards"


def test_a_user_who_is_erased_gets_no_place_in_line(shop: Shop):
    """It would come after the records were deleted, with the user's id and what people wrote."""
    wallet = store.load_credits(USER_ID, NOW).wallet
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: persons.lock(wallet, "erased-1")))

    assert shop.spend(10, "mine").status == 503
    assert in_line() == []
