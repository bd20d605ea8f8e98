import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import (
    INTENT_ID,
    ORIGIN,
    PAYMENT_ID,
    SESSION_ID,
    a_lot,
    a_package,
    a_payment,
    a_release,
    a_wallet,
    an_order,
)
from topup.domain import order_updates, placing
from topup.domain.credits import Cause, TransactionType
from topup.domain.errors import Busy, IdempotencyConflict
from topup.domain.orders import Advance, Change, FraudWarning, Order, ReleaseAction, Settlement, Status
from topup.domain.updates import (
    CheckoutExpired,
    PaymentDeclined,
    PaymentFailed,
    PaymentProcessing,
    PaymentReceived,
    PaymentReleased,
    PaymentSuspected,
    PaymentUpdate,
)
from topup.domain.wording import PayPage

ABOUT: dict[str, Any] = {
    "payment_id": PAYMENT_ID,
    "user_id": USER_ID,
    "livemode": False,
    "session_id": SESSION_ID,
    "transaction_id": INTENT_ID,
}
PROCESSING = PaymentProcessing(**ABOUT)
DECLINED = PaymentDeclined(**ABOUT, reason="Your card was declined.", code="generic_decline")
FAILED = PaymentFailed(**ABOUT)
EXPIRED = CheckoutExpired(**ABOUT)
RECEIVED = a_payment()


def decide(order: Order, update: PaymentUpdate) -> Change | None:
    return order_updates.decide(order, a_wallet(), update, NOW, expire_after_months=6)


def after(order: Order, *updates: PaymentUpdate) -> Order:
    """The order after these updates, one after the other."""
    for update in updates:
        change = decide(order, update)
        order = change.after if change else order
    return order


def test_a_paid_order_grants_its_frozen_credits():
    change = decide(an_order(credits_purchased=777), RECEIVED)

    assert isinstance(change, Settlement)
    assert change.grant.new_lot
    assert change.grant.entry.amount == change.grant.new_lot.granted == 777
    assert (change.after.status, change.after.paid_at, change.after.transaction_id) == ("succeeded", NOW, INTENT_ID)


def test_the_entry_and_the_lot_of_a_paid_order_name_it_its_package_and_its_money():
    """The lot expires on a whole second."""
    order, now = an_order(), NOW + timedelta(milliseconds=5)

    change = order_updates.decide(order, a_wallet(), RECEIVED, now, expire_after_months=6)

    assert isinstance(change, Settlement)
    assert (change.before, change.grant.new_lot) == (order, a_lot())
    assert change.after.credits_expire_at == a_lot().expires_at
    assert change.grant.entry.cause == Cause(
        transaction_type=TransactionType.PURCHASED,
        actor="stripe",
        description="Package 标准包",
        payment_id=PAYMENT_ID,
        package="standard",
        money_minor=10_000,
        currency="CNY",
    )


def test_an_order_that_granted_before_its_table_was_put_back_grants_nothing():
    settlement = decide(an_order(), RECEIVED)
    assert settlement

    advance = order_updates.granted_before(replace(settlement, after=replace(settlement.after, credits_to_debt=9)), NOW)

    assert advance.before == an_order()
    assert advance.after == replace(settlement.after, credits_expire_at=NOW, credits_to_debt=0)


@pytest.mark.parametrize(
    "opened",
    ["https://checkout.stripe.com/c/pay/cs_1#fidkdWxOYHwn#", "https://checkout.stripe.com/c/pay/cs_1", None],
)
def test_a_settled_order_keeps_of_its_pages_address_what_names_the_session(opened: str | None):
    order = an_order(payment_url=opened)

    assert after(order, DECLINED, PROCESSING).payment_url == opened
    assert after(order, RECEIVED).payment_url == (opened and "https://checkout.stripe.com/c/pay/cs_1")


def test_a_settled_order_grants_nothing_more():
    assert decide(after(an_order(), RECEIVED), RECEIVED) is None


@pytest.mark.parametrize("status", [one for one in Status if one not in (Status.SUCCEEDED, Status.UNKNOWN)])
def test_a_payment_settles_an_order_of_every_other_status(status: Status):
    assert isinstance(decide(an_order(status=status, error_message="no"), RECEIVED), Settlement)


@pytest.mark.parametrize("late", [PROCESSING, DECLINED, FAILED, EXPIRED])
def test_a_late_update_does_not_undo_a_payment(late: PaymentUpdate):
    settled = after(an_order(), RECEIVED)

    assert decide(settled, late) is None


@pytest.mark.parametrize(
    ("update", "status"),
    [(PROCESSING, "processing"), (DECLINED, "declined"), (FAILED, "failed"), (EXPIRED, "expired")],
)
def test_a_pending_order_takes_the_status_of_its_update(update: PaymentUpdate, status: str):
    change = decide(an_order(), update)

    assert isinstance(change, Advance)
    assert change.after.status == status


def test_a_declined_order_may_still_be_paid_by_a_delayed_method_or_end_with_its_session():
    declined = after(an_order(), DECLINED)

    assert after(declined, PROCESSING).status == "processing"
    assert after(declined, EXPIRED).status == "failed"
    ended = after(declined, EXPIRED)
    assert (ended.error_message, ended.error_code) == (DECLINED.reason, DECLINED.code)


def test_a_processing_order_is_not_ended_by_a_declined_attempt_or_an_expired_session():
    processing = after(an_order(), PROCESSING)

    assert after(processing, DECLINED).status == "processing"
    assert decide(processing, EXPIRED) is None


@pytest.mark.parametrize("order_of_arrival", list(itertools.permutations([PROCESSING, DECLINED, FAILED])))
def test_the_failure_of_a_delayed_method_is_final_and_keeps_the_reason_in_any_order_of_arrival(
    order_of_arrival: tuple[PaymentUpdate, ...],
):
    failed = after(an_order(), *order_of_arrival)

    assert (failed.status, failed.error_message, failed.error_code) == ("failed", DECLINED.reason, DECLINED.code)


@pytest.mark.parametrize("update", [PROCESSING, DECLINED, FAILED, EXPIRED])
def test_an_order_keeps_the_first_payment_intent_that_it_hears_of(update: PaymentUpdate):
    assert after(an_order(), update).transaction_id == INTENT_ID
    assert after(an_order(transaction_id="pi_before"), update).transaction_id == "pi_before"


def test_a_failure_that_names_its_reason_replaces_the_reason_of_an_earlier_one():
    failed = after(an_order(), DECLINED, PaymentFailed(**ABOUT, reason="It was cancelled."))

    assert (failed.error_message, failed.error_code) == ("It was cancelled.", None)


def test_a_paid_order_names_no_failure():
    paid = after(an_order(), DECLINED, RECEIVED)

    assert (paid.error_message, paid.error_code) == (None, None)


@pytest.mark.parametrize(("debt", "to_debt"), [(0, 0), (300, 300), (1100, 1100), (5000, 1100)])
def test_a_paid_order_remembers_how_many_of_its_credits_paid_what_was_owed(debt: int, to_debt: int):
    wallet = a_wallet(balance=-debt, debt=debt)

    change = order_updates.decide(an_order(), wallet, RECEIVED, NOW, expire_after_months=6)

    assert isinstance(change, Settlement)
    assert change.after.credits_to_debt == to_debt


def test_a_paid_order_succeeds_in_any_order_of_arrival():
    for arrival in itertools.permutations([PROCESSING, DECLINED, FAILED, EXPIRED, RECEIVED]):
        assert after(an_order(), *arrival).status == "succeeded"


def test_no_update_moves_an_order_to_a_lower_rank():
    known = [status for status in Status if status is not Status.UNKNOWN]
    for status, update in itertools.product(known, [PROCESSING, DECLINED, FAILED, EXPIRED, RECEIVED]):
        moved = after(an_order(status=status), update).status
        assert moved is status or order_updates.RANK[moved] > order_updates.RANK[status]


@pytest.mark.parametrize("update", [PROCESSING, DECLINED, FAILED, EXPIRED])
def test_the_same_update_changes_nothing_the_second_time(update: PaymentUpdate):
    assert decide(after(an_order(), update), update) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount_minor": 9999},
        {"currency": "USD"},
        {"livemode": True},
        {"session_id": "cs_test_other"},
        {"session_id": "cs_test_other", "attempt": 1},
        {"reference": "00000000-0000-0000-0000-000000000000"},
    ],
)
def test_a_payment_unlike_the_frozen_order_is_quarantined(wrong: dict[str, Any]):
    change = decide(an_order(), a_payment(**wrong))

    assert isinstance(change, Advance)
    assert change.after.quarantine_reason
    assert change.after.status == "pending"


@pytest.mark.parametrize(
    ("order", "payment", "reason"),
    [
        (
            an_order(attempt=2),
            a_payment(
                amount_minor=9999, currency="USD", livemode=True, attempt=1, session_id="cs_other", reference="other"
            ),
            (
                "amount_minor: paid 9999, ordered 10000; currency: paid USD, ordered CNY; livemode: paid True, ordered"
                f" False; attempt: paid 1, ordered 2; session: paid cs_other, ordered {SESSION_ID}; order: paid other,"
                f" ordered {PAYMENT_ID}"
            ),
        ),
        (
            an_order(),
            a_payment(subtotal_minor=9000, discount_minor=1000, tax_minor=100, amount_minor=8200),
            "subtotal_minor: paid 9000, ordered 10000; amount_minor: paid 8200, ordered 8100",
        ),
        (
            an_order(status=Status.SUCCEEDED, transaction_id=INTENT_ID),
            a_payment(transaction_id="pi_other"),
            f"payment intent: paid pi_other, ordered {INTENT_ID}",
        ),
    ],
)
def test_the_reason_of_a_quarantine_names_all_that_differs(order: Order, payment: PaymentReceived, reason: str):
    assert order_updates.mismatch(order, payment) == reason


def test_a_payment_that_names_less_than_the_order_knows_is_the_orders():
    by_intent = a_payment(session_id=None, reference=None, attempt=None)

    assert order_updates.mismatch(an_order(transaction_id="pi_of_a_failed_attempt"), by_intent) is None


def test_reconcile_looks_soon_at_the_first_refused_payment_and_not_sooner_at_more_of_them():
    later = NOW + timedelta(hours=1)
    refused = a_payment(amount_minor=1, transaction_id="pi_other")

    assert after(an_order(next_look_at=later), refused).next_look_at is None
    assert after(an_order(next_look_at=later, quarantine_reason="unknown"), refused).next_look_at == later


def test_a_quarantined_order_is_still_fulfilled_by_its_own_payment():
    quarantined = after(an_order(), a_payment(amount_minor=1, transaction_id="pi_other"))

    assert isinstance(decide(quarantined, RECEIVED), Settlement)


def test_a_quarantined_payment_stays_quarantined_when_it_is_reported_again_without_its_session():
    quarantined = after(an_order(), a_payment(session_id="cs_test_other", transaction_id="pi_other"))

    assert decide(quarantined, a_payment(session_id=None, reference=None, transaction_id="pi_other")) is None


@pytest.mark.parametrize("update", [PROCESSING, DECLINED, FAILED, EXPIRED])
def test_an_update_of_an_earlier_session_changes_nothing(update: PaymentUpdate):
    order = an_order(provider_order_id="cs_test_the_second_attempt")

    assert decide(order, update) is None


def test_an_order_freezes_the_package_as_it_is_sold_now():
    page = PayPage("zh", "a product", "zh")

    placed = placing.place(
        a_package(valid_months=3),
        payment_id=PAYMENT_ID,
        user_id=USER_ID,
        return_url=ORIGIN,
        request_fingerprint="fingerprint",
        livemode=True,
        now=NOW,
        page=page,
    )

    assert placed == an_order(
        package_names={"en": "Standard"},
        livemode=True,
        page=page,
        valid_months=3,
        provider_order_id=None,
        payment_url=None,
    )


@pytest.mark.parametrize(("was_live", "mode"), [(True, "live"), (False, "test")])
def test_a_key_of_one_mode_of_stripe_is_refused_in_the_other(was_live: bool, mode: str):
    order = an_order(livemode=was_live)

    placing.check_same_mode(order, livemode=was_live)
    with pytest.raises(IdempotencyConflict, match=f"in Stripe's {mode} mode"):
        placing.check_same_mode(order, livemode=not was_live)


def test_an_order_that_is_opened_again_names_no_failure_and_is_looked_at_soon():
    failed = an_order(status=Status.FAILED, error_message="no", error_code="declined", next_look_at=NOW)
    later = NOW + timedelta(hours=26)

    assert placing.reopened(failed, later) == an_order(attempt=2, opened_at=later)


def test_an_order_whose_checkout_ended_unseen_gets_another_attempt():
    ended = after(an_order(provider_order_id=None, payment_url=None), EXPIRED)
    later = NOW + timedelta(hours=26)

    reopened = placing.reopened(ended, later)

    assert (reopened.status, reopened.attempt, reopened.is_unfinished) == ("pending", 2, True)
    assert (ended.open_since, reopened.open_since, reopened.created_at) == (NOW, later, NOW)


@pytest.mark.parametrize("update", [PROCESSING, DECLINED, FAILED, EXPIRED])
@pytest.mark.parametrize("session", [None, SESSION_ID])
def test_an_update_of_another_attempt_changes_nothing(update: PaymentUpdate, session: str | None):
    order = an_order(attempt=2, provider_order_id=session)

    assert decide(order, replace(update, attempt=1)) is None
    assert decide(order, replace(update, attempt=2)) is not None


@pytest.mark.parametrize("first", ["session", "intent"])
def test_a_payment_of_another_attempt_is_quarantined_whichever_event_comes_first(first: str):
    by_session = a_payment(session_id="cs_test_other", attempt=1)
    by_intent = a_payment(session_id=None, reference=None, attempt=1)
    events = [by_session, by_intent] if first == "session" else [by_intent, by_session]

    order = after(an_order(attempt=2), *events)

    assert (order.status, order.is_settled) == ("pending", False)
    assert "attempt: paid 1, ordered 2" in str(order.quarantine_reason)


@pytest.mark.parametrize("session", [None, "cs_test_of_the_first_attempt"])
@pytest.mark.parametrize("paid", ["cs_test_of_the_second_attempt", None])
def test_a_payment_of_an_attempt_that_a_restored_order_does_not_know_settles_it(session: str | None, paid: str | None):
    """Each attempt is stored before its session is opened: only an older copy of the order can be behind."""
    order = an_order(attempt=1, provider_order_id=session)

    settled = after(order, a_payment(attempt=2, session_id=paid))

    assert (settled.status, settled.attempt, settled.provider_order_id) == ("succeeded", 2, paid)


@pytest.mark.parametrize("attempt", [None, 2])
def test_a_payment_of_the_orders_attempt_or_of_an_older_version_settles_it(attempt: int | None):
    assert isinstance(decide(an_order(attempt=2), a_payment(attempt=attempt)), Settlement)


@pytest.mark.parametrize("update", [PROCESSING, DECLINED, FAILED, EXPIRED, RECEIVED])
def test_an_order_whose_status_is_not_known_is_left_to_the_version_that_knows_it(update: PaymentUpdate):
    with pytest.raises(Busy):
        decide(an_order(status=Status.UNKNOWN), update)


WARNING = FraudWarning(warning_id="issfr_1", fraud_type="stolen_card", created_at=NOW)
SUSPECTED = PaymentSuspected(**ABOUT, warning=WARNING, is_actionable=True)


@pytest.mark.parametrize("intent", [None, INTENT_ID])
def test_an_order_keeps_the_first_warning_of_its_payment(intent: str | None):
    order = an_order(transaction_id=intent)

    warned = after(order, SUSPECTED)

    assert warned == replace(order, fraud_warning=WARNING)
    assert decide(warned, replace(SUSPECTED, warning=replace(WARNING, warning_id="issfr_2"))) is None


def test_a_warning_of_another_payment_is_not_the_orders():
    assert decide(an_order(transaction_id="pi_other"), SUSPECTED) is None


def test_an_order_without_a_session_is_abandoned_unless_somebody_has_tried_to_open_one_since():
    order = an_order(provider_order_id=None, payment_url=None, attempt=2, opened_at=NOW)
    update = order_updates.abandoned(order)

    assert after(order, update).status == "expired"
    tried: list[dict[str, Any]] = [
        {"attempt": 3},
        {"opened_at": NOW + timedelta(seconds=1)},
        {"provider_order_id": "cs"},
    ]
    assert [decide(replace(order, **changes), update) for changes in tried] == [None, None, None]


def test_a_session_for_nothing_settles_its_order_once():
    free = a_payment(amount_minor=0, subtotal_minor=10_000, discount_minor=10_000, transaction_id=None)

    settled = after(an_order(), free)

    assert (settled.status, settled.charged_minor, settled.transaction_id) == ("succeeded", 0, None)
    assert decide(settled, free) is None


FULFILLED = a_release("pi_refused", action=ReleaseAction.FULFIL)
RELEASED = PaymentReleased(
    **(ABOUT | {"transaction_id": "pi_refused"}), amount_minor=5000, currency="CNY", credits=550, release=FULFILLED
)
QUARANTINED = an_order(quarantine_reason="amount_minor", rejected_intent="pi_refused", releases=(a_release("pi_1"),))


def test_a_released_payment_grants_what_it_paid_for_in_the_name_of_the_administrator():
    change = decide(QUARANTINED, RELEASED)

    assert isinstance(change, Settlement)
    assert change.before == QUARANTINED
    assert (change.after.credits_purchased, change.after.paid_minor, change.after.quarantine_reason) == (
        550,
        5000,
        None,
    )
    assert change.after.releases == (a_release("pi_1"), FULFILLED)
    assert change.grant.entry.amount == 550
    cause = change.grant.entry.cause
    assert (cause.actor, cause.reason, cause.money_minor) == ("admin:a", "wrong amount", 5000)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": Status.SUCCEEDED},
        {"quarantine_reason": None},
        {"rejected_intent": "pi_other"},
        {"releases": (a_release("pi_refused", is_done=False),)},
    ],
)
def test_a_payment_that_was_decided_over_meanwhile_is_not_released(changes: dict[str, Any]):
    assert decide(replace(QUARANTINED, **changes), RELEASED) is None


def test_a_second_payment_of_a_settled_order_is_quarantined_and_grants_nothing():
    change = decide(after(an_order(), RECEIVED), a_payment(transaction_id="pi_other"))

    assert isinstance(change, Advance)
    assert "pi_other" in str(change.after.quarantine_reason)


def test_the_payment_that_settled_an_order_is_not_quarantined_when_another_session_names_it():
    by_intent = a_payment(session_id=None, reference=None, transaction_id="pi_first")

    settled = after(an_order(), by_intent)

    assert decide(settled, a_payment(session_id="cs_test_other", transaction_id="pi_first")) is None


@pytest.mark.parametrize("first", [RECEIVED, a_payment(amount_minor=1, transaction_id="pi_first")])
def test_of_several_refused_payments_each_is_told_once_and_the_reports_do_not_replace_each_other(
    first: PaymentUpdate,
):
    told = after(an_order(), first, *(a_payment(amount_minor=2, transaction_id=f"pi_{n}") for n in (2, 3, 2, 3)))

    order = after(told, first)

    refused = [order.rejected_intent, *(one.intent for one in order.refused_besides)]
    assert refused == (["pi_2", "pi_3"] if order.is_settled else ["pi_first", "pi_2", "pi_3"])


def test_a_session_for_nothing_that_cannot_be_the_orders_replaces_no_refused_payment():
    told = after(an_order(), a_payment(amount_minor=1, transaction_id="pi_other"))

    assert decide(told, a_payment(amount_minor=0, transaction_id=None)) is None


def test_a_payment_before_the_session_is_stored_settles_and_stores_it():
    change = decide(an_order(provider_order_id=None, payment_url=None), RECEIVED)

    assert isinstance(change, Settlement)
    assert change.after.provider_order_id == SESSION_ID


def test_metadata_that_names_another_user_does_not_decide_whose_credits_they_are():
    change = decide(an_order(), a_payment(user_id="another-user"))

    assert isinstance(change, Settlement)
    assert change.grant.new_lot
    assert change.grant.new_lot.user_id == USER_ID


# ------------------------------------------------------------------------------------------- tax and discounts


@pytest.mark.parametrize(
    ("amount", "tax", "discount"),
    [
        (10_000, 0, 0),
        (11_900, 1_900, 0),  # tax that is added to the price
        (10_000, 1_597, 0),  # tax that the price contains
        (9_000, 0, 1_000),
        (10_710, 1_710, 1_000),
        (9_000, 1_437, 1_000),
        (0, 0, 10_000),
    ],
)
def test_tax_and_a_discount_are_recorded_and_change_no_credits(amount: int, tax: int, discount: int):
    paid = a_payment(amount_minor=amount, subtotal_minor=10_000, tax_minor=tax, discount_minor=discount)

    change = decide(an_order(), paid)

    assert isinstance(change, Settlement)
    assert change.grant.entry.amount == an_order().credits_purchased
    order, lot, cause = change.after, change.grant.new_lot, change.grant.entry.cause
    assert (order.amount_minor, order.charged_minor) == (10_000, amount)
    assert (order.tax_minor, order.discount_minor) == (tax, discount)
    assert lot
    assert (lot.paid_minor, lot.funding) == (amount, "paid" if amount else "free")
    assert (cause.money_minor, cause.tax_minor) == (amount, tax)


@pytest.mark.parametrize(
    "wrong",
    [
        {"subtotal_minor": 9_999},
        {"subtotal_minor": 1, "amount_minor": 10_000},
        {"amount_minor": 8_999, "discount_minor": 1_000},  # less than its discount explains
        {"amount_minor": 10_101, "tax_minor": 100},  # more than its tax explains
        {"amount_minor": 0},
    ],
)
def test_a_payment_whose_sum_does_not_follow_from_the_price_is_quarantined(wrong: dict[str, Any]):
    change = decide(an_order(), a_payment(**{"subtotal_minor": 10_000, **wrong}))

    assert isinstance(change, Advance)
    assert change.after.quarantine_reason


@pytest.mark.parametrize(
    ("order", "update", "is_unknown"),
    [
        (an_order(), a_payment(amount_minor=9_000), True),
        (an_order(), a_payment(), False),
        (an_order(page=PayPage(may_change_total=True)), a_payment(), True),  # the price may contain tax
        (an_order(), a_payment(amount_minor=9_000, subtotal_minor=10_000), False),
        (an_order(rejected_intent=INTENT_ID), a_payment(amount_minor=9_000), False),
        (an_order(status=Status.SUCCEEDED), a_payment(amount_minor=9_000), False),
        (an_order(), a_payment(amount_minor=0, transaction_id=None), False),
        (an_order(), PROCESSING, False),
    ],
)
def test_the_price_is_unknown_where_another_sum_arrived_and_nothing_says_why(
    order: Order, update: PaymentUpdate, is_unknown: bool
):
    assert order_updates.is_price_unknown(order, update) is is_unknown


def test_credits_stand_for_what_was_paid():
    paid = an_order(status=Status.SUCCEEDED, paid_minor=9_000, refunded_minor=4_500)

    assert (paid.refundable_minor, paid.credits_due_back) == (4_500, paid.credits_purchased // 2)
    assert replace(paid, refunded_minor=9_000).credits_due_back == paid.credits_purchased


def test_an_order_for_nothing_has_nothing_to_refund():
    free = an_order(status=Status.SUCCEEDED, paid_minor=0)

    assert (free.refundable_minor, free.reversed_minor, free.credits_due_back) == (0, 0, 0)


def test_an_order_of_an_earlier_version_was_paid_at_its_price():
    assert an_order(status=Status.SUCCEEDED, paid_minor=None).charged_minor == 10_000
