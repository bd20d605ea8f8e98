"""Changes of more lots than one transaction holds: whole for every reader, whatever call they end at."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.in_process.dynamodb import (
    Crash,
    crashed_after,
    crashed_before,
    lost_after,
    lost_before,
)
from local.in_process.environment import NOW, USER_ID
from local.in_process.shop import Shop
from tests.support.builders import a_cause, a_lot
from topup import store
from topup.domain import credits as domain
from topup.domain.credits import TransactionType
from topup.domain.lots import Funding, Source
from topup.store import credit_items, credits

pytestmark = pytest.mark.usefixtures("parse_once")

ENDINGS: list[Any] = [crashed_before, crashed_after, lost_before, lost_after]
EXPIRY = NOW + timedelta(days=1)


def grant_lots(shop: Shop, number: int, each: int, expires_at: datetime | None = None) -> None:
    """Grant `each` credits this often, written at once: a grant a lot would read all lots before it."""
    wallet = store.load_credits(USER_ID, shop.now).wallet
    items = []
    for _ in range(number):
        lot = a_lot(
            lot_id=str(uuid.uuid4()),
            source=Source.GRANT,
            funding=Funding.FREE,
            payment_id=None,
            paid_minor=0,
            currency=None,
            granted=each,
            remaining=each,
            expires_at=expires_at,
        )
        change = domain.grant(wallet, lot, a_cause(transaction_type=TransactionType.GRANTED), shop.now)
        wallet = change.wallet
        items += [credit_items.lot_to_item(lot), credit_items.entry_to_item(change.entry)]
        items += [credit_items.timer_item(lot)] if expires_at else []
    items.append(credit_items.wallet_to_item(wallet))
    for start in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        shop.dynamodb.client.batch_write_item(RequestItems={shop.dynamodb.credits_table: puts})


def buy_and_spend(shop: Shop) -> tuple[str, str]:
    """A payment whose 1,100 credits are spent, so that its claw-back takes from other lots; and its intent."""
    payment_id, intent = shop.buy()
    shop.spend(1100)
    return payment_id, intent


def unfinished(shop: Shop) -> int:
    """How many lots the user's last change has still to write."""
    return len(store.load_credits(USER_ID, shop.now).wallet.unfinished)


def die_at_second_transaction(shop: Shop) -> None:
    shop.dynamodb.fail("TransactWriteItems", lambda execute: execute())
    shop.dynamodb.fail("TransactWriteItems", crashed_before)


def finished_by_another(shop: Shop) -> Callable[[Callable[[], Any]], Any]:
    """Another request finishes the unfinished change just before the first write of this one."""

    def lose(execute: Callable[[], Any]) -> Any:
        credits.finish(store.load_credits(USER_ID, shop.now).wallet)
        return execute()

    return lose


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction holds five lots that are used up, so that few lots make many steps."""
    monkeypatch.setattr(credits, "LOT_WRITES", 10)


# ----------------------------------------------------------------------------------------------------- 300 lots


def test_a_refund_takes_from_hundreds_of_lots(shop: Shop):
    payment_id, _ = buy_and_spend(shop)
    grant_lots(shop, 300, each=4)

    response = shop.refund(payment_id)

    assert (response.status, response.json()["credits_refunded"]) == (200, 1100)
    assert [lot["remaining"] for lot in shop.credits()["lots"]] == [4] * 25
    assert (shop.balance(), unfinished(shop)) == (100, 0)
    assert store.list_entries(USER_ID, 1, None)[0].amount == -1100
    shop.check()


def test_a_forced_refund_takes_all_of_hundreds_of_lots_and_leaves_the_rest_as_debt(shop: Shop):
    payment_id, _ = buy_and_spend(shop)
    grant_lots(shop, 300, each=3)
    assert shop.refund(payment_id).json()["code"] == "credits_spent"

    assert shop.refund(payment_id, force=True).json()["credits_refunded"] == 1100

    assert (shop.credits()["lots"], shop.credits()["debt"], unfinished(shop)) == ([], 200, 0)
    shop.check()


@pytest.mark.parametrize(
    "reverse",
    [lambda shop, intent: shop.simulator.refund(intent), lambda shop, intent: shop.simulator.dispute(intent)],
    ids=["refund", "dispute"],
)
def test_what_stripe_reports_takes_from_hundreds_of_lots(shop: Shop, reverse: Callable[[Shop, str], Any]):
    _, intent = buy_and_spend(shop)
    grant_lots(shop, 300, each=3)

    reverse(shop, intent)
    assert set(shop.deliver()) == {200}

    assert (shop.credits()["lots"], shop.credits()["debt"], unfinished(shop)) == ([], 200, 0)
    shop.check()


def test_an_adjustment_down_takes_from_hundreds_of_lots(shop: Shop):
    grant_lots(shop, 300, each=3)

    assert shop.adjust(-899).json()["balance_after"] == 1

    assert ([lot["remaining"] for lot in shop.credits()["lots"]], unfinished(shop)) == ([1], 0)
    shop.check()


def test_credits_clawed_back_from_hundreds_of_lots_come_back_in_one_step(shop: Shop):
    _, intent = buy_and_spend(shop)
    grant_lots(shop, 300, each=3)
    made = shop.simulator.refund(intent)
    shop.deliver()

    shop.simulator.fail_refund(made["id"])
    assert set(shop.deliver()) == {200}

    assert (shop.balance(), shop.credits()["debt"]) == (900, 0)
    shop.check()


# -------------------------------------------------------------------------------------------- ends at every call

Change = Callable[[Shop, tuple[str, str], str], Any]


def report_dashboard_refund(shop: Shop, payment: tuple[str, str], _key: str) -> None:
    if not store.load_payment(payment[0]).reversals and not shop.due():  # type: ignore[union-attr] # it is there
        shop.simulator.refund(payment[1])
    shop.deliver()


def report_dispute(shop: Shop, payment: tuple[str, str], _key: str) -> None:
    if not store.load_payment(payment[0]).reversals and not shop.due():  # type: ignore[union-attr] # it is there
        shop.simulator.dispute(payment[1])
    shop.deliver()


CHANGES: dict[str, Change] = {
    "adjustment": lambda shop, _, key: shop.adjust(-1100, key),
    "refund": lambda shop, payment, key: shop.refund(payment[0], key=key),
    "refund in the Dashboard": report_dashboard_refund,
    "dispute": report_dispute,
}


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_of_many_lots_that_ends_at_any_call_is_whole_for_every_reader(shop: Shop, change: Change, ending: Any):
    interrupted = 0
    for call in range(1, 12):
        payment = buy_and_spend(shop)
        grant_lots(shop, 22, each=50)
        shop.dynamodb.fail_at(call, ending)
        with suppress(Crash):
            change(shop, payment, f"key-{call}")
        shop.dynamodb.clear_faults()
        # Read at once, with what is left of the interrupted change: all of it counts, or nothing.
        interrupted += unfinished(shop) > 0
        assert shop.balance() in (1100, 0)
        shop.check()
        shop.wait(minutes=5)  # Stripe retries
        change(shop, payment, f"key-{call}")
        assert (shop.balance(), shop.credits()["lots"]) == (0, [])
        shop.wait(minutes=5)
        shop.deliver()
        assert (shop.balance(), shop.credits()["debt"]) == (0, 0)
    shop.check()
    # The SDK sends again what was lost once.
    assert interrupted or ending in (lost_before, lost_after)


# ------------------------------------------------------------------------------------ the next change finishes it


def poll_status(shop: Shop) -> None:
    payment = shop.create()
    shop.pay(payment)
    shop.lose()
    shop.wait(seconds=30)
    assert shop.payment(payment["payment_id"])["status"] == "succeeded"


def sweep(shop: Shop) -> None:
    shop.due_timers(delete=True)
    shop.wait(days=3)
    assert shop.reconcile()["failures"] == 0


def expire(shop: Shop) -> None:
    shop.api.now = EXPIRY
    assert shop.run_timers() == {"batchItemFailures": []}


# What each writes, and what it leaves: 24 lots of 10 credits, of which 215 are spent in the unfinished change.
WRITERS: dict[str, tuple[Callable[[Shop, str], Any], int]] = {
    "a spend": (lambda shop, _: shop.spend(5), 20),
    "a batch": (lambda shop, _: shop.batch([("a", 2), ("b", 3)]), 20),
    "a hold": (lambda shop, _: shop.hold(5), 25),
    "a hold and its capture": (lambda shop, _: shop.capture(shop.hold(9).json(), 5), 20),
    "a spend given back": (lambda shop, _: shop.reverse(shop.spend(5).json()["transaction_id"]), 25),
    "a grant": (lambda shop, _: shop.grant(7), 32),
    "an adjustment": (lambda shop, _: shop.adjust(-5), 20),
    "a purchase": (lambda shop, _: shop.buy("trial"), 525),
    "a status request that settles a payment": (lambda shop, _: poll_status(shop), 1125),
    "a refund": (lambda shop, payment_id: shop.refund(payment_id, force=True), -1075),
    "an expiry": (lambda shop, _: expire(shop), 0),
    "a sweep": (lambda shop, _: sweep(shop), 0),
}


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("finishes", ["alone", "after another request"])
@pytest.mark.parametrize(("write", "left"), WRITERS.values(), ids=WRITERS.keys())
def test_the_next_change_finishes_an_unfinished_one_first(
    shop: Shop, write: Callable[[Shop, str], Any], left: int, finishes: str
):
    payment_id, _ = buy_and_spend(shop)
    grant_lots(shop, 24, each=10, expires_at=EXPIRY)
    die_at_second_transaction(shop)
    with pytest.raises(Crash):
        shop.spend(215)
    assert unfinished(shop) == 17
    assert [lot["remaining"] for lot in shop.credits()["lots"]] == [5, 10, 10]
    shop.check()
    if finishes == "after another request":
        shop.dynamodb.fail("TransactWriteItems", finished_by_another(shop))

    write(shop, payment_id)

    assert (shop.balance(), unfinished(shop)) == (left, 0)
    assert [entry.amount for entry in store.list_entries(USER_ID, 100, None)].count(-215) == 1
    shop.check()


@pytest.mark.usefixtures("small_steps")
def test_what_an_unfinished_change_took_from_a_lot_does_not_expire_with_it(shop: Shop):
    grant_lots(shop, 24, each=10, expires_at=EXPIRY)
    die_at_second_transaction(shop)
    with pytest.raises(Crash):
        shop.spend(215)
    shop.api.now = EXPIRY
    assert shop.balance() == 0
    shop.check()

    shop.run_timers()

    assert shop.ledger()[24] == ("spent", -215)
    assert sorted(shop.ledger()[25:]) == [("expired", -10), ("expired", -10), ("expired", -5)]
    assert (unfinished(shop), shop.reconcile(sweep_after_hours=0)["lots"]["found"]) == (0, 0)
    shop.check()


@pytest.mark.usefixtures("small_steps")
def test_a_refund_of_a_payment_whose_lot_expired_within_an_unfinished_change_takes_nothing_twice(shop: Shop):
    grant_lots(shop, 24, each=10, expires_at=EXPIRY)
    payment_id, _ = shop.buy()
    die_at_second_transaction(shop)
    with pytest.raises(Crash):
        shop.spend(1000)  # 760 of them from the payment's lot, which is written last
    assert unfinished(shop) > 0
    shop.api.now = NOW.replace(month=9)

    response = shop.refund(payment_id, force=True)

    # Of 1,100 credits 340 have expired, and 760 were spent.
    assert (response.json()["credits_refunded"], shop.credits()["debt"]) == (760, 760)
    assert shop.ledger()[-2:] == [("expired", -340), ("refunded", -760)]
    shop.check()


@pytest.mark.usefixtures("small_steps")
def test_a_change_that_cannot_be_finished_now_counts_and_is_finished_by_the_next_one(shop: Shop):
    grant_lots(shop, 24, each=10)
    shop.dynamodb.fail("TransactWriteItems", lambda execute: execute())
    for _ in range(4):  # the SDK's attempts
        shop.dynamodb.fail("TransactWriteItems", lost_before)

    assert shop.adjust(-240, "key-1").json()["balance_after"] == 0

    shop.dynamodb.clear_faults()
    assert unfinished(shop) == 19
    assert shop.spend(1).json()["balance"] == 0
    shop.check()
    assert shop.adjust(-240, "key-1").json()["balance_after"] == 0
    shop.grant(1)
    assert (shop.balance(), unfinished(shop)) == (1, 0)
    shop.check()


@pytest.mark.usefixtures("small_steps")
def test_lots_that_an_unfinished_change_gives_credits_for_the_first_time_need_no_timer_yet(shop: Shop):
    """They paid a debt when they came, so that nothing of them could expire; their timers are written with them."""
    _, intent = buy_and_spend(shop)
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    for _ in range(22):
        shop.grant(50)
    shop.simulator.close_dispute(dispute["id"], "won")
    shop.dynamodb.fail("TransactWriteItems", lambda execute: execute())
    for _ in range(4):  # the SDK's attempts
        shop.dynamodb.fail("TransactWriteItems", lost_before)

    shop.deliver()

    shop.dynamodb.clear_faults()
    assert unfinished(shop) > 0
    shop.check()
    shop.grant(1)
    assert (shop.balance(), unfinished(shop)) == (1101, 0)
    shop.check()
