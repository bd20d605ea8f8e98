"""The books: what each entry means in money, worked by hand; histories are decided by the product's own domain."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.in_process.environment import NOW, USER_ID
from ops.books.journal import Account, journal
from ops.books.ledger import Movement, Pool, UnreadableLedger
from ops.books.month import NEVER, OPENING, Books
from tests.support.builders import a_cause
from tests.support.ledger import InMemoryLedger
from topup.domain import hold_changes, reversed_spends
from topup.domain.credits import TransactionType
from topup.domain.hold_changes import Capture
from topup.domain.holds import Hold, HoldStatus, Overrun
from topup.domain.reversals import Kind, Reversal, ReversalStatus
from topup.domain.reversed_spends import ReversedSpend

STANDARD = Pool("CNY", "standard")
FREE = Pool(None, None)
MARCH, APRIL, OCTOBER = "2026-03", "2026-04", "2026-10"
IN_APRIL = datetime(2026, 4, 10, tzinfo=UTC)


def books_of(ledger: InMemoryLedger, month: str = MARCH) -> Books:
    books = Books(month)
    books.add(USER_ID, [*ledger.account.lots, *ledger.account.entries])
    return books


def owed(books: Books, pool: Pool = STANDARD) -> dict[str, int]:
    return {str(column): figure for (of, column), figure in books.owed_minor.items() if of == pool and figure}


def credits_of(books: Books, pool: Pool = STANDARD) -> dict[str, int]:
    return {str(column): figure for (of, column), figure in books.credits.items() if of == pool and figure}


def accounts(books: Books) -> dict[Account, int]:
    """The sums of the journal's accounts: debits are positive."""
    sums = Counter[Account]()
    for entry in journal(books):
        assert sum(amount for _, amount in entry.lines) == 0
        sums.update(dict(entry.lines))
    return {account: figure for account, figure in sums.items() if figure}


def reversal(kind: Kind, order: str, amount: int, status: str, now: datetime = NOW) -> Reversal:
    return Reversal(
        kind=kind,
        reversal_id=f"{kind}-{order}",
        payment_id=order,
        amount_minor=amount,
        status=ReversalStatus(status),
        created_at=now,
    )


@pytest.fixture
def ledger() -> InMemoryLedger:
    """1,100 credits for 100.00, bought in March, which expire in September."""
    ledger = InMemoryLedger()
    ledger.buy("order-1", 1100, 10_000, NOW)
    return ledger


# ----------------------------------------------------------------------------------------------------- sold and used


def test_what_is_sold_is_owed_until_it_is_used(ledger: InMemoryLedger):
    ledger.spend(300, NOW)

    books = books_of(ledger)

    assert owed(books) == {"sold": 10_000, "used": -2_727}  # 10000 × 300 ÷ 1100 is 2727.27
    assert credits_of(books) == {"sold": 1100, "used": -300}
    assert accounts(books) == {Account.CASH: 10_000, Account.DEFERRED: -7_273, Account.REVENUE: -2_727}


def test_rounding_loses_no_unit(ledger: InMemoryLedger):
    for _ in range(1100):
        ledger.spend(1, NOW)

    books = books_of(ledger)

    assert owed(books) == {"sold": 10_000, "used": -10_000}
    assert books.closing(books.owed_minor) == {STANDARD: 0}


def test_the_months_that_went_before_are_the_opening(ledger: InMemoryLedger):
    ledger.spend(300, NOW)
    ledger.spend(1, IN_APRIL)

    books = books_of(ledger, APRIL)

    assert owed(books) == {OPENING: 7_273, "used": -9}  # 301 credits stand for 2736.36
    assert credits_of(books) == {OPENING: 800, "used": -1}
    assert accounts(books) == {Account.DEFERRED: 9, Account.REVENUE: -9}


def test_a_later_month_changes_nothing_in_an_earlier_one(ledger: InMemoryLedger):
    ledger.spend(300, NOW)
    before = books_of(ledger)
    ledger.spend(1, IN_APRIL)
    ledger.buy("order-2", 10, 100, IN_APRIL)

    assert books_of(ledger) == before


def test_what_was_received_in_a_month_and_written_after_something_of_the_next_one_belongs_to_that(
    ledger: InMemoryLedger,
):
    ledger.spend(1, IN_APRIL)
    ledger.spend(10, NOW)

    assert owed(books_of(ledger, MARCH)) == {"sold": 10_000}
    assert owed(books_of(ledger, APRIL)) == {OPENING: 10_000, "used": -100}


def test_the_month_begins_and_ends_by_utc(ledger: InMemoryLedger):
    ledger.spend(11, datetime(2026, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC))
    ledger.spend(11, datetime(2026, 4, 1, tzinfo=UTC))

    assert owed(books_of(ledger, MARCH)) == {"sold": 10_000, "used": -100}
    assert owed(books_of(ledger, APRIL)) == {OPENING: 9_900, "used": -100}


def test_each_package_and_currency_has_its_own_figures(ledger: InMemoryLedger):
    ledger.buy("order-2", 500, 5_000, NOW, currency="USD", package_id="trial")
    ledger.spend(1200, NOW)

    books = books_of(ledger)

    assert owed(books) == {"sold": 10_000, "used": -10_000}
    assert owed(books, Pool("USD", "trial")) == {"sold": 5_000, "used": -1_000}


def test_tax_is_owed_to_the_tax_office_and_not_to_the_user():
    ledger = InMemoryLedger()
    ledger.buy("order-1", 1100, 10_000, NOW, tax_minor=1_900)
    ledger.spend(550, NOW)

    books = books_of(ledger)

    assert owed(books) == {"sold": 10_000, "used": -5_000}
    assert accounts(books) == {
        Account.CASH: 11_900,
        Account.TAX: -1_900,
        Account.DEFERRED: -5_000,
        Account.REVENUE: -5_000,
    }


def test_free_credits_are_apart_and_have_no_money(ledger: InMemoryLedger):
    ledger.grant("gift", 50, NOW, NOW + timedelta(days=1))
    ledger.adjust("more", 7, NOW)
    ledger.spend(60, NOW)

    books = books_of(ledger)

    assert credits_of(books, FREE) == {"granted": 50, "corrected": 7, "used": -57}
    assert owed(books, FREE) == {}
    assert owed(books) == {"sold": 10_000, "used": -27}


def test_an_order_that_a_promotion_code_paid_is_free():
    ledger = InMemoryLedger()
    ledger.buy("order-1", 1100, 0, NOW)

    books = books_of(ledger)

    assert credits_of(books, Pool(None, "standard")) == {"sold": 1100}
    assert list(journal(books)) == []


def test_imported_credits_are_owed_and_brought_no_money():
    ledger = InMemoryLedger()
    ledger.grant("import-1", 100, NOW, None, 900)

    books = books_of(ledger)

    assert owed(books, Pool("CNY", None)) == {"imported": 900}
    assert accounts(books) == {Account.IMPORTED: 900, Account.DEFERRED: -900}


def test_what_expires_is_breakage(ledger: InMemoryLedger):
    ledger.spend(100, NOW)
    ledger.sweep("order-1", datetime(2026, 9, 2, tzinfo=UTC))

    books = books_of(ledger, "2026-09")

    assert owed(books) == {OPENING: 9_091, "expired": -9_091}
    assert accounts(books) == {Account.DEFERRED: 9_091, Account.BREAKAGE: -9_091}


def test_what_is_corrected_downwards_is_not_owed_any_more(ledger: InMemoryLedger):
    ledger.adjust("", -110, NOW)

    books = books_of(ledger)

    assert owed(books) == {"sold": 10_000, "corrected": -1_000}
    assert accounts(books)[Account.CORRECTIONS] == -1_000


# ------------------------------------------------------------------------------------ holds, and spends given back


def test_a_hold_counts_when_it_is_captured(ledger: InMemoryLedger):
    before = books_of(ledger)
    hold = a_hold(amount=110)
    ledger.apply(hold_changes.open_hold(ledger.user(), hold, NOW))
    assert books_of(ledger) == before

    ledger.apply(hold_changes.capture(ledger.user(), hold, Capture(amount=110, is_final=True), a_cause(), NOW))

    assert owed(books_of(ledger)) == {"sold": 10_000, "used": -1_000}


def test_what_a_capture_owes_is_used_when_new_credits_pay_it():
    ledger = InMemoryLedger()
    ledger.buy("order-1", 100, 1_000, NOW)
    hold = a_hold(amount=100, overrun=Overrun.DEBT)
    ledger.apply(hold_changes.open_hold(ledger.user(), hold, NOW))
    ledger.apply(hold_changes.capture(ledger.user(), hold, Capture(amount=130, is_final=True), a_cause(), NOW))
    books = books_of(ledger)
    assert (owed(books), books.debt) == ({"sold": 1_000, "used": -1_000}, 30)

    ledger.buy("order-2", 90, 1_000, IN_APRIL)

    books = books_of(ledger, APRIL)
    assert owed(books) == {"sold": 1_000, "used": -333}
    assert credits_of(books) == {"sold": 90, "used": -30}
    assert books.debt == 0
    assert books_of(ledger, MARCH).debt == 30


def test_a_spend_that_is_given_back_is_owed_again_from_then_on(ledger: InMemoryLedger):
    ledger.spend(110, NOW)
    spend = ledger.account.entries[-1]
    back = a_cause(transaction_type=TransactionType.SPEND_REVERSED)
    given = ReversedSpend(user_id=USER_ID, spend=spend.number)
    lots = {lot.lot_id: lot for lot in ledger.account.lots}
    ledger.apply(reversed_spends.reverse(ledger.account.wallet, spend, given, lots, 11, back, IN_APRIL).change)

    assert owed(books_of(ledger, MARCH)) == {"sold": 10_000, "used": -1_000}
    books = books_of(ledger, APRIL)
    assert owed(books) == {OPENING: 9_000, "used": 100}
    assert accounts(books) == {Account.DEFERRED: -100, Account.REVENUE: 100}


# ------------------------------------------------------------------------------------------- money that goes back


def test_a_refund_takes_what_is_owed_and_the_rest_from_what_was_earned():
    ledger = InMemoryLedger()
    ledger.buy("order-1", 1100, 10_000, NOW, tax_minor=1_900)
    ledger.spend(1000, NOW)
    ledger.reverse(reversal(Kind.REFUND, "order-1", 11_900, "succeeded"), IN_APRIL)

    books = books_of(ledger, APRIL)

    assert owed(books) == {OPENING: 910, "refunded": -910}
    assert accounts(books) == {
        Account.CASH: -11_900,
        Account.TAX: 1_900,
        Account.DEFERRED: 910,
        Account.REFUNDS: 9_090,
    }
    assert books.debt == 1000


def test_the_tax_in_parts_of_a_refund_adds_up():
    ledger = InMemoryLedger()
    ledger.buy("order-1", 1100, 10_000, NOW, tax_minor=1_901)
    for number, amount in enumerate((3_967, 3_967, 3_967)):
        part = replace(reversal(Kind.REFUND, "order-1", amount, "succeeded"), reversal_id=f"part-{number}")
        ledger.reverse(part, NOW + timedelta(days=number * 31))

    taxes = [books_of(ledger, month).tax_minor[STANDARD, Movement.REFUNDED] for month in (MARCH, APRIL, "2026-05")]

    assert taxes == [-633, -634, -634]


def test_credits_that_a_refund_takes_from_another_lot_are_refunded_there(ledger: InMemoryLedger):
    """The first package is used up: its money goes back, and credits of the second one make up for it."""
    ledger.spend(1100, NOW)
    ledger.buy("order-2", 2200, 10_000, NOW, package_id="value", currency="USD")
    ledger.reverse(reversal(Kind.REFUND, "order-1", 10_000, "succeeded"), IN_APRIL)

    books = books_of(ledger, APRIL)

    assert owed(books) == {}
    assert owed(books, Pool("USD", "value")) == {OPENING: 10_000, "refunded": -5_000}
    own, other = (dict(entry.lines) for entry in journal(books))
    assert own == {Account.CASH: -10_000, Account.REFUNDS: 10_000}
    assert other == {Account.DEFERRED: 5_000, Account.REFUNDS: -5_000}


def test_a_refund_that_fails_is_owed_again(ledger: InMemoryLedger):
    refund = reversal(Kind.REFUND, "order-1", 5_000, "succeeded")
    ledger.reverse(refund, NOW)
    ledger.reverse(replace(refund, status=ReversalStatus.FAILED), IN_APRIL)

    assert owed(books_of(ledger, MARCH)) == {"sold": 10_000, "refunded": -5_000}
    books = books_of(ledger, APRIL)
    assert owed(books) == {OPENING: 5_000, "refund_returned": 5_000}
    assert accounts(books) == {Account.CASH: 5_000, Account.DEFERRED: -5_000}


def test_money_that_goes_back_for_credits_that_have_expired_is_in_the_journal(ledger: InMemoryLedger):
    later = datetime(2026, 9, 10, tzinfo=UTC)
    ledger.sweep("order-1", later)
    ledger.reverse(reversal(Kind.REFUND, "order-1", 4_000, "succeeded"), later)

    [*_, entry] = ledger.account.entries
    assert (entry.amount, entry.moves, entry.cause.money_minor) == (0, {}, -4_000)
    assert accounts(books_of(ledger, "2026-09")) == {
        Account.CASH: -4_000,
        Account.DEFERRED: 10_000,
        Account.BREAKAGE: -10_000,
        Account.REFUNDS: 4_000,
    }
    assert ledger.findings(later) == []


def test_money_that_is_less_than_a_credit_is_in_the_journal(ledger: InMemoryLedger):
    ledger.reverse(reversal(Kind.REFUND, "order-1", 9, "succeeded"), NOW)

    assert accounts(books_of(ledger))[Account.REFUNDS] == 9
    assert credits_of(books_of(ledger)) == {"sold": 1100}


def test_what_the_ledger_says_of_a_refund_is_said_once_also_if_the_order_has_forgotten_it(ledger: InMemoryLedger):
    """The orders table is put back from a copy, and Stripe reports again what it did."""
    copy = ledger.orders["order-1"], dict(ledger.reversals["order-1"])
    parts = [
        replace(reversal(Kind.REFUND, "order-1", amount, "succeeded"), reversal_id=f"part-{amount}")
        for amount in (5, 3_000)
    ]
    for part in parts:
        ledger.reverse(part, NOW)
    before = list(ledger.account.entries)

    ledger.orders["order-1"], ledger.reversals["order-1"] = copy
    for part in reversed(parts):
        ledger.reverse(part, NOW)

    assert ledger.account.entries == before
    assert books_of(ledger).cash_minor[STANDARD, Movement.REFUNDED] == -3_005


def test_a_chargeback_that_is_won_after_the_lot_expired_brings_its_money_in_a_new_lot(ledger: InMemoryLedger):
    ledger.spend(100, NOW)
    dispute = reversal(Kind.DISPUTE, "order-1", 10_000, "needs_response")
    ledger.reverse(dispute, NOW)
    later = ledger.lot("order-1").expires_at
    assert later
    won_at = later + timedelta(days=40)
    ledger.reverse(replace(dispute, status=ReversalStatus.WON), won_at)

    assert accounts(books_of(ledger, MARCH)) == {Account.REVENUE: -909, Account.CHARGEBACKS: 909}
    books = books_of(ledger, OCTOBER)
    assert owed(books) == {"chargeback_returned": 9_090}  # of 1000 credits: 10000 × 1000 ÷ 1100 is 9090.9
    assert accounts(books) == {Account.CASH: 10_000, Account.DEFERRED: -9_090, Account.CHARGEBACKS: -910}
    assert books.outstanding_minor == {(STANDARD, "2027-04"): 9_090}


def test_credits_that_pay_a_debt_and_come_back_are_owed_again():
    """A refund found nothing left; another package paid; then the refund failed."""
    ledger = InMemoryLedger()
    ledger.buy("order-1", 100, 1_000, NOW)
    ledger.spend(100, NOW)
    refund = reversal(Kind.REFUND, "order-1", 1_000, "succeeded")
    ledger.reverse(refund, NOW)
    ledger.buy("order-2", 300, 1_000, NOW)

    books = books_of(ledger)
    assert owed(books) == {"sold": 2_000, "used": -1_333}
    assert accounts(books)[Account.REFUNDS] == 1_000

    ledger.reverse(replace(refund, status=ReversalStatus.FAILED), IN_APRIL)

    books = books_of(ledger, APRIL)
    assert owed(books) == {OPENING: 667, "refund_returned": 333}
    assert accounts(books) == {Account.CASH: 1_000, Account.DEFERRED: -333, Account.REFUNDS: -667}


# ---------------------------------------------------------------------------------------------------- outstanding


def test_what_is_outstanding_is_what_is_owed_by_month_of_expiry(ledger: InMemoryLedger):
    ledger.buy("order-2", 500, 5_000, IN_APRIL)
    ledger.grant("for-ever", 10, NOW, None)
    ledger.spend(550, NOW)

    books = books_of(ledger, APRIL)

    assert books.outstanding_minor == {(STANDARD, "2026-09"): 5_000, (STANDARD, OCTOBER): 5_000, (FREE, NEVER): 0}
    assert books.outstanding_credits == {(STANDARD, "2026-09"): 550, (STANDARD, OCTOBER): 500, (FREE, NEVER): 10}


def test_of_an_earlier_month_it_is_what_was_outstanding_then(ledger: InMemoryLedger):
    before = books_of(ledger).outstanding_minor
    ledger.spend(550, IN_APRIL)

    assert books_of(ledger).outstanding_minor == before == {(STANDARD, "2026-09"): 10_000}


# ----------------------------------------------------------------------------------------------- unreadable ledgers


def test_a_missing_entry_is_an_error_and_no_wrong_figure(ledger: InMemoryLedger):
    ledger.spend(1, NOW)
    ledger.spend(1, NOW)
    del ledger.account.entries[1]

    with pytest.raises(UnreadableLedger, match=f"user {USER_ID} has entry 3 where 2 should be"):
        books_of(ledger)


def test_a_lot_that_no_entry_brought_is_an_error(ledger: InMemoryLedger):
    ledger.account.entries[0] = replace(ledger.account.entries[0], moves={"another": 1100})
    ledger.spend(1, NOW)

    with pytest.raises(UnreadableLedger, match="entry 2 moves lot order-1, which no entry brought"):
        books_of(ledger)


def a_hold(**changes: Any) -> Hold:
    hold = Hold(
        hold_id="hold-1",
        user_id=USER_ID,
        amount=100,
        ends_at=NOW + timedelta(minutes=15),
        overrun=Overrun.AVAILABLE,
        description="a call",
        actor="service:default",
        created_at=NOW,
        status=HoldStatus.OPEN,
    )
    return replace(hold, **changes)
