"""Credits that come back to more lots than one transaction holds: whole for every reader, whatever call they end at."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.in_process.dynamodb import Crash
from local.in_process.environment import NOW
from local.in_process.shop import Shop
from tests.integration.test_many_lots import (
    ENDINGS,
    buy_and_spend,
    die_at_second_transaction,
    grant_lots,
    unfinished,
)
from topup.domain.clawbacks import MOST_DEBTORS, MOST_NEW_LOTS
from topup.store import credits

pytestmark = pytest.mark.usefixtures("parse_once")

IN_A_MONTH = NOW + timedelta(days=30)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction holds three used-up lots that get credits again, so that few lots make many steps."""
    monkeypatch.setattr(credits, "LOT_WRITES", 10)


def won_dispute(shop: Shop, intent: str) -> None:
    """Stripe's events of it are due, and not yet delivered."""
    dispute = shop.simulator.dispute(intent)
    assert set(shop.deliver()) == {200}
    shop.simulator.close_dispute(dispute["id"], "won")


@pytest.mark.parametrize("number", [40, 100])
def test_credits_come_back_to_many_lots_that_expire(shop: Shop, number: int):
    _, intent = buy_and_spend(shop)
    grant_lots(shop, number, each=3, expires_at=IN_A_MONTH)
    won_dispute(shop, intent)

    assert set(shop.deliver()) == {200}

    assert (shop.balance(), shop.credits()["debt"], unfinished(shop)) == (3 * number, 0, 0)
    shop.check()


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("expires_at", [None, IN_A_MONTH])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_return_to_many_lots_that_ends_at_any_call_is_whole_for_every_reader(
    shop: Shop, ending: Any, expires_at: datetime | None
):
    interrupted = 0
    for call in range(1, 10):
        _, intent = buy_and_spend(shop)
        grant_lots(shop, 8, each=50, expires_at=expires_at)
        won_dispute(shop, intent)
        shop.dynamodb.fail_at(call, ending)
        with suppress(Crash):
            shop.deliver()
        shop.dynamodb.clear_faults()
        # Read at once, with what is left of the interrupted change: all of it counts, or nothing.
        interrupted += unfinished(shop) > 0
        assert shop.balance() in (400, 400 - 1100)
        shop.check()
        shop.wait(minutes=5)  # Stripe retries
        shop.deliver()
        assert shop.spend(400).status == 200
        assert (shop.balance(), unfinished(shop)) == (0, 0)
        shop.check()
    # The SDK sends again what was lost once.
    assert interrupted or ending not in (ENDINGS[0], ENDINGS[1])


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("write", ["spend", "grant"])
def test_a_return_to_empty_lots_and_to_one_with_credits_is_finished_by_the_next_change(shop: Shop, write: str):
    _, first = buy_and_spend(shop)
    _, second = shop.buy()
    refund = shop.simulator.refund(first, 5000)  # takes 550 of the second payment's lot
    shop.deliver()
    grant_lots(shop, 22, each=25)
    dispute = shop.simulator.dispute(second)  # the other 550, and all that was granted
    shop.deliver()
    assert shop.credits()["lots"] == []
    shop.simulator.fail_refund(refund["id"])
    shop.deliver()
    shop.simulator.close_dispute(dispute["id"], "won")
    die_at_second_transaction(shop)
    with pytest.raises(Crash):
        shop.deliver()
    assert (shop.balance(), unfinished(shop)) == (1650, 18)
    shop.check()

    assert (shop.spend(1650) if write == "spend" else shop.grant(1)).status in (200, 201)

    assert (shop.balance(), unfinished(shop)) == (0 if write == "spend" else 1651, 0)
    shop.check()


def test_a_return_that_pays_many_orders_debts_and_continues_many_lots_fits_into_one_transaction(shop: Shop):
    _, intent = shop.buy("premium")
    shop.spend(13000)
    for _ in range(26):
        shop.buy("trial")
    dispute = shop.simulator.dispute(intent)  # takes the 500 credits of each
    shop.deliver()
    shop.wait(days=200)
    intents = [shop.buy("trial")[1] for _ in range(MOST_DEBTORS)]
    shop.spend(500 * MOST_DEBTORS)
    for other in intents:
        shop.simulator.dispute(other, amount=10)  # of 50.00, that is one credit
    shop.deliver()
    assert (shop.balance(), shop.credits()["debt"]) == (-MOST_DEBTORS, MOST_DEBTORS)
    shop.simulator.close_dispute(dispute["id"], "won")

    assert set(shop.deliver()) == {200}

    assert (shop.balance(), shop.credits()["debt"]) == (13000 - MOST_DEBTORS, 0)
    assert len(shop.credits()["lots"]) == MOST_NEW_LOTS
    shop.check()
