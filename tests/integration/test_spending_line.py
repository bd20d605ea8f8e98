"""Spends that meet wait in line: one request writes them together, each is paid once, and nobody waits for ever."""

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from local.in_process.dynamodb import (
    Crash,
    Fault,
    crashed_after,
    crashed_before,
    lost_after,
    lost_before,
    overtaken_by,
    refused,
)
from local.in_process.environment import NOW, USER_ID
from local.in_process.shop import Shop
from tests.support.builders import a_cause
from topup import spending, store
from topup.domain.line import LIFETIME, WaitingSpend
from topup.store import credit_items, races, scans


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Time that passes only where a request waits."""
    clock = SimpleNamespace(seconds=0.0)
    clock.monotonic = lambda: clock.seconds
    clock.sleep = lambda seconds: setattr(clock, "seconds", clock.seconds + seconds)
    monkeypatch.setattr(races, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def credits_of_a_grant(shop: Shop) -> None:
    shop.grant(100)
    shop.dynamodb.operations.clear()


def wait_in_line(key: str, amount: int, **changes: Any) -> WaitingSpend:
    """Put a spend in line whose own request does nothing more."""
    about: dict[str, Any] = {"user_id": USER_ID, "cause": a_cause(), "received_at": NOW - timedelta(seconds=1)}
    asked = spending.fingerprint(USER_ID, amount, "work", {})
    waiting = WaitingSpend(key=key, amount=amount, request_fingerprint=asked, **(about | changes))
    store.join_line(waiting)
    return waiting


def in_line(user: str = USER_ID) -> list[str]:
    """The keys of the spends in line, as they are stored."""
    records = [item["record"]["S"] for item in scans.records_of(user)]
    return [one.removeprefix("PENDING#") for one in records if one.startswith(credit_items.PENDING)]


def followed_by(action: Callable[[], object]) -> Fault:
    """`action` happens after the request, and before its response comes."""

    def fault(execute: Callable[[], Any]) -> Any:
        response = execute()
        action()
        return response

    return fault


def test_a_spend_that_loses_a_race_takes_a_place_in_line_and_is_written_when_it_is_its_turn(shop: Shop):
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.adjust(-1)))

    response = shop.spend(10, "mine")

    assert (response.status, response.json()["balance_after"]) == (200, 89)
    assert "idempotent-replayed" not in response.headers
    own = [one for one in shop.dynamodb.operations if one != "Scan"]
    # Its own first try, the other's change within it, the look for its receipt, its place, the line, its turn.
    assert own == [
        *("Query", "TransactWriteItems", "Query", "TransactWriteItems"),
        *("GetItem", "PutItem", "Query", "TransactWriteItems"),
    ]
    assert in_line() == []
    shop.check()


def test_a_spend_that_finds_others_in_line_waits_behind_them_and_pays_them_when_they_do_not_move(
    shop: Shop, clock: SimpleNamespace
):
    wait_in_line("other", 20)

    response = shop.spend(10, "mine")

    assert (response.json()["balance_after"], clock.seconds > 0.1) == (70, True)
    assert shop.ledger()[-2:] == [("spent", -20), ("spent", -10)]
    assert in_line() == []
    again = shop.spend(20, "other")
    assert (again.json()["balance_after"], again.headers["idempotent-replayed"]) == (80, "true")
    shop.check()


def test_a_spend_that_comes_just_after_others_were_written_together_takes_a_place_at_once(shop: Shop):
    """Else all who were paid together come back together, and all but one of them lose a race."""
    wait_in_line("other", 20, received_at=NOW)
    shop.spend(10, "first")
    shop.dynamodb.operations.clear()

    assert shop.spend(10, "mine").json()["balance_after"] == 60
    assert shop.dynamodb.operations == ["Query", "GetItem", "PutItem", "Query", "TransactWriteItems"]

    # It was written alone. After a while nobody is expected any more.
    shop.wait(seconds=spending.OTHERS_FOLLOW.total_seconds())
    shop.dynamodb.operations.clear()
    assert shop.spend(10, "last").json()["balance_after"] == 50
    assert shop.dynamodb.operations == ["Query", "TransactWriteItems"]
    shop.check()


def test_a_spend_that_had_its_turn_alone_lets_the_next_one_try_alone(shop: Shop):
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.adjust(-1)))
    shop.spend(10, "first")
    shop.dynamodb.operations.clear()

    assert shop.spend(10, "mine").status == 200
    assert shop.dynamodb.operations == ["Query", "TransactWriteItems"]


def test_a_retry_just_after_others_were_written_together_is_answered_by_its_receipt(shop: Shop):
    wait_in_line("other", 20, received_at=NOW)
    first = shop.spend(10, "first")
    shop.dynamodb.operations.clear()

    again = shop.spend(10, "first")

    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert shop.dynamodb.operations == ["Query", "GetItem"]


def test_a_spend_that_another_request_has_written_is_answered_as_its_own(
    shop: Shop, capsys: pytest.CaptureFixture[str]
):
    # The other one finds the place of the first one, before that has looked at the line.
    others: list[Any] = []
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.adjust(-1)))
    shop.dynamodb.fail("PutItem", followed_by(lambda: others.append(shop.spend(5, "other"))))

    response = shop.spend(10, "mine")

    assert (response.status, response.json()["balance_after"]) == (200, 89)
    assert "idempotent-replayed" not in response.headers
    assert others[0].json()["balance_after"] == 84
    counted = [json.loads(row) for row in capsys.readouterr().out.splitlines() if '"CreditsSpent"' in row]
    assert [metric["CreditsSpent"] for metric in counted] == [[15.0]]
    shop.check()


def test_a_spend_that_is_written_while_it_waits_for_its_turn_is_answered_as_its_own(shop: Shop):
    wait_in_line("dead", 20)
    others: list[Any] = []
    shop.dynamodb.fail("Query", lambda execute: execute())  # the read before it takes its place
    shop.dynamodb.fail("Query", followed_by(lambda: others.append(shop.spend(5, "other"))))

    response = shop.spend(10, "mine")

    assert (response.status, response.json()["balance_after"]) == (200, 70)
    assert "idempotent-replayed" not in response.headers
    assert (others[0].json()["balance_after"], in_line()) == (65, [])
    shop.check()


def test_who_cannot_be_paid_is_refused_by_its_own_read_and_may_ask_again(shop: Shop):
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.adjust(-1)))
    shop.dynamodb.fail("PutItem", followed_by(lambda: wait_in_line("first", 90)))

    refused = shop.spend(50, "mine")

    assert (refused.status, refused.json()["available"]) == (409, 9)
    assert shop.spend(90, "first").headers["idempotent-replayed"] == "true"
    assert in_line() == []
    shop.grant(41)
    again = shop.spend(50, "mine")
    assert (again.status, "idempotent-replayed" in again.headers) == (200, False)
    shop.check()


def test_where_nobody_in_line_can_be_paid_the_line_empties(shop: Shop):
    wait_in_line("other", 101)

    assert shop.spend(10, "mine").json()["balance_after"] == 90
    assert in_line() == []

    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.adjust(-50)))
    assert shop.spend(50, "too much").json()["available"] == 40
    assert in_line() == []
    shop.check()


def test_too_few_credits_are_told_at_once_whoever_waits(shop: Shop):
    wait_in_line("other", 20)
    shop.dynamodb.operations.clear()

    assert shop.spend(101, "mine").status == 409
    assert shop.dynamodb.operations == ["Query", "GetItem"]
    assert in_line() == ["other"]


def test_a_request_whose_place_is_still_in_line_is_not_refused_before_it_has_left(shop: Shop):
    wait_in_line("mine", 50)
    shop.adjust(-60)

    assert shop.spend(50, "mine").status == 409
    assert in_line() == []
    shop.grant(60)
    assert shop.balance() == 100


def test_the_same_key_for_another_spend_is_a_conflict_in_line_too(shop: Shop):
    wait_in_line("mine", 20)
    shop.spend(10, "other")

    assert shop.spend(21, "mine").json()["code"] == "idempotency_conflict"
    wait_in_line("third", 1)
    assert shop.spend(21, "mine").json()["code"] == "idempotency_conflict"


def test_another_body_in_the_place_is_not_paid_as_the_one_that_was_read(shop: Shop):
    wait_in_line("mine", 20)
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: wait_in_line("mine", 30)))

    assert shop.spend(1, "other").status == 200
    assert sorted(shop.ledger()[-2:]) == [("spent", -30), ("spent", -1)]
    shop.check()


def test_a_place_of_a_spend_that_was_made_before_leaves_the_line_unpaid(shop: Shop):
    shop.spend(20, "first")
    wait_in_line("first", 20)

    assert shop.spend(10, "mine").json()["balance_after"] == 70
    assert (in_line(), len(shop.ledger())) == ([], 3)
    shop.check()


def test_a_retry_that_finds_others_in_line_is_answered_by_its_receipt(shop: Shop):
    first = shop.spend(20, "first")
    wait_in_line("other", 1)

    again = shop.spend(20, "first")

    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert in_line() == ["other"]


def test_nobody_waits_for_a_place_that_is_older_than_any_request(shop: Shop):
    wait_in_line("dead", 20)
    shop.wait(seconds=LIFETIME.total_seconds())
    shop.dynamodb.operations.clear()

    assert shop.spend(10, "mine").json()["balance_after"] == 90
    assert shop.dynamodb.operations == ["Query", "TransactWriteItems"]


def test_a_place_that_is_not_known_to_be_there_is_never_refused(shop: Shop):
    """It may come late, and be paid then."""
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.adjust(-60)))
    for _ in range(2):
        shop.dynamodb.fail("PutItem", lost_before)

    assert shop.spend(50, "mine").status == 503

    assert shop.spend(50, "mine").status == 409
    shop.check()


def test_a_place_whose_answer_was_lost_is_waited_for(shop: Shop):
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.adjust(-1)))
    shop.dynamodb.fail("PutItem", lost_after)

    assert shop.spend(50, "mine").status == 200
    assert in_line() == []


def test_two_who_lead_at_once_pay_once(shop: Shop):
    wait_in_line("dead", 20)
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.spend(5, "other")))

    assert shop.spend(10, "mine").status == 200
    assert sorted(shop.ledger()[1:]) == [("spent", -20), ("spent", -10), ("spent", -5)]
    assert in_line() == []
    shop.check()


@pytest.mark.parametrize("operation", ["GetItem", "PutItem", "Query", "TransactWriteItems"])
@pytest.mark.parametrize("crash", [crashed_before, crashed_after])
def test_a_request_that_dies_in_line_is_replaced_and_paid_at_most_once(shop: Shop, operation: str, crash: Fault):
    def lose_and_die() -> None:
        shop.adjust(-1)
        shop.dynamodb.fail(operation, crash)

    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lose_and_die))
    with pytest.raises(Crash):
        shop.spend(10, "mine")

    assert shop.spend(5, "other").status == 200
    assert shop.spend(10, "mine").status == 200
    assert (shop.balance(), in_line()) == (84, [])
    shop.check()


def test_more_than_one_turn_pays_everybody(shop: Shop):
    for number in range(35):
        wait_in_line(f"{number:02}", 1)

    assert shop.spend(1, "mine").json()["balance_after"] == 64
    assert (len(shop.ledger()), in_line()) == (37, [])
    shop.check()


def test_a_turn_takes_more_lots_than_one_transaction_holds(shop: Shop):
    for _ in range(30):
        shop.grant(1)
    for number in range(30):
        wait_in_line(f"{number:02}", 4)

    assert shop.spend(4, "mine").status == 200
    assert (shop.balance(), in_line()) == (6, [])
    shop.check()


def test_whoever_waits_too_long_is_told_to_ask_again_and_may_be_paid_meanwhile(shop: Shop):
    conflict = [{"Code": "TransactionConflict"}]
    shop.dynamodb.fail_always(
        "TransactWriteItems", refused("TransactionCanceledException", CancellationReasons=conflict)
    )

    assert shop.spend(10, "mine").status == 503
    shop.dynamodb.clear_faults()

    assert in_line() == ["mine"]
    assert shop.spend(5, "other").json()["balance_after"] == 85
    assert shop.spend(10, "mine").json()["balance_after"] == 90
    shop.check()
