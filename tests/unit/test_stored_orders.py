"""Under which names orders, refunds and disputes are stored: records outlive the version that wrote them.

Each item is compared with all of its attributes, and read back.
"""

from dataclasses import replace
from typing import Any

import pytest

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import PAYMENT_ID, SESSION_ID, a_release, an_order
from topup.domain.orders import FraudWarning, Order, RefusedPayment, ReleaseAction, Status
from topup.domain.reversals import Kind, Reversal, ReversalStatus
from topup.domain.wording import PayPage
from topup.store import attributes, order_items

AT = NOW.replace(microsecond=250)
TEXT = "2026-03-01T12:00:00.000250Z"

AN_ORDER = an_order(created_at=AT)
STORED_ORDER = {
    "payment_id": PAYMENT_ID,
    "record": "ORDER",
    "user_id": USER_ID,
    "provider": "stripe",
    "provider_order_id": SESSION_ID,
    "package": {"id": "standard", "name": "标准包"},
    "return_url": "https://shop.example",
    "request_fingerprint": "fingerprint",
    "amount_minor": 10_000,
    "currency": "CNY",
    "credits_purchased": 1100,
    "livemode": False,
    "status": "pending",
    "payment_url": "https://checkout.stripe.com/c/pay/cs_test_1",
    "attempt": 1,
    "created_at": TEXT,
    "refunded_minor": 0,
    "disputed_minor": 0,
    "clawed_back": 0,
    "reversal_changes": 0,
    "waits_for": "payment:f",
    "waits_since": "2026-03-01T12:15:00.000250Z",
}
FULL_ORDER = replace(
    AN_ORDER,
    status=Status.SUCCEEDED,
    package_names={"en": "Standard"},
    page=PayPage("zh", "a product", "zh", may_change_total=True),
    valid_months=3,
    attempt=4,
    transaction_id="pi_1",
    error_message="It was declined.",
    error_code="generic_decline",
    quarantine_reason="amount_minor: paid 1, ordered 10000",
    rejected_intent="pi_2",
    refused_besides=(RefusedPayment(intent="pi_3", reason="currency"),),
    releases=(a_release("pi_4"), a_release("pi_5", action=ReleaseAction.FULFIL, is_done=False, released_at=AT)),
    fraud_warning=FraudWarning(warning_id="issfr_1", fraud_type="stolen_card", created_at=AT),
    paid_at=AT,
    credits_expire_at=AT,
    credits_to_debt=7,
    paid_minor=11_000,
    tax_minor=1500,
    discount_minor=500,
    refunded_minor=100,
    disputed_minor=200,
    clawed_back=30,
    reversal_changes=2,
    synced_at=AT,
    opened_at=AT,
    next_look_at=AT,
)
A_STORED_RELEASE = {
    "action": "refund",
    "intent": "pi_4",
    "quarantine_reason": "amount_minor",
    "credits_ordered": 1100,
    "reason": "wrong amount",
    "actor": "admin:a",
    "released_at": "2026-03-01T12:00:00.000000Z",
    "is_done": True,
}
STORED_FULL_ORDER = STORED_ORDER | {
    "status": "succeeded",
    "package": {"id": "standard", "name": "标准包", "names": {"en": "Standard"}},
    "locale": "zh",
    "product": "a product",
    "language": "zh",
    "may_change_total": True,
    "valid_months": 3,
    "attempt": 4,
    "transaction_id": "pi_1",
    "error_message": "It was declined.",
    "error_code": "generic_decline",
    "quarantine_reason": "amount_minor: paid 1, ordered 10000",
    "rejected_intent": "pi_2",
    "refused_besides": [{"intent": "pi_3", "reason": "currency"}],
    "releases": [
        A_STORED_RELEASE,
        A_STORED_RELEASE | {"action": "fulfil", "intent": "pi_5", "is_done": False, "released_at": TEXT},
    ],
    "fraud_warning": {"warning_id": "issfr_1", "fraud_type": "stolen_card", "created_at": TEXT},
    "paid_at": TEXT,
    "credits_expire_at": TEXT,
    "credits_to_debt": 7,
    "paid_minor": 11_000,
    "tax_minor": 1500,
    "discount_minor": 500,
    "refunded_minor": 100,
    "disputed_minor": 200,
    "clawed_back": 30,
    "reversal_changes": 2,
    "synced_at": TEXT,
    "opened_at": TEXT,
    "next_look_at": TEXT,
    "waits_for": "quarantine",
    "waits_since": TEXT,
}


@pytest.mark.parametrize(("order", "stored"), [(AN_ORDER, STORED_ORDER), (FULL_ORDER, STORED_FULL_ORDER)])
def test_an_order(order: Order, stored: dict[str, Any]):
    item = order_items.order_to_item(order)

    assert attributes.from_item(item) == stored
    assert order_items.order_from_item(item) == order


def with_more(stored: Any) -> Any:
    """The same with an attribute that a newer version has added to each map, but for that of names by language."""
    if isinstance(stored, dict):
        kept = {name: value if name == "names" else with_more(value) for name, value in stored.items()}
        return kept | {"of_a_newer_version": 1}
    return [with_more(one) for one in stored] if isinstance(stored, list) else stored


def test_an_order_to_which_a_newer_version_has_added_something_is_read():
    assert order_items.order_from_item(attributes.to_item(with_more(STORED_FULL_ORDER))) == FULL_ORDER


@pytest.mark.parametrize(
    ("changes", "waits_for"),
    [
        ({"status": Status.DECLINED}, "payment:f"),
        ({"status": Status.PROCESSING}, "processing:f"),
        ({"status": Status.FAILED}, None),
        ({"status": Status.SUCCEEDED}, None),
        ({"quarantine_reason": "currency"}, "quarantine"),
    ],
)
def test_an_order_waits_under_its_first_digit_until_it_ends(changes: dict[str, Any], waits_for: str | None):
    fields = order_items.order_fields(an_order(**changes))

    assert fields["waits_for"] == waits_for
    assert (fields["waits_since"] is None) is (waits_for is None)


@pytest.mark.parametrize(("status", "changes"), [("succeeded", 1), ("pending", 0)])
def test_a_paid_order_of_an_older_version_may_have_refunds(status: str, changes: int):
    older = {name: value for name, value in STORED_ORDER.items() if name != "reversal_changes"} | {"status": status}

    assert order_items.order_from_item(attributes.to_item(older)).reversal_changes == changes


def test_an_order_with_a_status_of_a_newer_version():
    item = attributes.to_item(STORED_ORDER | {"status": "frozen"})

    assert order_items.order_from_item(item).status is Status.UNKNOWN


A_REFUND = Reversal(
    kind=Kind.REFUND,
    reversal_id="ours",
    payment_id=PAYMENT_ID,
    amount_minor=2500,
    status=ReversalStatus.IN_FLIGHT,
    created_at=AT,
)
STORED_REFUND = {
    "payment_id": PAYMENT_ID,
    "record": "REFUND#ours",
    "kind": "refund",
    "reversal_id": "ours",
    "amount_minor": 2500,
    "status": "in_flight",
    "attempt": 1,
    "tries": 1,
    "clawed_back": 0,
    "made_at": TEXT,
    "waits_for": "refund",
    "waits_since": TEXT,
}
A_DISPUTE = Reversal(
    kind=Kind.DISPUTE,
    reversal_id="dp_1",
    payment_id=PAYMENT_ID,
    amount_minor=2500,
    status=ReversalStatus.LOST,
    created_at=NOW,
    currency="USD",
    net_minor=700,
    live_minor=600,
    lost_before=5,
    reason="fraudulent",
    stripe_id="dp_1",
    stripe_status="mediation",
    clawed_back=270,
    requested_by="a",
    request_fingerprint="fingerprint",
    attempt=2,
    tried_at=AT,
    tries=3,
    tried_last_at=AT,
)
STORED_DISPUTE = {
    "payment_id": PAYMENT_ID,
    "record": "DISPUTE#dp_1",
    "kind": "dispute",
    "reversal_id": "dp_1",
    "amount_minor": 2500,
    "status": "lost",
    "currency": "USD",
    "net_minor": 700,
    "live_minor": 600,
    "lost_before": 5,
    "reason": "fraudulent",
    "stripe_id": "dp_1",
    "stripe_status": "mediation",
    "clawed_back": 270,
    "requested_by": "a",
    "request_fingerprint": "fingerprint",
    "attempt": 2,
    "tried_at": TEXT,
    "tries": 3,
    "tried_last_at": TEXT,
    "made_at": "2026-03-01T12:00:00.000000Z",
}


@pytest.mark.parametrize(("reversal", "stored"), [(A_REFUND, STORED_REFUND), (A_DISPUTE, STORED_DISPUTE)])
def test_a_refund_or_dispute(reversal: Reversal, stored: dict[str, Any]):
    item = order_items.reversal_to_item(reversal)

    assert attributes.from_item(item) == stored
    assert order_items.reversal_from_item(item) == reversal


@pytest.mark.parametrize(
    ("stored", "status"),
    [
        ({"status": "failed"}, ReversalStatus.REFUSED),  # an older version had one word for both
        ({"status": "failed", "stripe_id": "re_1"}, ReversalStatus.FAILED),
        ({"status": "succeeded"}, ReversalStatus.SUCCEEDED),
        ({"status": "in_doubt"}, ReversalStatus.UNKNOWN),
    ],
)
def test_the_status_of_a_refund(stored: dict[str, Any], status: ReversalStatus):
    fields = {name: value for name, value in STORED_REFUND.items() if name not in {"attempt", "tries"}} | stored

    refund = order_items.reversal_from_item(attributes.to_item(fields))

    assert (refund.status, refund.attempt, refund.tries) == (status, 1, 1)
    known = status if status is not ReversalStatus.UNKNOWN else ReversalStatus.SUCCEEDED
    assert order_items.older_word(known) == ("failed" if "failed" in stored.values() else "succeeded")
