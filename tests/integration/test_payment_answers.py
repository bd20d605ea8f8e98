"""What the API says of a payment in every state: the list says just what the payment's own answer says."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local.in_process.api import Api, as_admin, as_buyer, as_support, as_user
from local.in_process.dynamodb import Emulator
from local.in_process.environment import NOW
from local.in_process.shop import Shop
from tests.support.builders import PAYMENT_ID, a_payment, an_order
from topup import fulfilment, store
from topup.domain.orders import Status
from topup.domain.payments import ReversalChange
from topup.domain.reversals import Kind, Reversal, ReversalStatus

DISPUTE_STATUSES = [
    ReversalStatus.WARNING_NEEDS_RESPONSE,
    ReversalStatus.WARNING_UNDER_REVIEW,
    ReversalStatus.WARNING_CLOSED,
    ReversalStatus.NEEDS_RESPONSE,
    ReversalStatus.UNDER_REVIEW,
    ReversalStatus.APPEAL_NEEDS_RESPONSE,
    ReversalStatus.APPEAL_UNDER_REVIEW,
    ReversalStatus.LOST,
    ReversalStatus.WON,
    ReversalStatus.PREVENTED,
]
REFUND_STATUSES = {
    ReversalStatus.UNKNOWN: "pending",
    ReversalStatus.IN_FLIGHT: "pending",
    ReversalStatus.REFUSED: "failed",
    ReversalStatus.PENDING: "pending",
    ReversalStatus.SUCCEEDED: "succeeded",
    ReversalStatus.FAILED: "failed",
    ReversalStatus.CANCELED: "canceled",
}


def own_answer(api: Api, payment_id: str = PAYMENT_ID) -> dict[str, Any]:
    """The payment's own answer, which the list must repeat."""
    answer: dict[str, Any] = api.get(f"/api/payments/{payment_id}", as_user()).json()
    rows = {row["payment_id"]: row for row in api.get("/api/payments", as_user()).json()["payments"]}
    assert rows[payment_id] == answer
    _for_staff(api, answer)
    return answer


def _for_staff(api: Api, answer: dict[str, Any]) -> None:
    """Staff see the same and more, and the user's list says it to them too."""
    own = api.get(f"/api/payments/{answer['payment_id']}", as_support()).json()
    rows = api.get("/api/users/user-1/payments", as_support()).json()["payments"]
    assert own in rows
    assert own | answer == own


def record(kind: Kind, status: ReversalStatus, amount_minor: int = 2500, **fields: Any) -> None:
    """Record one refund or dispute of the paid order, as the first news of it."""
    payment = store.load_payment(PAYMENT_ID)
    assert payment is not None
    reversal = Reversal(
        kind=kind,
        reversal_id=f"{kind}_1",
        payment_id=PAYMENT_ID,
        amount_minor=amount_minor,
        status=status,
        created_at=NOW,
        stripe_id=f"{kind}_1",
        **fields,
    )
    figure: Any = {"refunded_minor" if kind is Kind.REFUND else "disputed_minor": reversal.reversed_minor}
    after = replace(payment.order, reversal_changes=1, **figure)
    change = ReversalChange(order_before=payment.order, order_after=after, before=None, after=reversal, credits=None)
    store.record_reversal(change)


@pytest.fixture
def paid(dynamodb: Emulator) -> None:
    store.place_order(an_order())
    fulfilment.apply(a_payment(), NOW)


# --------------------------------------------------------------------------------------------------------- every state


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("quarantine_reason", [None, "amount_minor: paid 1, ordered 10000"])
def test_a_list_repeats_the_answer_of_an_order_in_every_status(
    api: Api, dynamodb: Emulator, status: Status, quarantine_reason: str | None
):
    store.place_order(an_order(status=status, error_message="declined", quarantine_reason=quarantine_reason))

    own_answer(api)


def test_a_payment_names_its_package(api: Api, paid: None):
    assert own_answer(api)["package"] == "standard"


def test_a_payment_says_what_of_its_credits_paid_what_was_owed_and_what_was_left(shop: Shop):
    first, intent = shop.buy("trial")
    assert shop.spend(500, "s-1").status == 200
    shop.simulator.refund(intent, 5000)
    shop.deliver()
    second, _ = shop.buy("standard")

    assert {"credits_to_debt", "credits_available"}.isdisjoint(own_answer(shop.api, first))
    answer = own_answer(shop.api, second)
    assert (answer["credits_to_debt"], answer["credits_available"]) == (500, 600)
    assert shop.api.get("/api/users/credits", as_user()).json()["balance"] == 600


@pytest.mark.parametrize("status", list(REFUND_STATUSES))
def test_a_refund_has_a_public_status_and_the_list_repeats_it(api: Api, paid: None, status: ReversalStatus):
    record(Kind.REFUND, status)

    (refund,) = own_answer(api)["refunds"]
    assert (refund["status"], refund["amount"]) == (REFUND_STATUSES[status], 25.0)


@pytest.mark.parametrize("status", DISPUTE_STATUSES)
def test_a_dispute_has_stripes_status_and_the_list_repeats_it(api: Api, paid: None, status: ReversalStatus):
    record(Kind.DISPUTE, status, reason="fraudulent")

    answer = own_answer(api)

    assert answer["disputes"] == [
        {
            "dispute_id": "dispute_1",
            "amount": 25.0,
            "status": status.value,
            "reason": "fraudulent",
            "created_at": "2026-03-01T12:00:00Z",
        }
    ]
    assert "refunds" not in answer


def test_a_disputes_status_that_this_version_does_not_know_is_shown_as_stripe_says_it(api: Api, paid: None):
    record(Kind.DISPUTE, ReversalStatus.UNKNOWN, stripe_status="escalated_to_network")

    assert own_answer(api)["disputes"][0]["status"] == "escalated_to_network"


@pytest.mark.parametrize(
    ("amount_minor", "currency", "amount"),
    [(1400, "USD", 14.0), (300_000, "JPY", 300_000.0), (5000, "KWD", 5.0), (1400, "XYZ", 14.0)],
)
def test_a_dispute_in_another_currency_shows_its_own_amount_and_currency(
    api: Api, paid: None, amount_minor: int, currency: str, amount: float
):
    record(Kind.DISPUTE, ReversalStatus.NEEDS_RESPONSE, amount_minor, currency=currency, net_minor=0)

    (dispute,) = own_answer(api)["disputes"]

    assert (dispute["amount"], dispute["currency"]) == (amount, currency)


def test_an_amount_in_the_payments_own_currency_names_none(api: Api, paid: None):
    record(Kind.REFUND, ReversalStatus.SUCCEEDED, currency="CNY")

    assert "currency" not in own_answer(api)["refunds"][0]


def test_an_order_that_an_older_version_wrote_shows_its_failed_refund_too(api: Api, dynamodb: Emulator, paid: None):
    record(Kind.REFUND, ReversalStatus.FAILED)
    dynamodb.client.update_item(
        TableName=dynamodb.orders_table,
        Key={"payment_id": {"S": PAYMENT_ID}, "record": {"S": "ORDER"}},
        UpdateExpression="REMOVE reversal_changes",
    )

    assert own_answer(api)["refunds"][0]["status"] == "failed"


def test_a_refund_that_an_older_version_records_beside_this_one_is_shown_too(api: Api, dynamodb: Emulator, paid: None):
    record(Kind.REFUND, ReversalStatus.SUCCEEDED)
    dynamodb.client.update_item(
        TableName=dynamodb.orders_table,
        Key={"payment_id": {"S": PAYMENT_ID}, "record": {"S": "ORDER"}},
        UpdateExpression="SET reversal_changes = :none",
        ExpressionAttributeValues={":none": {"N": "0"}},
    )

    assert own_answer(api)["refunds"][0]["status"] == "succeeded"


# ------------------------------------------------------------------------------------------------------------- credits


def half_refunded(shop: Shop, payment_id: str, intent: str) -> None:
    shop.refund(payment_id, 50)


def refunded(shop: Shop, payment_id: str, intent: str) -> None:
    shop.refund(payment_id)


def refunded_by_thirds(shop: Shop, payment_id: str, intent: str) -> None:
    for _ in range(3):
        shop.refund(payment_id, 33.33)


def refunded_in_the_dashboard(shop: Shop, payment_id: str, intent: str) -> None:
    shop.simulator.refund(intent, 2500)


def refund_failed(shop: Shop, payment_id: str, intent: str) -> None:
    shop.simulator.fail_refund(shop.simulator.refund(intent, 2500)["id"])


def refund_in_flight(shop: Shop, payment_id: str, intent: str) -> None:
    shop.fault("/v1/refunds", "timeout_before", times=5)
    shop.refund(payment_id, 25)


def disputed(shop: Shop, payment_id: str, intent: str) -> None:
    shop.simulator.dispute(intent)


def refunded_and_disputed(shop: Shop, payment_id: str, intent: str) -> None:
    shop.refund(payment_id, 50)
    shop.deliver()
    shop.simulator.dispute(intent)


def dispute_won(shop: Shop, payment_id: str, intent: str) -> None:
    shop.simulator.close_dispute(shop.simulator.dispute(intent)["id"], "won")


@pytest.mark.parametrize(
    ("steps", "refunded_amount", "credits_refunded"),
    [
        (half_refunded, 50.0, 550),
        (refunded, 100.0, 1100),
        (refunded_by_thirds, 99.99, 1099),
        (refunded_in_the_dashboard, 25.0, 275),
        (refund_failed, 0.0, 0),
        (refund_in_flight, 25.0, 275),
        (disputed, 0.0, 0),
        (refunded_and_disputed, 50.0, 550),
        (dispute_won, 0.0, 0),
    ],
)
def test_the_credits_that_refunds_took_are_told_from_the_order_alone(
    shop: Shop, steps: Callable[[Shop, str, str], None], refunded_amount: float, credits_refunded: int
):
    payment_id, intent = shop.buy()

    steps(shop, payment_id, intent)
    shop.deliver()

    answer = own_answer(shop.api, payment_id)
    assert (answer["amount_refunded"], answer["credits_refunded"]) == (refunded_amount, credits_refunded)


def test_credits_that_expired_before_the_refund_were_not_refunded(shop: Shop):
    payment_id, intent = shop.buy()
    shop.spend(100, "k")
    shop.wait(days=200)
    shop.run_timers()

    shop.simulator.refund(intent, 10_000)
    shop.deliver()

    assert own_answer(shop.api, payment_id)["credits_refunded"] == 100


# -------------------------------------------------------------------------------------------------------- under review


@pytest.fixture
def quarantined(dynamodb: Emulator) -> None:
    """A buyer has paid another amount than the order's."""
    store.place_order(an_order())
    fulfilment.apply(a_payment(amount_minor=1, subtotal_minor=10_000), NOW)


def test_a_quarantined_payment_is_under_review_and_never_to_be_paid_again(api: Api, quarantined: None):
    answer = own_answer(api)

    assert (answer["status"], answer["under_review"], answer["payment_url"]) == ("processing", True, None)
    assert "quarantine_reason" not in answer


@pytest.mark.parametrize("caller", [as_admin, as_support])
def test_administrators_and_support_see_why_a_payment_is_under_review(
    api: Api, quarantined: None, caller: Callable[[], dict[str, str]]
):
    answer = api.get(f"/api/payments/{PAYMENT_ID}", caller()).json()

    assert (answer["status"], answer["under_review"], answer["payment_url"]) == ("processing", True, None)
    assert answer["quarantine_reason"] == "amount_minor: paid 1, ordered 10000"


def test_a_settled_payment_is_not_under_review_whatever_else_was_paid_for_it(api: Api, paid: None):
    fulfilment.apply(a_payment(transaction_id="pi_other"), NOW)

    answer = own_answer(api)
    assert answer["status"] == "succeeded"
    assert "under_review" not in answer


@pytest.mark.parametrize("status", [Status.PENDING, Status.EXPIRED])
@pytest.mark.parametrize("has_session", [True, False])
def test_the_same_request_again_invites_nobody_to_pay_a_quarantined_payment_twice(
    shop: Shop, status: Status, has_session: bool
):
    request = ("/api/payments/stripe/create", {"package": "standard"}, as_buyer() | {"idempotency-key": "k"})
    payment_id = shop.api.post(*request).json()["payment_id"]
    changes: dict[str, Any] = {"status": status.value, "quarantine_reason": "currency: paid USD, ordered CNY"}
    gone = [] if has_session else ["provider_order_id", "payment_url"]
    shop.dynamodb.client.update_item(
        TableName=shop.dynamodb.orders_table,
        Key={"payment_id": {"S": payment_id}, "record": {"S": "ORDER"}},
        UpdateExpression="SET #s = :status, quarantine_reason = :reason"
        + (f" REMOVE {', '.join(gone)}" if gone else ""),
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={
            ":status": {"S": changes["status"]},
            ":reason": {"S": changes["quarantine_reason"]},
        },
    )

    answer = shop.api.post(*request).json()

    assert (answer["status"], answer["under_review"], answer["payment_url"]) == ("processing", True, None)


# ---------------------------------------------------------------------------------------------------------------- cost


def test_only_payments_with_refunds_or_disputes_cost_a_list_another_request(api: Api, dynamodb: Emulator, paid: None):
    store.place_order(an_order(payment_id=f"00000001{PAYMENT_ID[8:]}", provider_order_id="cs_2"))
    api.get("/api/payments", as_user())
    assert dynamodb.operations[-1:] == ["Query"]
    dynamodb.operations.clear()

    api.get("/api/payments", as_user())
    assert dynamodb.operations == ["Query"]

    record(Kind.REFUND, ReversalStatus.FAILED)
    dynamodb.operations.clear()
    api.get("/api/payments", as_user())
    assert dynamodb.operations == ["Query", "Query"]
