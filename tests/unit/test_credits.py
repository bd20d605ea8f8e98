from dataclasses import replace
from datetime import timedelta

import pytest

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import PAYMENT_ID, a_cause, a_hold, a_lot, a_wallet
from topup.domain import credits, expiries, lots
from topup.domain.credits import CAPTURES, SYSTEM, Cause, Entry, TransactionType, UserCredits
from topup.domain.errors import InsufficientCredits
from topup.domain.lots import LotChange
from topup.domain.takings import ClawbackAddition, Taking

PURCHASE = a_cause(transaction_type=TransactionType.PURCHASED)


def test_a_lot_is_open_until_the_second_before_its_expiry():
    lot = a_lot(expires_at=NOW)

    assert lot.is_open(NOW - timedelta(seconds=1))
    assert not lot.is_open(NOW)


def test_a_grant_adds_a_lot_and_one_ledger_entry():
    wallet = a_wallet(balance=50, total_credits_earned=500, last_entry=7, version=4)
    grant = credits.grant(wallet, a_lot(), PURCHASE, NOW)

    assert grant.wallet == a_wallet(balance=1150, total_credits_earned=1600, last_entry=8, version=5)
    assert grant.new_lot == a_lot()
    assert (grant.entry.number, grant.entry.amount, grant.entry.balance_after) == (8, 1100, 1150)


def test_a_wallets_versions_begin_at_its_first_moment():
    """Where an earlier wallet of the same user has been erased, no version of it comes again."""
    first = credits.grant(a_wallet(), a_lot(), PURCHASE, NOW).wallet
    later = credits.grant(a_wallet(), a_lot(), PURCHASE, NOW + timedelta(milliseconds=2)).wallet

    assert (first.version, later.version) == (1000 * NOW.timestamp(), first.version + 2)


def test_a_grant_pays_the_debt_first():
    grant = credits.grant(a_wallet(balance=-300, debt=300, last_entry=2), a_lot(), PURCHASE, NOW)

    assert grant.new_lot
    assert grant.new_lot.remaining == 800
    assert grant.wallet.debt == 0
    assert grant.wallet.balance == 800 == grant.entry.balance_after
    assert grant.entry.amount == sum(grant.entry.moves.values()) - grant.entry.debt_change


def test_a_grant_smaller_than_the_debt_leaves_the_rest_of_it():
    grant = credits.grant(a_wallet(balance=-2000, debt=2000, last_entry=2), a_lot(), PURCHASE, NOW)

    assert grant.new_lot
    assert (grant.new_lot.remaining, grant.wallet.debt, grant.wallet.balance) == (0, 900, -900)


def test_a_grant_that_pays_what_orders_owe_says_where_their_credits_are_out_from_now_on():
    wallet, lot = (
        a_wallet(balance=-300, debt=300, debts={"order": 200, CAPTURES: 60}, last_entry=2),
        a_lot(lot_id="new"),
    )

    grant = credits.grant(wallet, lot, PURCHASE, NOW)

    assert lot.expires_at
    taking = Taking(lot_id="new", expires_at=lot.expires_at, credits=200, life=lot.expires_at - NOW)
    assert grant.additions == [ClawbackAddition(payment_id="order", repaid=(taking,))]
    assert grant.new_lots == (replace(lot, remaining=800),)
    assert grant.entry == Entry(
        user_id=USER_ID,
        number=3,
        cause=PURCHASE,
        amount=1100,
        balance_after=800,
        created_at=NOW,
        expires_at=lot.expires_at,
        moves={"new": 800},
        debt_change=-300,
    )


@pytest.mark.parametrize(
    ("amount", "repaid", "left"),
    [
        (2, {}, {"a": 3, "b": 5, CAPTURES: 4}),  # what is not known to be an order's is paid first
        (3, {"a": 1}, {"a": 2, "b": 5, CAPTURES: 4}),
        (8, {"a": 3, "b": 3}, {"b": 2, CAPTURES: 4}),
        (14, {"a": 3, "b": 5}, {}),
    ],
)
def test_credits_pay_the_debts_of_orders_one_after_the_other(amount: int, repaid: dict[str, int], left: dict[str, int]):
    assert credits.repay(a_wallet(debt=14, debts={"b": 5, CAPTURES: 4, "a": 3}), amount) == (repaid, left)


def test_an_expiry_takes_what_is_left_of_the_lot_and_names_its_order_and_package():
    lot = a_lot(remaining=30, expires_at=NOW, expired_credits=5)

    swept = expiries.expire(a_wallet(balance=40, last_entry=2), lot, NOW)

    assert swept
    assert swept.lots == (LotChange(before=lot, after=replace(lot, remaining=0, expired_credits=35)),)
    assert (swept.entry.amount, swept.entry.balance_after, swept.entry.moves) == (-30, 10, {PAYMENT_ID: -30})
    assert swept.entry.cause == Cause(
        transaction_type=TransactionType.EXPIRED,
        actor=SYSTEM,
        description="Expired: 标准包",
        payment_id=PAYMENT_ID,
        package="standard",
    )


def test_a_lot_before_its_expiry_or_with_nothing_left_is_not_swept():
    assert expiries.expire(a_wallet(), a_lot(expires_at=NOW), NOW - timedelta(seconds=1)) is None
    assert expiries.expire(a_wallet(), a_lot(expires_at=NOW, remaining=0), NOW) is None


def test_credits_that_an_entry_brought_are_past_their_expiry_from_that_second_on():
    entry = credits.grant(a_wallet(), a_lot(expires_at=NOW), PURCHASE, NOW).entry

    assert entry.is_expired(NOW)
    assert not entry.is_expired(NOW - timedelta(seconds=1))
    assert not replace(entry, expires_at=None).is_expired(NOW)


def test_all_that_is_available_can_be_spent_and_not_a_credit_more():
    user = UserCredits(wallet=a_wallet(balance=20, debt=10), lots=[a_lot(remaining=30)], holds=[a_hold(amount=7)])

    assert (user.balance(NOW), user.held(NOW), user.available(NOW)) == (20, 7, 13)
    assert credits.spend(user, 13, a_cause(), NOW).entry.amount == -13
    with pytest.raises(InsufficientCredits) as refused:
        credits.spend(user, 14, a_cause(), NOW)
    assert refused.value.figures == {"balance": 20, "held": 7, "available": 13}


def test_the_last_credit_of_a_lot_can_be_spent_and_what_it_has_not_is_drawn_from_the_next():
    one, more, rest = (a_lot(lot_id=name, remaining=n) for name, n in (("a", 1), ("b", 3), ("c", 9)))

    drawn = lots.draw([one, more, rest], 3)

    assert one.is_open(NOW)
    assert [(change.before, change.after.remaining) for change in drawn] == [(one, 0), (more, 1)]


def test_what_a_lot_has_lost_to_expiry_are_all_its_credits_from_its_expiry_on():
    lot = a_lot(remaining=30, expired_credits=5, expires_at=NOW)

    assert (lot.lost_to_expiry(NOW - timedelta(seconds=1)), lot.lost_to_expiry(NOW)) == (5, 35)


def test_lots_that_are_not_there_were_drawn_from_first():
    known = {name: a_lot(lot_id=name, expires_at=NOW + timedelta(days=n)) for n, name in enumerate(["c", "a"])}

    assert lots.in_draw_order(["a", "gone", "c", "ended"], known) == ["ended", "gone", "c", "a"]


def test_the_spendable_balance_leaves_out_expired_lots_and_debt():
    stored = [a_lot(remaining=30), a_lot(remaining=500, expires_at=NOW - timedelta(days=5))]

    assert UserCredits(wallet=a_wallet(debt=10), lots=stored).balance(NOW) == 20


def test_lots_are_spent_soonest_expiry_first_and_ties_by_id():
    late, tie_b, tie_a = (
        a_lot(lot_id="0"),
        a_lot(lot_id="b", expires_at=NOW + timedelta(days=1)),
        a_lot(lot_id="a", expires_at=NOW + timedelta(days=1)),
    )

    assert lots.spendable([late, tie_b, tie_a, a_lot(remaining=0)], NOW) == [tie_a, tie_b, late]


def test_a_lot_without_an_expiry_never_expires_and_is_spent_last():
    forever, soon = a_lot(lot_id="a", expires_at=None), a_lot(lot_id="b")

    assert forever.is_open(NOW + timedelta(days=10_000))
    assert lots.spendable([forever, soon], NOW) == [soon, forever]


def test_what_the_credits_of_a_lot_stand_for_adds_up_to_what_was_paid():
    lot = a_lot(granted=7, paid_minor=1000)

    shares = [lot.money_gone_minor(gone + 1) - lot.money_gone_minor(gone) for gone in range(7)]

    assert (sum(shares), set(shares)) == (1000, {142, 143})


def test_transaction_ids_differ_by_user_and_number():
    def entry_of(user_id: str, number: int) -> credits.Entry:
        wallet = a_wallet(user_id=user_id, last_entry=number - 1)
        return credits.grant(wallet, a_lot(user_id=user_id), PURCHASE, NOW).entry

    ids = {entry_of(user, number).transaction_id for user in ("a", "b", "1:a") for number in (1, 11)}

    assert len(ids) == 6
    assert entry_of("a", 1).transaction_id in ids
