"""The audit finds what is wrong: each of these books is right but for one thing."""

from dataclasses import replace
from typing import Any

import pytest

from local.in_process.environment import NOW
from tests.support.builders import PAYMENT_ID, a_lot, a_wallet
from tests.unit.test_reversals import History, a_reversal
from topup.domain import audit
from topup.domain.credits import TransactionType
from topup.domain.orders import Status
from topup.domain.payments import Payment


@pytest.fixture
def history() -> History:
    """Bought 1100, spent 100, refunded a quarter."""
    history = History.of_a_purchase()
    history.spend(100)
    history.hear(a_reversal())
    assert history.findings() == []
    return history


def damage_entry(history: History, position: int, **changes: Any) -> None:
    history.account.entries[position - 1] = replace(history.account.entries[position - 1], **changes)


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"number": 3}, "entry 3 is where 2 should be"),
        ({"balance_after": 999}, "entry 2 says 999 credits"),
        ({"amount": -99}, "is about -99 credits, but moves another number"),
        ({"debt_change": 1}, "moves another number"),
        ({"transaction_type": TransactionType.DISPUTE_REVERSED}, "has the wrong sign"),
        ({"transaction_type": TransactionType.EXPIRED}, "differ from the ledger's"),
        ({"moves": {"unknown": -100}}, "the ledger knows the lots"),
    ],
)
def test_a_wrong_entry_is_found(history: History, changes: dict[str, Any], finding: str):
    damage_entry(history, 2, **changes)

    assert finding in "\n".join(history.findings())


def test_a_missing_entry_is_found(history: History):
    del history.account.entries[1]

    assert "is where" in "\n".join(history.findings())


@pytest.mark.parametrize("figure", ["balance", "total_credits_earned", "debt", "last_entry"])
def test_a_wrong_wallet_is_found(history: History, figure: str):
    history.account.wallet = replace(history.account.wallet, **{figure: getattr(history.account.wallet, figure) + 1})

    assert any("the wallet's" in finding for finding in history.findings())


@pytest.mark.parametrize("figure", ["remaining", "granted", "expired_credits"])
def test_a_wrong_lot_is_found(history: History, figure: str):
    history.account.lots = [replace(lot, **{figure: getattr(lot, figure) + 1}) for lot in history.account.lots]

    assert any("differ from the ledger's" in finding for finding in history.findings())


def test_a_lost_or_invented_lot_is_found(history: History):
    history.account.lots.append(a_lot(lot_id="invented"))
    assert "the ledger knows the lots" in "\n".join(history.findings())
    history.account.lots.clear()
    assert "the ledger knows the lots" in "\n".join(history.findings())


def test_debt_beside_credits_is_found(history: History):
    history.account.wallet = a_wallet(debt=5)

    assert "credits are owed while" in "\n".join(history.findings())


def test_a_lot_that_nothing_will_expire_is_found(history: History):
    history.account.timed_lots.clear()

    assert "nothing will expire these lots" in "\n".join(history.findings())


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"status": Status.PENDING}, "granted 1 times"),
        ({"credits_purchased": 1000}, "granted 1 times, 1100 of 1000"),
        ({"refunded_minor": 2501}, "refunds make 2500"),
        ({"disputed_minor": 1}, "disputes make 0"),
        ({"clawed_back": 274}, "the ledger says 275"),
        ({"clawed_back": 276}, "of at most 275"),
    ],
)
def test_a_wrong_order_is_found(history: History, changes: dict[str, Any], finding: str):
    history.order = replace(history.order, **changes)

    assert finding in "\n".join(history.findings())


def test_too_little_clawed_back_is_found(history: History):
    payment = Payment(replace(history.order, clawed_back=200), list(history.reversals.values()))

    findings = audit.audit_payment(payment, audit.PaymentLedger(1, 1100, 200, 0))

    assert any("too few have expired" in finding for finding in findings)


def test_more_refunded_than_paid_is_found(history: History):
    history.reversals["re_2"] = a_reversal(reversal_id="re_2", amount_minor=9000)

    assert "refunded 11500 of 10000" in "\n".join(history.findings())


def test_a_grant_without_an_order_is_seen_by_its_payment(history: History):
    assert set(audit.payment_ledgers(history.account, NOW)) == {PAYMENT_ID}
