"""Which refunds the money and the credits allow."""

import contextlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from local.in_process.environment import NOW
from tests.support.builders import PAYMENT_ID, a_hold, an_order
from tests.support.ledger import InMemoryLedger
from topup.domain import payments, refund_requests
from topup.domain.errors import CreditsSpent, NotRefundable, QuoteStale, ValidationFailed
from topup.domain.orders import Order, Status
from topup.domain.quotes import Quote
from topup.domain.refund_requests import RefundRequest
from topup.domain.reversals import Kind, Reversal, ReversalStatus


def a_request(amount: str | None = "25") -> RefundRequest:
    return RefundRequest(
        payment_id=PAYMENT_ID, amount=None if amount is None else Decimal(amount), reason="asked for", admin_id="a"
    )


def a_paid_order(**changes: Any) -> Order:
    return an_order(**{"status": Status.SUCCEEDED, "paid_minor": 10_000, **changes})


def test_a_refund_is_in_flight_in_the_name_of_the_administrator_and_tried_now():
    assert refund_requests.requested_refund(a_paid_order(), "refund", a_request(), NOW) == Reversal(
        kind=Kind.REFUND,
        reversal_id="refund",
        payment_id=PAYMENT_ID,
        amount_minor=2500,
        status=ReversalStatus.IN_FLIGHT,
        created_at=NOW,
        reason="asked for",
        requested_by="a",
        request_fingerprint=a_request().fingerprint,
        tried_at=NOW,
    )


@pytest.mark.parametrize(("refunded", "amount", "minor"), [(0, None, 10_000), (9_999, None, 1), (9_999, "0.01", 1)])
def test_all_that_is_left_may_be_refunded(refunded: int, amount: str | None, minor: int):
    order = a_paid_order(refunded_minor=refunded)

    assert refund_requests.requested_refund(order, "refund", a_request(amount), NOW).amount_minor == minor


@pytest.mark.parametrize(
    ("order", "why", "largest"),
    [
        (an_order(), "this one is pending", None),
        (a_paid_order(disputed_minor=1), "disputed", None),
        (a_paid_order(paid_minor=0), "Nothing was paid", None),
        (a_paid_order(refunded_minor=10_000), "completely", "0.00"),
        (a_paid_order(refunded_minor=7_501), "At most 24.99 CNY", "24.99"),
    ],
)
def test_what_is_not_there_is_not_refunded(order: Order, why: str, largest: str | None):
    with pytest.raises(NotRefundable, match=why) as refused:
        refund_requests.requested_refund(order, "refund", a_request(), NOW)

    assert refused.value.figures.get("largest_refundable") == largest


def a_quote(amount: int) -> Quote:
    """Of a refund after 600 of 1100 credits were spent, while a hold reserves 100."""
    ledger = InMemoryLedger.with_a_purchase()
    ledger.spend(600, NOW)
    ledger.account.holds = [a_hold(amount=100)]
    settled = ledger.settled_payment(PAYMENT_ID, NOW)
    refund = refund_requests.requested_refund(settled.order, "refund", a_request(f"{amount}"), NOW)
    change = payments.decide(settled, refund, NOW)
    assert change
    return Quote(settled=settled, change=change, now=NOW)


@pytest.mark.parametrize(
    ("amount", "changes", "refusal"),
    [
        (10, {}, None),
        (40, {}, CreditsSpent),  # takes credits that are held
        (80, {}, CreditsSpent),  # leaves a debt
        (80, {"force": True}, None),
        (10, {"quote_token": "stale"}, QuoteStale),
        (80, {"quote_token": "stale", "force": True}, QuoteStale),
    ],
)
def test_a_refund_that_takes_what_is_spent_or_held_is_forced_and_one_with_a_quote_does_what_that_says(
    amount: int, changes: dict[str, Any], refusal: type[Exception] | None
):
    quote, request = a_quote(amount), replace(a_request(f"{amount}"), **changes)

    with pytest.raises(refusal) if refusal else contextlib.nullcontext():
        refund_requests.check_consequences(request, quote)
    refund_requests.check_consequences(replace(request, quote_token=quote.token, force=True), quote)


def test_an_amount_that_the_currency_does_not_have_is_refused_by_its_field():
    with pytest.raises(ValidationFailed) as refused:
        refund_requests.requested_refund(a_paid_order(), "refund", a_request("0.001"), NOW)

    assert [one.field for one in refused.value.errors] == ["amount"]
