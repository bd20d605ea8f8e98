"""Refunds and disputes of one order, counted together: exact in every mixture with spends, expiries and returns."""

import contextlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.in_process.environment import NOW
from tests.support.builders import PAYMENT_ID, a_hold
from tests.support.examples import examples
from tests.support.ledger import InMemoryLedger
from topup.domain import payments, refundable
from topup.domain.clawbacks import MOST_NEW_LOTS
from topup.domain.errors import InsufficientCredits
from topup.domain.lots import Source
from topup.domain.payments import SettledPayment
from topup.domain.reversals import RANK, Kind, Reversal, ReversalStatus

AMOUNT = 10000
EXPIRY = NOW.replace(month=9)
LONG_AFTER = 20  # months: no lot of the tests that lives as long expires in them


def a_reversal(**changes: Any) -> Reversal:
    reversal = Reversal(
        kind=Kind.REFUND,
        reversal_id="re_1",
        payment_id=PAYMENT_ID,
        amount_minor=2500,
        status=ReversalStatus.SUCCEEDED,
        created_at=NOW,
    )
    return replace(reversal, **changes)


def sweep_all(ledger: InMemoryLedger, now: datetime) -> None:
    for order_id in ledger.orders:
        ledger.sweep(order_id, now)


@pytest.fixture
def ledger() -> InMemoryLedger:
    """1100 credits, bought for 100.00."""
    ledger = InMemoryLedger.with_a_purchase()
    assert (ledger.account.wallet.balance, ledger.orders[PAYMENT_ID].amount_minor) == (1100, AMOUNT)
    return ledger


def test_a_partial_refund_takes_its_share_rounded_down(ledger: InMemoryLedger):
    assert ledger.reverse(a_reversal(amount_minor=3333), NOW) == -366
    assert ledger.findings(NOW) == []


def test_parts_add_up_to_the_whole(ledger: InMemoryLedger):
    taken = [
        ledger.reverse(a_reversal(reversal_id=f"re_{n}", amount_minor=amount), NOW)
        for n, amount in enumerate([3333] * 3)
    ]

    assert taken == [-366, -367, -366]
    assert ledger.reverse(a_reversal(reversal_id="re_9", amount_minor=1), NOW) == -1
    assert ledger.account.wallet.balance == 0


def test_the_same_update_twice_changes_nothing(ledger: InMemoryLedger):
    ledger.reverse(a_reversal(), NOW)

    assert payments.decide(ledger.settled_payment(PAYMENT_ID, NOW), a_reversal(), NOW) is None


@pytest.mark.parametrize("late", [ReversalStatus.IN_FLIGHT, ReversalStatus.PENDING, ReversalStatus.SUCCEEDED])
def test_a_failed_refund_stays_failed(ledger: InMemoryLedger, late: ReversalStatus):
    ledger.reverse(a_reversal(), NOW)
    assert ledger.reverse(a_reversal(status=ReversalStatus.FAILED), NOW) == 275

    assert ledger.reverse(a_reversal(status=late), NOW) == 0
    assert ledger.reversals[PAYMENT_ID]["re_1"].status is ReversalStatus.FAILED


def test_an_update_that_only_adds_stripes_id_moves_no_credits(ledger: InMemoryLedger):
    ledger.reverse(a_reversal(status=ReversalStatus.IN_FLIGHT), NOW)

    assert ledger.reverse(a_reversal(status=ReversalStatus.IN_FLIGHT, stripe_id="re_stripe"), NOW) == 0
    assert ledger.reversals[PAYMENT_ID]["re_1"].stripe_id == "re_stripe"


def test_what_expiry_took_before_counts_as_taken(ledger: InMemoryLedger):
    ledger.spend(600, NOW)
    ledger.sweep(PAYMENT_ID, EXPIRY)

    assert ledger.reverse(a_reversal(amount_minor=5000), EXPIRY) == -50
    assert ledger.reverse(a_reversal(reversal_id="re_2", amount_minor=5000), EXPIRY) == -550
    assert ledger.account.wallet.debt == 600
    assert ledger.findings(EXPIRY) == []


def test_what_was_swept_counts_as_taken_by_a_refund_that_was_received_before_the_expiry(ledger: InMemoryLedger):
    """Its first try lost the race with the sweep: the second one finds nothing of the lot, and must not take others."""
    ledger.grant("gift", 1100, NOW)
    ledger.sweep(PAYMENT_ID, EXPIRY)

    assert ledger.reverse(a_reversal(amount_minor=2500), EXPIRY - timedelta(seconds=0.05)) == 0

    assert (ledger.account.wallet.balance, ledger.findings(EXPIRY)) == (1100, [])


def test_what_was_taken_before_expiry_does_not_come_back_when_a_later_refund_fails(ledger: InMemoryLedger):
    ledger.reverse(a_reversal(amount_minor=5000), NOW)
    ledger.sweep(PAYMENT_ID, EXPIRY)
    assert ledger.reverse(a_reversal(reversal_id="re_2", amount_minor=5000), EXPIRY) == 0

    failed = a_reversal(reversal_id="re_2", amount_minor=5000, status=ReversalStatus.FAILED)
    assert ledger.reverse(failed, EXPIRY) == 0
    assert ledger.findings(EXPIRY) == []


def test_what_a_refund_took_after_expiry_comes_back_when_it_fails(ledger: InMemoryLedger):
    ledger.spend(600, NOW)
    ledger.sweep(PAYMENT_ID, EXPIRY)
    ledger.reverse(a_reversal(amount_minor=5000), EXPIRY)
    ledger.reverse(a_reversal(reversal_id="re_2", amount_minor=5000), EXPIRY)

    failed = a_reversal(reversal_id="re_2", amount_minor=5000, status=ReversalStatus.FAILED)
    assert ledger.reverse(failed, EXPIRY) == 550


def test_a_refund_that_fails_late_gives_back_no_more_than_is_still_out(ledger: InMemoryLedger):
    # 33.33 of 100.00 is 366 or 367 credits, so the end of another refund may have given back part of what one took.
    in_flight = [
        a_reversal(reversal_id=f"re_{n}", amount_minor=3333, status=ReversalStatus.IN_FLIGHT) for n in range(3)
    ]
    assert [ledger.reverse(update, NOW) for update in in_flight[:2]] == [-366, -367]
    ledger.sweep(PAYMENT_ID, EXPIRY)
    assert ledger.reverse(replace(in_flight[0], status=ReversalStatus.FAILED), EXPIRY) == 367
    ledger.sweep(PAYMENT_ID, EXPIRY)
    assert ledger.reverse(in_flight[2], EXPIRY) == 0  # expiry has taken its share already

    assert ledger.reverse(replace(in_flight[1], status=ReversalStatus.FAILED), EXPIRY) == 366
    assert ledger.orders[PAYMENT_ID].clawed_back == 0
    assert ledger.findings(EXPIRY) == []


@pytest.mark.parametrize("first", [0, 1])
def test_which_of_two_equal_refunds_fails_makes_no_difference(ledger: InMemoryLedger, first: int):
    ledger.spend(600, NOW)
    ledger.sweep(PAYMENT_ID, EXPIRY)
    refunds = [a_reversal(reversal_id=f"re_{n}", amount_minor=5000) for n in range(2)]
    assert [ledger.reverse(refund, EXPIRY) for refund in refunds] == [-50, -550]

    assert ledger.reverse(replace(refunds[first], status=ReversalStatus.FAILED), EXPIRY) == 550

    assert (ledger.account.wallet.debt, ledger.orders[PAYMENT_ID].clawed_back) == (50, 50)
    assert ledger.reverse(replace(refunds[1 - first], status=ReversalStatus.FAILED), EXPIRY) == 50
    assert (ledger.account.wallet.debt, ledger.findings(EXPIRY)) == (0, [])


def test_no_more_comes_back_than_was_taken_however_the_shares_are_rounded():
    ledger = InMemoryLedger()
    ledger.buy("small", 10, 100, NOW)
    before = [a_reversal(payment_id="small", reversal_id=f"re_{n}", amount_minor=n) for n in (87, 13)]
    for refund in before:
        ledger.reverse(refund, NOW)
    assert ledger.reverse(replace(before[0], status=ReversalStatus.FAILED), NOW) == 9
    ledger.sweep("small", EXPIRY)
    assert ledger.reverse(a_reversal(payment_id="small", reversal_id="re_77", amount_minor=77), EXPIRY) == 0

    assert ledger.reverse(replace(before[1], status=ReversalStatus.FAILED), EXPIRY) == 1

    assert ledger.orders["small"].clawed_back == 0
    assert sum(lot.expired_credits for lot in ledger.account.lots) == 9
    assert (ledger.account.wallet.balance, ledger.findings(EXPIRY)) == (1, [])


def test_a_refund_after_the_expiry_takes_what_came_back_alive(ledger: InMemoryLedger):
    won = a_reversal(kind=Kind.DISPUTE, amount_minor=AMOUNT, status=ReversalStatus.NEEDS_RESPONSE)
    ledger.reverse(won, NOW)
    ledger.sweep(PAYMENT_ID, EXPIRY)
    ledger.reverse(replace(won, status=ReversalStatus.WON), EXPIRY)
    assert ledger.account.wallet.balance == 1100

    assert ledger.reverse(a_reversal(reversal_id="re_2", amount_minor=AMOUNT), EXPIRY) == -1100

    assert (ledger.account.wallet.debt, ledger.findings(EXPIRY)) == (0, [])


def test_a_refund_never_gives_credits_though_credits_that_came_back_have_expired_since(ledger: InMemoryLedger):
    full = a_reversal(reversal_id="full", amount_minor=AMOUNT)
    ledger.reverse(full, NOW)
    assert ledger.reverse(replace(full, status=ReversalStatus.FAILED), EXPIRY) == 1100
    half, little = (a_reversal(reversal_id=str(amount), amount_minor=amount) for amount in (5000, 100))
    assert ledger.reverse(half, EXPIRY) == -550
    later = EXPIRY + (EXPIRY - NOW)  # the other 550 have expired, too

    assert ledger.reverse(little, later) == 0
    assert ledger.reverse(replace(little, status=ReversalStatus.FAILED), later) == 0
    assert ledger.reverse(replace(half, status=ReversalStatus.FAILED), later) == 550
    assert ledger.findings(later) == []


def test_a_dispute_that_grows_after_the_expiry_takes_as_much_as_a_second_one(ledger: InMemoryLedger):
    dispute = a_reversal(kind=Kind.DISPUTE, amount_minor=5000, status=ReversalStatus.NEEDS_RESPONSE)
    assert ledger.reverse(dispute, NOW) == -550
    ledger.spend(300, NOW)

    # Of the other 550 credits, 250 have expired.
    assert ledger.reverse(replace(dispute, amount_minor=AMOUNT, status=ReversalStatus.LOST), EXPIRY) == -300
    assert ledger.findings(EXPIRY) == []


def test_credits_come_back_also_where_the_rounded_share_of_all_refunds_stays_the_same():
    ledger = InMemoryLedger()
    ledger.buy(PAYMENT_ID, 10, 100, NOW)
    first, second = (a_reversal(reversal_id=str(amount), amount_minor=amount) for amount in (15, 5))
    assert [ledger.reverse(refund, NOW) for refund in (first, second)] == [-1, -1]
    assert ledger.reverse(a_reversal(reversal_id="9", amount_minor=9), EXPIRY) == 0  # 29 of 100 are 2 of 10

    # As if it had never been: 1 credit is out for the first, and 9 have expired.
    assert ledger.reverse(replace(second, status=ReversalStatus.FAILED), EXPIRY) == 1
    assert ledger.findings(EXPIRY) == []


def test_what_expired_before_a_refund_of_an_older_version_is_taken_to_be_all_that_has_expired(ledger: InMemoryLedger):
    ledger.spend(300, NOW)
    late = a_reversal(amount_minor=5000, created_at=EXPIRY)
    assert ledger.reverse(late, EXPIRY) == 0
    ledger.reversals[PAYMENT_ID]["re_1"] = replace(ledger.reversals[PAYMENT_ID]["re_1"], lost_before=None)

    assert ledger.reverse(a_reversal(reversal_id="re_2", amount_minor=5000), EXPIRY) == -300
    assert ledger.findings(EXPIRY) == []


def test_a_dispute_may_be_lost_after_it_was_won_where_stripe_says_so(ledger: InMemoryLedger):
    dispute = a_reversal(kind=Kind.DISPUTE, amount_minor=AMOUNT, status=ReversalStatus.WON)
    lost = replace(dispute, status=ReversalStatus.LOST)
    ledger.reverse(dispute, NOW)
    assert payments.is_ambiguous(dispute, lost)
    assert ledger.reverse(lost, NOW) == 0

    change = payments.decide(ledger.settled_payment(PAYMENT_ID, NOW), lost, NOW, is_current=True)

    assert change
    assert (change.order_after.disputed_minor, change.order_after.clawed_back) == (AMOUNT, 1100)


def test_a_dispute_may_grow(ledger: InMemoryLedger):
    inquiry = a_reversal(kind=Kind.DISPUTE, amount_minor=2000, status=ReversalStatus.WARNING_NEEDS_RESPONSE)
    assert ledger.reverse(inquiry, NOW) == 0

    assert ledger.reverse(replace(inquiry, amount_minor=AMOUNT, status=ReversalStatus.NEEDS_RESPONSE), NOW) == -1100
    assert ledger.reversals[PAYMENT_ID]["re_1"].amount_minor == AMOUNT


@pytest.mark.parametrize(("net", "taken"), [(None, -1100), (700, -550)])
def test_a_dispute_in_another_currency_is_about_the_whole_payment(ledger: InMemoryLedger, net: int | None, taken: int):
    dispute = a_reversal(
        kind=Kind.DISPUTE, currency="USD", amount_minor=1400, net_minor=net, status=ReversalStatus.LOST
    )

    assert ledger.reverse(dispute, NOW) == taken
    assert ledger.findings(NOW) == []


def test_two_refunds_under_one_id_of_ours_both_count(ledger: InMemoryLedger):
    first = a_reversal(reversal_id="ours", stripe_id="re_1")
    ledger.reverse(first, NOW)

    assert ledger.reverse(replace(first, stripe_id="re_2"), NOW) == -275
    assert ledger.reverse(replace(first, stripe_id="re_2", status=ReversalStatus.FAILED), NOW) == 275
    assert {known.stripe_id for known in ledger.reversals[PAYMENT_ID].values()} == {"re_1", "re_2"}


def test_stripes_word_counts_more_than_our_refusal(ledger: InMemoryLedger):
    ledger.reverse(a_reversal(status=ReversalStatus.IN_FLIGHT), NOW)
    assert ledger.reverse(a_reversal(status=ReversalStatus.REFUSED), NOW) == 275

    assert ledger.reverse(a_reversal(status=ReversalStatus.SUCCEEDED), NOW) == -275


def test_credits_of_very_many_expired_lots_come_back_in_few_new_ones():
    ledger = InMemoryLedger.with_a_purchase()
    ledger.spend(1100, NOW)
    for day in range(1, 31):
        ledger.grant(f"{day:02}", 10, NOW, NOW + timedelta(days=day))
    dispute = a_reversal(kind=Kind.DISPUTE, amount_minor=AMOUNT, status=ReversalStatus.NEEDS_RESPONSE)
    assert ledger.reverse(dispute, NOW) == -1100
    later = NOW + timedelta(days=31)

    assert ledger.reverse(replace(dispute, status=ReversalStatus.WON), later) == 1100

    came_back = [lot for lot in ledger.account.lots if lot.source is Source.RESTORED]
    assert (len(came_back), sum(lot.granted for lot in came_back)) == (MOST_NEW_LOTS, 300)
    # Taken from last: those with the longest lives. The last lot has the others, and they live as long as any of them.
    lives = sorted(lot.expires_at - later for lot in came_back if lot.expires_at)
    assert lives == [timedelta(days=day) for day in range(31 - MOST_NEW_LOTS, 31)]
    assert ledger.findings(later) == []


def test_a_status_that_is_not_known_changes_nothing_but_is_kept(ledger: InMemoryLedger):
    dispute = a_reversal(kind=Kind.DISPUTE, status=ReversalStatus.NEEDS_RESPONSE)
    ledger.reverse(dispute, NOW)

    unknown = replace(dispute, status=ReversalStatus.UNKNOWN, stripe_status="mediation")
    assert ledger.reverse(unknown, NOW) == 0
    kept = ledger.reversals[PAYMENT_ID]["re_1"]
    assert (kept.status, kept.stripe_status) == (ReversalStatus.NEEDS_RESPONSE, "mediation")


def test_the_largest_refund_without_debt_is_exact():
    for spent in (1, 99, 550, 1099):
        fresh = InMemoryLedger.with_a_purchase()
        fresh.spend(spent, NOW)
        largest = refundable.largest(fresh.settled_payment(PAYMENT_ID, NOW), NOW)

        assert largest == 0 or debt_after(fresh, largest) == 0
        assert debt_after(fresh, largest + 1) > 0


@pytest.mark.parametrize("spent", [0, 4, 10])
@pytest.mark.parametrize("held", [0, 1, 6])
@pytest.mark.parametrize("extra", ["nothing", "gift", "debt", "refunded", "expired"])
def test_the_largest_refund_takes_no_credit_that_is_spent_or_held_and_a_larger_one_would(
    spent: int, held: int, extra: str
):
    """Ten credits for 1.00."""
    ledger, now = InMemoryLedger(), NOW
    ledger.buy(PAYMENT_ID, 10, 100, NOW)
    if extra == "gift":
        ledger.grant("gift", 3, NOW, NOW + timedelta(days=1))
    if extra == "refunded":
        ledger.reverse(a_reversal(reversal_id="before", amount_minor=13), NOW)
    ledger.spend(min(spent, ledger.account.wallet.balance), NOW)
    if extra == "debt":
        ledger.buy("other", 2, 100, NOW)
        ledger.spend(2, NOW)
        ledger.reverse(a_reversal(payment_id="other", reversal_id="other", amount_minor=100), NOW)
    if extra == "expired":
        now = EXPIRY
        ledger.grant("gift", 3, now)
    ledger.account.holds = [a_hold(amount=held, ends_at=now + timedelta(days=2))] if held else []
    payment = ledger.settled_payment(PAYMENT_ID, now)

    largest, refundable_minor = refundable.largest(payment, now), payment.order.refundable_minor

    assert largest in range(refundable_minor + 1)
    assert largest == 0 or not takes_more_than_is_free(payment, largest, now)
    assert largest == refundable_minor or takes_more_than_is_free(payment, largest + 1, now)


def takes_more_than_is_free(payment: SettledPayment, amount: int, now: datetime) -> bool:
    change = payments.decide(payment, a_reversal(amount_minor=amount, created_at=now), now)
    assert change
    return refundable.debt_of(change) > 0 or refundable.taken_from_holds(payment, change, now) > 0


def test_a_refund_takes_of_holds_what_it_leaves_uncovered(ledger: InMemoryLedger):
    ledger.account.holds = [a_hold(amount=900)]
    payment = ledger.settled_payment(PAYMENT_ID, NOW)

    taken = {
        amount: refundable.taken_from_holds(payment, change, NOW)
        for amount in (1, 1818, 1819, 5000)
        if (change := payments.decide(payment, a_reversal(amount_minor=amount), NOW))
    }

    assert taken == {1: 0, 1818: 0, 1819: 0, 5000: 350}


def debt_after(ledger: InMemoryLedger, amount: int) -> int:
    change = payments.decide(ledger.settled_payment(PAYMENT_ID, NOW), a_reversal(amount_minor=amount), NOW)
    assert change
    return refundable.debt_of(change)


def test_with_all_credits_there_everything_is_refundable(ledger: InMemoryLedger):
    assert refundable.largest(ledger.settled_payment(PAYMENT_ID, NOW), NOW) == AMOUNT


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("refund"), st.integers(0, 3), st.integers(1, 6000)),
        st.tuples(st.just("end_refund"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("dispute"), st.integers(0, 1), st.integers(1, 10000)),
        st.tuples(st.sampled_from(["win", "lose"]), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("spend"), st.just(0), st.integers(1, 1500)),
        st.tuples(st.just("buy"), st.integers(0, 2), st.integers(1, 900)),
        st.tuples(st.just("expire"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@examples(100)
@given(STEPS)
def test_every_history_passes_the_audit_and_when_all_reversals_end_all_credits_are_back(
    steps: list[tuple[str, int, int]],
):
    ledger, now = InMemoryLedger.with_a_purchase(), NOW
    for step, number, amount in steps:
        now = take(ledger, step, number, amount, now)
        assert ledger.findings(now) == []
    for reversal in list(ledger.reversals[PAYMENT_ID].values()):
        end = ReversalStatus.FAILED if reversal.kind is Kind.REFUND else ReversalStatus.WON
        ledger.reverse(replace(reversal, status=end), now)
        assert ledger.findings(now) == []
    order = ledger.orders[PAYMENT_ID]
    assert (order.clawed_back, order.reversed_minor) == (0, 0)


def take(ledger: InMemoryLedger, step: str, number: int, amount: int, now: datetime) -> datetime:
    """Take one step of a history; the time after it."""
    known, refund, dispute, other = ledger.reversals[PAYMENT_ID], f"re_{number}", f"dp_{number}", f"other-{number}"
    if step == "refund" and amount <= ledger.orders[PAYMENT_ID].refundable_minor and refund not in known:
        ledger.reverse(a_reversal(reversal_id=refund, amount_minor=amount), now)
    elif step == "end_refund" and refund in known:
        ledger.reverse(replace(known[refund], status=ReversalStatus.FAILED), now)
    elif step == "dispute" and dispute not in known:
        update = a_reversal(
            kind=Kind.DISPUTE, reversal_id=dispute, amount_minor=amount, status=ReversalStatus.NEEDS_RESPONSE
        )
        ledger.reverse(update, now)
    elif step in ("win", "lose") and dispute in known:
        status = ReversalStatus.WON if step == "win" else ReversalStatus.LOST
        ledger.reverse(replace(known[dispute], status=status), now)
    elif step == "spend":
        with contextlib.suppress(InsufficientCredits):
            ledger.spend(amount, now)
    elif step == "buy" and other not in ledger.orders:
        ledger.buy(other, amount, AMOUNT, now, LONG_AFTER)
    elif step == "expire":
        now = EXPIRY
        sweep_all(ledger, now)
    return now


def test_every_status_has_a_rank():
    assert set(RANK) == set(ReversalStatus)
