"""Where credits go that come back when their own lots have expired, or are not known."""

from dataclasses import replace
from datetime import timedelta

import pytest

from local.in_process.environment import NOW
from tests.support.builders import PAYMENT_ID, a_lot
from tests.support.ledger import InMemoryLedger
from topup.domain import takings
from topup.domain.clawbacks import MOST_DEBTORS, MOST_NEW_LOTS
from topup.domain.lots import Funding, Lot, Source
from topup.domain.reversals import Kind, Reversal, ReversalStatus

EXPIRY = NOW.replace(month=9)
LONG_AFTER = 20  # months: no lot that lives as long expires in these tests


def a_dispute(payment_id: str = PAYMENT_ID, amount_minor: int = 10000) -> Reversal:
    return Reversal(
        kind=Kind.DISPUTE,
        reversal_id=f"dp_{payment_id}",
        payment_id=payment_id,
        amount_minor=amount_minor,
        status=ReversalStatus.NEEDS_RESPONSE,
        created_at=NOW,
    )


def restored_lots(ledger: InMemoryLedger) -> list[Lot]:
    return [lot for lot in ledger.account.lots if lot.source is Source.RESTORED]


def test_a_debt_that_was_paid_without_its_name_comes_back_in_a_free_lot():
    ledger = InMemoryLedger.with_a_purchase()
    ledger.spend(1100, NOW)
    assert ledger.reverse(a_dispute(), NOW) == -1100
    ledger.account.wallet = replace(ledger.account.wallet, debts={})  # as an earlier version wrote it
    ledger.buy("other", 1200, 10000, NOW)

    assert ledger.reverse(replace(a_dispute(), status=ReversalStatus.WON), NOW) == 1100

    (lot,) = restored_lots(ledger)
    assert (lot.granted, lot.funding, lot.payment_id) == (1100, Funding.FREE, None)
    assert lot.expires_at == EXPIRY  # as long after its return as the order's own lot lived
    assert ledger.findings(NOW) == []


def test_every_order_that_is_owed_for_gets_back_what_it_took_however_many_there_are():
    ledger, number = InMemoryLedger(), MOST_DEBTORS + 3
    orders = [f"order-{n:02}" for n in range(number)]
    for order_id in orders:
        ledger.buy(order_id, 10, 100, NOW)
    ledger.spend(10 * number, NOW)
    for order_id in orders:
        assert ledger.reverse(a_dispute(order_id, 100), NOW) == -10
    assert (ledger.account.wallet.debt, len(ledger.account.wallet.debts)) == (10 * number, MOST_DEBTORS)
    ledger.buy("last", 10 * number + 1, 1000, NOW)

    for order_id in orders:
        assert ledger.reverse(replace(a_dispute(order_id, 100), status=ReversalStatus.WON), NOW) == 10
        assert ledger.findings(NOW) == []

    assert (ledger.account.wallet.balance, ledger.account.wallet.debt) == (10 * number + 1, 0)


def test_more_new_lots_than_one_transaction_brings_are_joined_into_one_without_the_money_of_any():
    ledger, number = InMemoryLedger(), MOST_NEW_LOTS + 3
    ledger.buy(PAYMENT_ID, number, 10000, NOW, LONG_AFTER)
    ledger.spend(number, NOW)
    expiries = [EXPIRY + timedelta(days=n) for n in range(number)]
    for n, expires_at in enumerate(expiries):
        ledger.grant(f"{n:02}", 1, NOW, expires_at, paid_minor=7)
    assert ledger.reverse(a_dispute(), NOW) == -number
    later = expiries[-1]

    assert ledger.reverse(replace(a_dispute(), status=ReversalStatus.WON), later) == number

    lots = restored_lots(ledger)
    (joined,) = [lot for lot in lots if lot.granted > 1]
    assert (len(lots), joined.granted, joined.paid_minor) == (MOST_NEW_LOTS, 4, 0)
    assert joined.expires_at == later + (expiries[3] - NOW)  # as long as the longest-lived credits in it
    assert {lot.paid_minor for lot in lots if lot is not joined} == {7}
    assert ledger.findings(later) == []


@pytest.mark.parametrize("has_endless", [False, True])
def test_of_very_many_lots_those_that_were_taken_from_first_are_joined(
    monkeypatch: pytest.MonkeyPatch, has_endless: bool
):
    monkeypatch.setattr(takings, "MOST_TAKINGS", 3)
    ledger = InMemoryLedger.with_a_purchase()
    ledger.spend(1100, NOW)
    for day in range(1, 6):
        ledger.grant(f"{day:02}", 10 * day, NOW, NOW + timedelta(days=day))
    if has_endless:
        ledger.grant("06", 60, NOW)
    dispute = a_dispute()
    ledger.reverse(dispute, NOW)
    out = ledger.account.clawbacks[PAYMENT_ID]
    names = ["", "05", "06"] if has_endless else ["", "04", "05"]
    assert [taking.lot_id for taking in out.takings] == names
    assert ledger.findings(NOW) == []

    assert ledger.reverse(replace(dispute, status=ReversalStatus.WON), NOW) == 1100

    [rest] = restored_lots(ledger)
    joined = 4 if has_endless else 3
    assert (rest.granted, rest.expires_at) == (sum(range(10, 10 * joined + 1, 10)), NOW + timedelta(days=joined))
    assert ledger.account.wallet.balance == (210 if has_endless else 150)
    assert ledger.findings(NOW) == []


def test_credits_without_end_stay_so_when_they_are_joined(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(takings, "MOST_TAKINGS", 1)
    lots = [a_lot(lot_id="a"), a_lot(lot_id="b", expires_at=None)]

    [rest] = takings.joined(tuple(takings.Taking.of(lot, 5, NOW) for lot in lots))

    assert (rest.credits, rest.life) == (10, None)
