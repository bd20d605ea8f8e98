"""What an update of a refund or a dispute changes: the order, the reversal, the claw-back and the ledger entry."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.in_process.environment import NOW
from tests.support.builders import PAYMENT_ID, a_lot, a_wallet, an_order
from topup.domain import payments
from topup.domain.credits import STRIPE, Cause, TransactionType
from topup.domain.lots import Lot
from topup.domain.orders import Order, Status
from topup.domain.payments import SettledPayment
from topup.domain.reversals import Kind, Reversal, ReversalStatus
from topup.domain.takings import Clawback, Taking

EXPIRY = NOW.replace(month=9)
PAID = an_order(status=Status.SUCCEEDED, paid_at=NOW, paid_minor=10_000)


def a_reversal(**changes: Any) -> Reversal:
    """A refund of a quarter of the money, which an administrator began."""
    reversal = Reversal(
        kind=Kind.REFUND,
        reversal_id="re_1",
        payment_id=PAYMENT_ID,
        amount_minor=2500,
        status=ReversalStatus.SUCCEEDED,
        created_at=NOW,
        reason="asked for",
        requested_by="a",
    )
    return replace(reversal, **changes)


def a_settled(order: Order = PAID, *reversals: Reversal, lot: Lot | None = None, **changes: Any) -> SettledPayment:
    own = lot or a_lot()
    known = SettledPayment(
        order=order,
        reversals=reversals,
        wallet=a_wallet(balance=1100, last_entry=1),
        lots=[own],
        own_lots=[own],
        out=Clawback(payment_id=PAYMENT_ID, reversed_minor=0),
    )
    return replace(known, **changes)


def test_a_refund_changes_the_order_the_claw_back_and_the_ledger():
    payment, refund = a_settled(), a_reversal()

    change = payments.decide(payment, refund, NOW)

    assert change
    assert (change.before, change.order_before) == (None, PAID)
    assert change.after == replace(refund, clawed_back=275, live_minor=2500)
    assert change.order_after == replace(PAID, refunded_minor=2500, clawed_back=275, reversal_changes=1)
    assert change.credits
    assert change.credits.clawback == Clawback(
        payment_id=PAYMENT_ID,
        takings=(Taking(lot_id=PAYMENT_ID, expires_at=EXPIRY, credits=275, life=EXPIRY - NOW),),
        reversed_minor=2500,
    )
    assert change.credits.entry.amount == -275
    assert change.credits.entry.cause == Cause(
        transaction_type=TransactionType.REFUNDED,
        actor="admin:a",
        description="Refund: 标准包",
        reason="asked for",
        payment_id=PAYMENT_ID,
        package="standard",
        money_minor=-2500,
        currency="CNY",
    )


OUT = Clawback(
    payment_id=PAYMENT_ID,
    takings=(Taking(lot_id=PAYMENT_ID, expires_at=EXPIRY, credits=275, life=EXPIRY - NOW),),
    reversed_minor=2500,
)
KNOWN = a_reversal(clawed_back=275, live_minor=2500)
REFUNDED = replace(PAID, refunded_minor=2500, clawed_back=275, reversal_changes=1)


def test_a_refund_that_fails_gives_the_credits_back():
    payment = a_settled(REFUNDED, KNOWN, lot=a_lot(remaining=825), out=OUT)

    change = payments.decide(payment, a_reversal(status=ReversalStatus.FAILED), NOW)

    assert change
    assert change.before == KNOWN
    assert change.after == replace(KNOWN, status=ReversalStatus.FAILED, clawed_back=0, live_minor=0)
    assert change.order_after == replace(PAID, reversal_changes=2)
    assert change.credits
    assert change.credits.clawback == Clawback(payment_id=PAYMENT_ID, reversed_minor=0)
    cause = change.credits.entry.cause
    assert (cause.transaction_type, cause.actor, cause.money_minor) == (TransactionType.REFUND_REVERSED, STRIPE, 2500)
    assert cause.description == "Refund failed: 标准包"


def test_a_refund_that_came_to_nothing_has_taken_nothing_however_its_share_was_rounded():
    payment = a_settled(REFUNDED, replace(KNOWN, clawed_back=276), lot=a_lot(remaining=825), out=OUT)

    change = payments.decide(payment, a_reversal(status=ReversalStatus.FAILED), NOW)

    assert change
    assert change.after.clawed_back == 0


@pytest.mark.parametrize(
    ("status", "why", "what"),
    [
        (ReversalStatus.NEEDS_RESPONSE, TransactionType.DISPUTED, "Dispute"),
        (ReversalStatus.WON, TransactionType.DISPUTE_REVERSED, "Dispute won"),
    ],
)
def test_a_dispute_says_in_the_ledger_what_it_is(status: ReversalStatus, why: TransactionType, what: str):
    dispute = a_reversal(kind=Kind.DISPUTE, requested_by=None, status=ReversalStatus.NEEDS_RESPONSE)
    disputed = replace(PAID, disputed_minor=2500, clawed_back=275, reversal_changes=1)
    is_won = status is ReversalStatus.WON
    payment = (
        a_settled(disputed, replace(dispute, live_minor=2500, clawed_back=275), out=OUT) if is_won else a_settled()
    )

    change = payments.decide(payment, replace(dispute, status=status), NOW)

    assert change
    assert change.credits
    cause = change.credits.entry.cause
    assert (cause.transaction_type, cause.actor, cause.description) == (why, STRIPE, f"{what}: 标准包")
    assert change.order_after.disputed_minor == (0 if is_won else 2500)
    assert (change.order_after.refunded_minor, change.order_after.reversal_changes) == (0, 2 if is_won else 1)


def test_money_that_moves_without_credits_has_an_entry_of_its_own():
    """A refund of so little that no credit is due."""
    change = payments.decide(a_settled(), a_reversal(amount_minor=9), NOW)

    assert change
    assert change.credits
    assert (change.credits.entry.amount, change.credits.entry.cause.money_minor) == (0, -9)
    assert change.credits.clawback == Clawback(payment_id=PAYMENT_ID, reversed_minor=9)
    assert (change.after.clawed_back, change.order_after.refunded_minor) == (0, 9)


def test_a_first_credit_for_the_last_cent_of_it():
    """Of 1100 credits for 100.00, one is due for ten cents."""
    change = payments.decide(a_settled(), a_reversal(amount_minor=10), NOW)

    assert change
    assert change.credits
    assert change.credits.entry.amount == -1


def test_what_has_grown_after_the_expiry_keeps_what_was_reversed_before():
    """A dispute of a quarter while the lot lived: it grows to the whole after 825 credits have expired."""
    dispute = a_reversal(kind=Kind.DISPUTE, status=ReversalStatus.NEEDS_RESPONSE, live_minor=2500, clawed_back=275)
    expired = a_lot(remaining=0, expired_credits=825)
    disputed = replace(PAID, disputed_minor=2500, clawed_back=275, reversal_changes=1)
    payment = a_settled(disputed, dispute, lot=expired, lots=[], out=OUT)
    lost = replace(dispute, amount_minor=10_000, status=ReversalStatus.LOST)

    change = payments.decide(payment, lost, EXPIRY)

    assert change
    assert (change.after.live_minor, change.after.lost_before, change.after.clawed_back) == (2500, 825, 275)
    assert change.order_after.clawed_back == 275


def test_what_only_gets_another_status_after_the_expiry_keeps_its_figures():
    known = a_reversal(status=ReversalStatus.PENDING, live_minor=1500, lost_before=40, clawed_back=200)
    payment = a_settled(REFUNDED, known, lot=a_lot(remaining=0, expired_credits=825), lots=[], out=OUT)

    change = payments.decide(payment, a_reversal(), EXPIRY)

    assert change
    assert change.after == replace(known, status=ReversalStatus.SUCCEEDED)
    assert (change.credits, change.order_after) == (None, REFUNDED)


def test_what_an_older_table_hears_again_reversed_its_money_while_the_lot_lived():
    """The orders table is an older copy: the claw-back is known to the credits alone."""
    payment = a_settled(PAID, lot=a_lot(remaining=0, expired_credits=825), lots=[], out=OUT)

    change = payments.decide(payment, a_reversal(), EXPIRY)

    assert change
    assert (change.after.live_minor, change.after.lost_before) == (2500, 825)
    assert (change.credits, change.order_after.clawed_back) == (None, 275)


@pytest.mark.parametrize(
    ("expired_credits", "now", "live"),
    [(0, NOW, 2500), (0, EXPIRY, 0), (5, NOW, 0)],  # swept, while this update was tried again
)
def test_a_reversal_says_how_much_it_reversed_while_the_lot_lived(expired_credits: int, now: Any, live: int):
    payment = a_settled(lot=a_lot(expired_credits=expired_credits))

    change = payments.decide(payment, a_reversal(created_at=now), now)

    assert change
    assert change.after.live_minor == live


A_DISPUTE = a_reversal(kind=Kind.DISPUTE, status=ReversalStatus.NEEDS_RESPONSE, requested_by=None)
UNKNOWN, LOST = ReversalStatus.UNKNOWN, ReversalStatus.LOST


@pytest.mark.parametrize(
    ("before", "update", "is_ambiguous"),
    [
        (KNOWN, a_reversal(status=ReversalStatus.FAILED), False),
        (KNOWN, a_reversal(amount_minor=1), False),
        (None, A_DISPUTE, False),
        (None, replace(A_DISPUTE, status=LOST), True),
        (A_DISPUTE, replace(A_DISPUTE, status=ReversalStatus.UNDER_REVIEW), False),
        (A_DISPUTE, replace(A_DISPUTE, status=LOST), True),
        (replace(A_DISPUTE, status=LOST), replace(A_DISPUTE, status=ReversalStatus.UNDER_REVIEW), True),
        (A_DISPUTE, A_DISPUTE, False),
        (replace(A_DISPUTE, status=LOST), replace(A_DISPUTE, status=LOST), False),
        (A_DISPUTE, replace(A_DISPUTE, amount_minor=1), True),
        (A_DISPUTE, replace(A_DISPUTE, net_minor=1), True),
        (replace(A_DISPUTE, stripe_status="mediation"), replace(A_DISPUTE, status=ReversalStatus.UNDER_REVIEW), True),
        (None, replace(A_DISPUTE, status=UNKNOWN), False),
        (None, replace(A_DISPUTE, status=UNKNOWN, net_minor=1), False),
        (A_DISPUTE, replace(A_DISPUTE, status=UNKNOWN), False),
        (A_DISPUTE, replace(A_DISPUTE, status=UNKNOWN, net_minor=2500), False),
        (A_DISPUTE, replace(A_DISPUTE, status=UNKNOWN, net_minor=1), True),
    ],
)
def test_only_stripe_can_say_whether_a_disputes_update_is_news(
    before: Reversal | None, update: Reversal, is_ambiguous: bool
):
    assert payments.is_ambiguous(before, update) is is_ambiguous


@pytest.mark.parametrize(
    ("payment", "update", "is_unheard"),
    [
        (a_settled(PAID, out=OUT), a_reversal(status=ReversalStatus.FAILED), True),
        (a_settled(PAID, out=replace(OUT, reversed_minor=1)), a_reversal(status=ReversalStatus.FAILED), True),
        (a_settled(PAID, out=OUT), a_reversal(), False),
        (a_settled(PAID, out=OUT), a_reversal(amount_minor=1), False),
        (a_settled(PAID, KNOWN, out=OUT), a_reversal(status=ReversalStatus.FAILED), False),
        (a_settled(REFUNDED, out=OUT), a_reversal(status=ReversalStatus.FAILED), False),
        (a_settled(replace(PAID, disputed_minor=2500), out=OUT), a_reversal(status=ReversalStatus.FAILED), False),
        (a_settled(replace(PAID, disputed_minor=2499), out=OUT), a_reversal(status=ReversalStatus.FAILED), True),
        (a_settled(out=replace(OUT, reversed_minor=None)), a_reversal(status=ReversalStatus.FAILED), False),
    ],
)
def test_an_end_is_unheard_of_where_the_ledger_has_more_money_out_than_the_order(
    payment: SettledPayment, update: Reversal, is_unheard: bool
):
    assert payments.is_unheard_end(payment, update) is is_unheard


def test_an_end_that_was_unheard_of_gives_back_what_the_ledger_has_out():
    payment = a_settled(PAID, lot=a_lot(remaining=825), out=OUT)

    change = payments.decide(payment, a_reversal(status=ReversalStatus.FAILED), NOW)

    assert change
    assert change.credits
    assert (change.credits.entry.amount, change.credits.entry.cause.money_minor) == (275, 2500)
    assert (change.after.clawed_back, change.order_after.clawed_back) == (0, 0)


def test_what_changes_neither_money_nor_credits_needs_no_reading():
    before = replace(KNOWN, status=ReversalStatus.PENDING)

    change = payments.confirm(REFUNDED, before, a_reversal())

    assert change
    assert (change.before, change.after, change.credits) == (before, KNOWN, None)
    assert change.order_before == change.order_after == REFUNDED
    assert payments.confirm(REFUNDED, before, a_reversal(status=ReversalStatus.FAILED)) is None
    assert payments.confirm(REFUNDED, KNOWN, a_reversal()) is None


@pytest.mark.parametrize(
    ("known", "update", "found", "under"),
    [
        ({"stripe_id": None}, {"stripe_id": None}, True, "re_1"),
        ({"stripe_id": None}, {"stripe_id": "re_s"}, True, "re_1"),
        ({"stripe_id": "re_s"}, {"stripe_id": "re_s", "reversal_id": "re_s"}, True, "re_1"),
        ({"stripe_id": "re_s"}, {"stripe_id": None}, True, "re_1"),
        ({"stripe_id": "re_s"}, {"stripe_id": "re_other"}, False, "re_other"),
        ({"stripe_id": None}, {"stripe_id": None, "reversal_id": "re_2"}, False, "re_2"),
        ({"stripe_id": "re_s"}, {"stripe_id": "re_t", "reversal_id": "re_2"}, False, "re_2"),
    ],
)
def test_an_update_is_about_the_reversal_of_its_id_at_stripe_or_else_of_ours(
    known: dict[str, Any], update: dict[str, Any], found: bool, under: str
):
    before = a_reversal(**known)

    matched, named = payments.matched(PAID, [before], a_reversal(**update))

    assert (matched, named.reversal_id) == (before if found else None, under)


@pytest.mark.parametrize(
    ("amount", "net", "counted"), [(1400, None, 10_000), (1400, 700, 5000), (1400, 2000, 10_000), (1, 1, 10_000)]
)
def test_money_in_another_currency_counts_as_its_share_of_the_payment(amount: int, net: int | None, counted: int):
    dispute = replace(A_DISPUTE, currency="USD", amount_minor=amount, net_minor=net)

    _, named = payments.matched(PAID, [], dispute)

    assert (named.reversed_minor, named.currency) == (counted, "USD")
    assert payments.matched(PAID, [], replace(A_DISPUTE, currency="CNY"))[1].currency is None


@pytest.mark.parametrize(("net", "is_current", "counted"), [(700, True, 700), (700, False, 2500), (None, True, 2500)])
def test_a_word_that_is_not_known_is_kept_and_its_money_counts_where_it_is_no_late_one(
    net: int | None, is_current: bool, counted: int
):
    known = replace(A_DISPUTE, net_minor=2500, stripe_id="dp_1", live_minor=2500, clawed_back=275)
    disputed = replace(PAID, disputed_minor=2500, clawed_back=275, reversal_changes=1)
    payment = a_settled(disputed, known, lot=a_lot(remaining=825), out=OUT)
    update = replace(A_DISPUTE, status=UNKNOWN, stripe_status="mediation", net_minor=net, stripe_id="dp_1")

    change = payments.decide(payment, update, NOW, is_current=is_current)

    assert change
    after = change.after
    assert (after.status, after.stripe_status, after.stripe_id) == (A_DISPUTE.status, "mediation", "dp_1")
    assert (after.net_minor, change.order_after.disputed_minor) == (counted, counted)


def test_a_word_that_is_not_known_changes_no_money_that_the_bank_names_in_its_own_currency():
    _, known = payments.matched(PAID, [], replace(A_DISPUTE, currency="USD", stripe_id="dp_1"))
    unknown = replace(A_DISPUTE, currency="USD", stripe_id="dp_1", status=UNKNOWN, stripe_status="mediation")

    before, update = payments.matched(PAID, [known], unknown)

    assert known.reversed_minor == PAID.charged_minor
    assert not payments.is_ambiguous(before, update)
    change = payments.decide(a_settled(replace(PAID, disputed_minor=10_000), known), unknown, NOW)
    assert change
    assert change.after.reversed_minor == PAID.charged_minor


def test_an_update_of_a_higher_rank_brings_all_that_stripe_says_and_one_of_the_same_rank_nothing():
    known = replace(A_DISPUTE, currency="USD", net_minor=1, stripe_status="mediation", stripe_id="dp_1")
    update = replace(A_DISPUTE, status=LOST, amount_minor=3000, net_minor=3000, stripe_id=None, reason="other")
    payment = a_settled(replace(PAID, disputed_minor=1), known)

    change = payments.decide(payment, update, NOW)

    assert change
    taken_over = replace(known, status=LOST, amount_minor=3000, currency=None, net_minor=3000, stripe_status=None)
    assert change.after == replace(taken_over, live_minor=3000, clawed_back=330)
    assert payments.decide(a_settled(PAID, A_DISPUTE), replace(A_DISPUTE, amount_minor=9), NOW) is None


def test_credits_come_back_from_where_the_lot_has_gone_for_as_long_as_it_lived_when_it_was_paid():
    """What an earlier version had made the user owe was paid without its name."""
    owing = Clawback(payment_id=PAYMENT_ID, owed=275, reversed_minor=2500)
    payment = a_settled(REFUNDED, KNOWN, lot=a_lot(remaining=0), lots=[], out=owing)

    change = payments.decide(payment, a_reversal(status=ReversalStatus.FAILED), NOW + timedelta(days=1))

    assert change
    assert change.credits
    [lot] = change.credits.new_lots
    assert (lot.granted, lot.expires_at) == (275, EXPIRY + timedelta(days=1))


def test_the_least_refund_after_the_expiry_says_what_had_expired_before():
    payment = a_settled(lot=a_lot(remaining=0, expired_credits=1100), lots=[])

    change = payments.decide(payment, a_reversal(amount_minor=1), EXPIRY)

    assert change
    assert (change.after.live_minor, change.after.lost_before) == (0, 1100)


def test_what_an_earlier_version_recorded_after_the_expiry_reversed_nothing_before():
    dispute = a_reversal(kind=Kind.DISPUTE, status=ReversalStatus.NEEDS_RESPONSE, created_at=EXPIRY)
    disputed = replace(PAID, disputed_minor=2500, reversal_changes=1)
    payment = a_settled(disputed, dispute, lot=a_lot(remaining=0, expired_credits=1100), lots=[])

    change = payments.decide(payment, replace(dispute, amount_minor=10_000, status=LOST), EXPIRY)

    assert change
    assert (change.after.live_minor, change.after.lost_before) == (0, 1100)


def test_a_settled_payment_finds_its_reversals_by_their_ids():
    payment = a_settled(PAID, KNOWN)

    assert payment.find("re_1") == KNOWN
    assert payment.find("re_2") is None
