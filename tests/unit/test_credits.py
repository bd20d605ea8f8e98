from datetime import timedelta

from local.in_process.environment import NOW
from tests.support.builders import a_cause, a_lot, a_wallet
from topup.domain import credits, lots
from topup.domain.credits import TransactionType, UserCredits

PURCHASE = a_cause(transaction_type=TransactionType.PURCHASED)


def test_a_lot_is_open_until_the_second_before_its_expiry():
    lot = a_lot(expires_at=NOW)

    assert lot.is_open(NOW - timedelta(seconds=1))
    assert not lot.is_open(NOW)


def test_a_grant_adds_a_lot_and_one_ledger_entry():
    grant = credits.grant(a_wallet(balance=50, total_credits_earned=500, last_entry=7), a_lot(), PURCHASE, NOW)

    assert grant.wallet == a_wallet(balance=1150, total_credits_earned=1600, last_entry=8, version=1)
    assert grant.new_lot == a_lot()
    assert (grant.entry.number, grant.entry.amount, grant.entry.balance_after) == (8, 1100, 1150)


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
