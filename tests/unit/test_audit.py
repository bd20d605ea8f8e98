"""The audit finds what is wrong: each of these ledgers is right except for one thing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import PAYMENT_ID, a_cause, a_lot, a_wallet
from tests.support.ledger import InMemoryLedger
from tests.unit.test_reversals import a_reversal
from topup.domain import audit, audit_of_entries
from topup.domain.credits import CAPTURES, Entry, TransactionType
from topup.domain.holds import Hold, Overrun
from topup.domain.lots import Funding, Lot
from topup.domain.orders import Status
from topup.domain.payments import Payment
from topup.domain.reversals import Kind, ReversalStatus


@pytest.fixture
def ledger() -> InMemoryLedger:
    """Bought 1100, spent 100, refunded a quarter."""
    ledger = InMemoryLedger.with_a_purchase()
    ledger.spend(100, NOW)
    ledger.reverse(a_reversal(), NOW)
    assert ledger.findings(NOW) == []
    return ledger


def damage_entry(ledger: InMemoryLedger, position: int, **changes: Any) -> None:
    entry = ledger.account.entries[position - 1]
    if "transaction_type" in changes:
        changes = {"cause": replace(entry.cause, **changes)}
    ledger.account.entries[position - 1] = replace(entry, **changes)


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"number": 3}, "entry 3 is where 2 should be"),
        ({"balance_after": 999}, "entry 2 says 999 credits"),
        ({"amount": -99}, "is about -99 credits, but moves another number"),
        ({"debt_change": 1}, "moves another number"),
        ({"transaction_type": TransactionType.DISPUTE_REVERSED}, "has the wrong sign"),
        ({"amount": 0, "moves": {}, "balance_after": 1100}, "has the wrong sign"),
        ({"transaction_type": TransactionType.EXPIRED}, "differ from the ledger's"),
        (
            {"moves": {"unknown": -100}},
            f"the ledger knows the lots {[PAYMENT_ID, 'unknown']}, the table {[PAYMENT_ID]}",
        ),
    ],
)
def test_a_wrong_entry_is_found(ledger: InMemoryLedger, changes: dict[str, Any], finding: str):
    damage_entry(ledger, 2, **changes)

    assert finding in "\n".join(ledger.findings(NOW))


def test_a_missing_entry_is_found(ledger: InMemoryLedger):
    del ledger.account.entries[1]

    assert "is where" in "\n".join(ledger.findings(NOW))


def test_money_may_go_back_without_a_credit_and_nothing_else_moves_none(ledger: InMemoryLedger):
    ledger.reverse(a_reversal(reversal_id="little", amount_minor=1), NOW)
    assert ledger.account.entries[3].amount == 0
    assert ledger.findings(NOW) == []

    for changes in ({"money_minor": 0}, {"transaction_type": TransactionType.GRANTED}):
        cause = replace(ledger.account.entries[3].cause, **changes)
        entry = replace(ledger.account.entries[3], cause=cause)
        found = audit_of_entries.History({}).take_in([*ledger.account.entries[:3], entry]).findings
        assert f"entry 4 ({cause.transaction_type}) has the wrong sign" in found


def test_a_purchase_or_a_reversal_that_names_no_payment_is_found(ledger: InMemoryLedger):
    for entry in (1, 3):
        changed = replace(ledger.account.entries[entry - 1].cause, payment_id=None)
        ledger.account.entries[entry - 1] = replace(ledger.account.entries[entry - 1], cause=changed)

    found = audit.audit_account(ledger.account, NOW)

    assert f"user {USER_ID}: entry 1 (purchased) names no payment" in found
    assert f"user {USER_ID}: entry 3 (refunded) names no payment" in found
    assert audit.payment_ledgers(ledger.account, NOW) == {}


def test_of_a_history_that_is_wrong_throughout_only_the_first_findings_are_listed(ledger: InMemoryLedger):
    ledger.account.entries = [replace(entry, number=7) for entry in ledger.account.entries * 40]

    found = audit.history_of(ledger.account).findings

    assert len(found) == audit_of_entries.MOST_FINDINGS + 1
    assert found[-1] == "more than 100 findings about entries; the rest are not listed"


@pytest.mark.parametrize(
    ("figure", "finding"),
    [
        ("balance", "balance is 726, the ledger makes it 725"),
        ("balance", "balance against its lots is 726, the ledger makes it 725"),
        ("total_credits_earned", "credits earned is 1101, the ledger makes it 1100"),
        ("debt", "debt is 1, the ledger makes it 0"),
        ("last_entry", "last entry is 4, the ledger makes it 3"),
    ],
)
def test_a_wrong_wallet_is_found(ledger: InMemoryLedger, figure: str, finding: str):
    ledger.account.wallet = replace(ledger.account.wallet, **{figure: getattr(ledger.account.wallet, figure) + 1})

    assert f"user {USER_ID}: the wallet's {finding}" in ledger.findings(NOW)


@pytest.mark.parametrize("changes", [{"paid_minor": 9999}, {"funding": Funding.FREE}])
def test_a_lot_with_other_money_than_its_entry_is_found(ledger: InMemoryLedger, changes: dict[str, Any]):
    ledger.account.lots = [replace(lot, **changes) for lot in ledger.account.lots]

    assert any("were paid for it" in finding for finding in ledger.findings(NOW))


@pytest.mark.parametrize("funding", list(Funding))
@pytest.mark.parametrize("too_many", [1, -1])
def test_more_credits_of_a_lot_gone_than_there_are_is_found_though_it_evens_out_later(funding: Funding, too_many: int):
    first = 6 + too_many if too_many > 0 else -1
    second = 1 - first  # in the end one credit is gone
    lot = a_lot(granted=6, remaining=5, funding=funding, paid_minor=1 if funding is Funding.PAID else 0)
    why = TransactionType.PURCHASED if funding is Funding.PAID else TransactionType.GRANTED
    came = a_cause(transaction_type=why, money_minor=lot.paid_minor)
    moves = [(came, 6), (a_cause(), -first), (a_cause(), -second)]
    entries = [
        Entry(
            user_id=lot.user_id,
            number=number,
            cause=cause,
            amount=amount,
            balance_after=sum(amount for _, amount in moves[:number]),
            created_at=NOW,
            moves={lot.lot_id: amount},
        )
        for number, (cause, amount) in enumerate(moves, start=1)
    ]
    account = audit.Account(lot.user_id, a_wallet(balance=5), [lot], entries)

    assert any(f"after entry 2, {first} of 6 credits of lot" in found for found in audit.audit_account(account, NOW))


@pytest.mark.parametrize("figure", ["remaining", "granted", "expired_credits"])
def test_a_wrong_lot_is_found(ledger: InMemoryLedger, figure: str):
    ledger.account.lots = [replace(lot, **{figure: getattr(lot, figure) + 1}) for lot in ledger.account.lots]

    assert any("differ from the ledger's" in finding for finding in ledger.findings(NOW))


def test_a_lost_or_invented_lot_is_found(ledger: InMemoryLedger):
    ledger.account.lots.append(a_lot(lot_id="invented"))
    assert "the ledger knows the lots" in "\n".join(ledger.findings(NOW))
    ledger.account.lots.clear()
    assert "the ledger knows the lots" in "\n".join(ledger.findings(NOW))


def test_debt_beside_credits_is_found(ledger: InMemoryLedger):
    ledger.account.wallet = a_wallet(debt=5)

    assert "credits are owed while" in "\n".join(ledger.findings(NOW))


def test_a_lot_that_nothing_will_expire_is_found(ledger: InMemoryLedger):
    ledger.account.timed_lots.clear()

    assert "nothing will expire these lots" in "\n".join(ledger.findings(NOW))


def test_a_hold_without_a_timer_is_found_until_its_end(ledger: InMemoryLedger):
    # From then on the timer's deletion is on its way, or the sweep finds the hold.
    hold = Hold(
        hold_id="h1",
        user_id=USER_ID,
        amount=5,
        ends_at=NOW + timedelta(seconds=1),
        overrun=Overrun.REFUSE,
        actor="service:work",
        description="work",
        created_at=NOW,
    )
    ledger.account.holds.append(hold)

    assert f"user {USER_ID}: nothing will end hold h1 in time" in ledger.findings(NOW)
    assert ledger.findings(hold.ends_at) == []


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
def test_a_wrong_order_is_found(ledger: InMemoryLedger, changes: dict[str, Any], finding: str):
    ledger.orders[PAYMENT_ID] = replace(ledger.orders[PAYMENT_ID], **changes)

    assert finding in "\n".join(ledger.findings(NOW))


def test_too_little_clawed_back_is_found(ledger: InMemoryLedger):
    payment = Payment(replace(ledger.orders[PAYMENT_ID], clawed_back=200), list(ledger.reversals[PAYMENT_ID].values()))

    findings = audit.audit_payment(payment, audit.PaymentLedger(1, 1100, 200, 0))

    assert any("too few have expired" in finding for finding in findings)


def test_more_refunded_than_paid_is_found(ledger: InMemoryLedger):
    ledger.reversals[PAYMENT_ID]["re_2"] = a_reversal(reversal_id="re_2", amount_minor=9000)

    assert "refunded 11500 of 10000" in "\n".join(ledger.findings(NOW))


def test_a_grant_is_listed_under_its_payment(ledger: InMemoryLedger):
    assert set(audit.payment_ledgers(ledger.account, NOW)) == {PAYMENT_ID}


# --------------------------------------------------------- bounds that hold though every sum agrees: one past each


def entries_of(lot: Lot, *changes: tuple[TransactionType, int, int]) -> list[Entry]:
    """Entries of these types, each with how many credits it moves in the lot and how it changes the debt."""
    entries: list[Entry] = []
    for number, (why, move, debt_change) in enumerate(changes, start=1):
        amount = move - debt_change
        entries.append(
            Entry(
                user_id=lot.user_id,
                number=number,
                cause=a_cause(
                    transaction_type=why, money_minor=lot.paid_minor if number == 1 else 0, payment_id=PAYMENT_ID
                ),
                amount=amount,
                balance_after=amount + (entries[-1].balance_after if entries else 0),
                created_at=NOW,
                moves={lot.lot_id: move} if move else {},
                debt_change=debt_change,
            )
        )
    return entries


@pytest.mark.parametrize(("debt_change", "findings"), [(0, []), (-1, ["the wallet's debt is -1"])])
def test_a_debt_below_zero_is_found_though_the_ledger_says_the_same(debt_change: int, findings: list[str]):
    lot = a_lot(granted=10, remaining=9 if debt_change else 10)
    entries = entries_of(lot, (TransactionType.PURCHASED, lot.remaining, debt_change))
    wallet = a_wallet(balance=10, debt=debt_change, last_entry=1, total_credits_earned=10)
    account = audit.Account(lot.user_id, wallet, [lot], entries, {lot.lot_id})

    assert audit.audit_account(account, NOW) == [f"user {lot.user_id}: {finding}" for finding in findings]


@pytest.mark.parametrize("remaining", [10, 11, -1])
def test_a_lot_with_more_credits_than_it_got_or_fewer_than_none_is_found_though_the_ledger_says_the_same(
    remaining: int,
):
    lot = a_lot(granted=10, remaining=remaining)
    moved = remaining - 10
    why = TransactionType.REFUND_REVERSED if moved > 0 else TransactionType.SPENT
    changes = [(TransactionType.PURCHASED, 10, 0), (why, moved, 0)]
    entries = entries_of(lot, *changes[: 2 if moved else 1])
    wallet = a_wallet(balance=remaining, last_entry=len(entries), total_credits_earned=10)
    account = audit.Account(lot.user_id, wallet, [lot], entries, {lot.lot_id})

    found = [finding for finding in audit.audit_account(account, NOW) if "credits left" in finding]

    wrong = f"user {lot.user_id}: lot {lot.lot_id} has {remaining} of 10 credits left"
    assert found == ([wrong] if moved else [])


@pytest.mark.parametrize(("second", "findings"), [(7500, []), (7501, ["refunded 10001 of 10000"])])
def test_a_refund_of_one_too_much_is_found_though_the_figures_agree(
    ledger: InMemoryLedger, second: int, findings: list[str]
):
    reversals = [*ledger.reversals[PAYMENT_ID].values(), a_reversal(reversal_id="re_2", amount_minor=second)]
    order = replace(ledger.orders[PAYMENT_ID], refunded_minor=2500 + second, clawed_back=1100)

    found = audit.audit_payment(Payment(order, reversals), audit.PaymentLedger(1, 1100, 1100, 0))

    assert found == [f"payment {PAYMENT_ID}: {finding}" for finding in findings]


@pytest.mark.parametrize("clawed_back", [0, -1])
def test_credits_reversed_spends_that_nobody_took_are_found_though_the_ledger_says_the_same(
    ledger: InMemoryLedger, clawed_back: int
):
    order = replace(ledger.orders[PAYMENT_ID], refunded_minor=0, clawed_back=clawed_back)

    found = audit.audit_payment(Payment(order, []), audit.PaymentLedger(1, 1100, clawed_back, 1))

    wrong = f"payment {PAYMENT_ID}: clawed back {clawed_back} credits of at most 0"
    assert found == ([wrong] if clawed_back else [])


# ------------------------------------------------------------------------------------------------ what is out


@pytest.fixture
def restored() -> InMemoryLedger:
    """Bought 1100, disputed, expired, and the dispute won: another lot continues the order's."""
    ledger = InMemoryLedger.with_a_purchase()
    dispute = a_reversal(kind=Kind.DISPUTE, reversal_id="du_1", amount_minor=10000)
    ledger.reverse(replace(dispute, status=ReversalStatus.NEEDS_RESPONSE), NOW)
    later = NOW.replace(year=NOW.year + 1)
    ledger.sweep(PAYMENT_ID, later)
    ledger.reverse(replace(dispute, status=ReversalStatus.WON), later)
    ledger.reverse(a_reversal(), later)
    assert ledger.findings(later) == []
    assert len(ledger.account.lots) == 2
    return ledger


def replace_clawback(ledger: InMemoryLedger, **changes: Any) -> list[str]:
    """The findings, with what the order has out changed."""
    ledger.account.clawbacks[PAYMENT_ID] = replace(ledger.account.clawbacks[PAYMENT_ID], **changes)
    return [finding.removeprefix(f"user {USER_ID}: ") for finding in ledger.findings(NOW.replace(year=NOW.year + 1))]


def test_what_all_lots_of_a_payment_have_lost_counts(restored: InMemoryLedger):
    long_after = NOW.replace(year=NOW.year + 9)

    ledger = audit.payment_ledgers(restored.account, long_after)[PAYMENT_ID]

    assert ledger == audit.PaymentLedger(1, 1100, 275, 825)
    for lot in restored.account.lots:
        assert lot.payment_id == PAYMENT_ID
    lots = [replace(lot, expired_credits=5) for lot in restored.account.lots]
    assert audit.payment_ledgers(replace(restored.account, lots=lots), NOW)[PAYMENT_ID].lost_to_expiry == 10


def test_a_payment_that_has_granted_twice_is_known_by_both_grants(ledger: InMemoryLedger):
    history = audit_of_entries.History({}).take_in([ledger.account.entries[0]] * 2)

    assert (history.grants[PAYMENT_ID], history.purchased[PAYMENT_ID], history.earned) == (2, 2200, 2200)


def test_a_claw_back_that_has_other_credits_out_than_the_ledger_says(restored: InMemoryLedger):
    assert replace_clawback(restored, takings=()) == [f"payment {PAYMENT_ID} has 0 credits out, the ledger says 275"]


@pytest.mark.parametrize(("credits", "owed"), [(276, -1), (0, 275)])
def test_a_claw_back_that_owes_less_than_nothing_or_took_nothing(restored: InMemoryLedger, credits: int, owed: int):
    [taking] = restored.account.clawbacks[PAYMENT_ID].takings

    found = replace_clawback(restored, takings=(replace(taking, credits=credits),), owed=owed)

    assert found == [f"payment {PAYMENT_ID} has {owed} credits owed, or has taken none from a lot"]


def test_a_claw_back_that_would_not_find_the_lot_it_took_from(restored: InMemoryLedger):
    [taking] = restored.account.clawbacks[PAYMENT_ID].takings

    [found] = replace_clawback(restored, takings=(replace(taking, expires_at=NOW),))

    assert found.startswith(f"payment {PAYMENT_ID} looks for lot {taking.lot_id} until {NOW}, which expires at ")


def test_a_claw_back_that_does_not_know_the_lot_that_continues_its_own(restored: InMemoryLedger):
    [lot_id] = restored.account.clawbacks[PAYMENT_ID].continued_by

    wrong = f"payment {PAYMENT_ID} does not know that lot {lot_id} continues its own"
    assert replace_clawback(restored, continued_by={}) == [wrong]
    del restored.account.clawbacks[PAYMENT_ID]
    assert f"user {USER_ID}: {wrong}" in restored.findings(NOW.replace(year=NOW.year + 1))


def test_a_claw_back_that_names_a_lot_that_is_not_there_or_has_another_expiry(restored: InMemoryLedger):
    known = restored.account.clawbacks[PAYMENT_ID].continued_by
    [lot_id] = known

    assert replace_clawback(restored, continued_by={**known, "gone": NOW}) == [
        f"payment {PAYMENT_ID} names lots that are not there: ['gone']"
    ]
    [found] = replace_clawback(restored, continued_by={lot_id: NOW})
    assert found.startswith(f"payment {PAYMENT_ID} looks for lot {lot_id} until {NOW}, which expires at ")


@pytest.mark.parametrize(
    ("debts", "says"),
    [
        ({CAPTURES: 1, "other": 1}, ["the wallet owes 1 credits for payment other, which says 0"]),
        ({"other": 1}, ["the wallet owes 1 credits for payment other, which says 0"]),
        ({PAYMENT_ID: 276}, [f"the wallet owes 276 credits for payment {PAYMENT_ID}, which says 275"]),
        ({PAYMENT_ID: 0}, [f"the wallet owes 0 credits for payment {PAYMENT_ID}, which says 275"]),
        ({PAYMENT_ID: 275}, []),
        ({PAYMENT_ID: 1}, []),
    ],
)
def test_a_wallet_that_owes_for_orders_what_these_do_not_know(debts: dict[str, int], says: list[str]):
    ledger = InMemoryLedger.with_a_purchase()
    ledger.spend(1100, NOW)
    ledger.reverse(a_reversal(), NOW)
    assert ledger.account.wallet.debts == {PAYMENT_ID: 275}
    ledger.account.wallet = replace(ledger.account.wallet, debts=debts)

    found = [finding.removeprefix(f"user {USER_ID}: ") for finding in ledger.findings(NOW)]

    more = ["the wallet owes more for its orders than its debt of 275"] if sum(debts.values()) > 275 else []
    assert found == says + more
