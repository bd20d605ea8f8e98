"""What an order's reversals have out fills its item of 400 KB, and other orders' changes still add to it."""

from bisect import bisect_left
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from local.in_process.environment import NOW, USER_ID
from local.in_process.shop import Shop
from topup.domain.credits import CreditChange
from topup.domain.takings import Clawback, ClawbackAddition, Taking
from topup.store import clawback_items, credits, full_records, user_credits
from topup.store.client import client
from topup.store.full_records import WORTH_JOINING
from topup.store.races import LostRace

TAKINGS = 1000


def record_of(payment_id: str) -> Clawback:
    found = credits.load_records(USER_ID, [clawback_items.clawback_record(payment_id)])
    return clawback_items.clawback_from_item(found[0])


def write(clawback: Clawback) -> None:
    client().transact_write_items(TransactItems=[clawback_items.set_clawback(USER_ID, clawback)])


def fits(clawback: Clawback) -> bool:
    try:
        write(clawback)
    except ClientError:
        return False
    return True


def a_disputed_order_with_a_full_record(shop: Shop) -> tuple[str, str]:
    """An order that owes 100 credits, and whose 1,000 others were taken one by one; its payment and its dispute."""
    payment_id, intent = shop.buy()
    shop.spend(100)
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    out = record_of(payment_id)
    too_long = bisect_left(range(1_000_000), 1, lo=TAKINGS, key=lambda size: not fits(with_ids_of(out, size)))
    write(with_ids_of(out, too_long - 1))
    shop.check()
    return payment_id, dispute["id"]


def with_ids_of(out: Clawback, size: int) -> Clawback:
    """The same, but taken one by one from lots whose ids have so many characters together."""
    one = Taking(lot_id="", expires_at=None, credits=1, life=timedelta(days=30))
    long, longer = divmod(size, TAKINGS)
    ids = [f"{number:0{long + (number < longer)}}" for number in range(TAKINGS)]
    return replace(out, takings=tuple(replace(one, lot_id=lot_id) for lot_id in ids))


def an_addition_to(payment_id: str) -> CreditChange:
    wallet = user_credits.load_credits(USER_ID, NOW).wallet
    return CreditChange(before=wallet, wallet=wallet, additions=[ClawbackAddition(payment_id=payment_id)])


def cancelled(reason: str) -> ClientError:
    answer = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": [{"Code": reason}]}
    return ClientError(cast("Any", answer), "TransactWriteItems")


def test_the_payment_of_a_debt_makes_room_in_a_full_record(shop: Shop):
    payment_id, dispute_id = a_disputed_order_with_a_full_record(shop)

    assert shop.grant(1).status == 201

    out = record_of(payment_id)
    assert (len(out.takings), out.credits, out.owed) == (502, 1100, 99)
    assert (out.takings[0].lot_id, out.takings[0].credits) == ("", 500)
    shop.check()

    shop.simulator.close_dispute(dispute_id, "won")
    shop.deliver()

    assert shop.balance() == 1001
    shop.check()


def test_a_purchase_that_pays_a_debt_makes_room_in_a_full_record(shop: Shop):
    payment_id, _ = a_disputed_order_with_a_full_record(shop)

    shop.buy()

    assert shop.balance() == 1000
    assert (len(record_of(payment_id).takings), record_of(payment_id).owed) == (502, 0)
    shop.check()


def test_a_short_record_is_left_as_it_is(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.dispute(intent)
    shop.deliver()
    out = record_of(payment_id)

    assert not full_records.made_room(an_addition_to(payment_id), cancelled("ValidationError"))

    assert record_of(payment_id) == out


@pytest.mark.parametrize(("reason", "length"), [("ValidationError", WORTH_JOINING - 1), ("ThrottlingError", 1000)])
def test_what_is_not_due_to_a_full_record_leaves_it_as_it_is(shop: Shop, reason: str, length: int):
    payment_id, _ = a_disputed_order_with_a_full_record(shop)
    out = replace(record_of(payment_id), takings=record_of(payment_id).takings[:length])
    write(out)

    assert not full_records.made_room(an_addition_to(payment_id), cancelled(reason))

    assert record_of(payment_id) == out


def test_a_record_that_changes_meanwhile_is_read_again(shop: Shop):
    payment_id, _ = a_disputed_order_with_a_full_record(shop)
    change = an_addition_to(payment_id)
    shop.grant(1)
    out = record_of(payment_id)

    with pytest.raises(LostRace):
        full_records.made_room(change, cancelled("ValidationError"))

    assert record_of(payment_id) == out
