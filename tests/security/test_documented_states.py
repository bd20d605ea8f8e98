"""Payments in every state, as their owner, an administrator and support staff see them, match docs/openapi.json."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import schemathesis

from local import ROOT
from local.client import CREDITS, DECLINED_CARD, PAYMENTS, TRANSACTIONS
from tests.e2e.buyer import Buyer, eventually
from tests.security.edge import Edge

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))

PAST = "2020-01-01T00:00:00Z"

Steps = Callable[[Buyer, dict[str, Any]], None]
described = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture
def buyer(edge: Edge) -> Iterator[Buyer]:
    with ExitStack() as clients:
        yield Buyer(edge.stack, clients)


def is_as_described(operation: str, response: httpx.Response) -> bool:
    """Raises if the document describes it otherwise."""
    described.find_operation_by_id(operation).validate_response(response)
    return response.is_success


def paid(buyer: Buyer, payment: dict[str, Any]) -> None:
    buyer.stripe.pay(payment)
    eventually(lambda: buyer.status(payment) == "succeeded")


def declined(buyer: Buyer, payment: dict[str, Any]) -> None:
    buyer.stripe.pay(payment, card=DECLINED_CARD)


def processing(buyer: Buyer, payment: dict[str, Any]) -> None:
    buyer.stripe.pay(payment, method="alipay")


def failed(buyer: Buyer, payment: dict[str, Any]) -> None:
    buyer.stripe.pay(payment, method="wechat_pay")
    buyer.stripe.settle(payment, "failed")


def expired(buyer: Buyer, payment: dict[str, Any]) -> None:
    buyer.stripe.expire(payment)


def refunded(buyer: Buyer, payment: dict[str, Any]) -> None:
    """One refund by us, and two in the Dashboard: one is pending, one fails."""
    paid(buyer, payment)
    assert is_as_described("refund_payment", buyer.refund(payment, 10))
    intent = buyer.stripe.intent_of(payment)
    buyer.stripe.refund(intent, 1000, pending=True)
    buyer.stripe.fail_refund(buyer.stripe.refund(intent, 500)["id"])
    eventually(lambda: {"pending", "succeeded", "failed"} == {one["status"] for one in refunds_of(buyer, payment)})


def spent_and_refunded(buyer: Buyer, payment: dict[str, Any]) -> None:
    """Refunded after most credits were spent, so that the user owes credits."""
    paid(buyer, payment)
    assert is_as_described("spend_credits", buyer.spend(1000, "states"))
    assert not is_as_described("refund_payment", buyer.refund(payment))
    assert not is_as_described("spend_credits", buyer.spend(1000, "too-many"))
    assert is_as_described("refund_payment", buyer.refund(payment, force=True))


def disputed(buyer: Buyer, payment: dict[str, Any]) -> None:
    paid(buyer, payment)
    buyer.stripe.dispute(buyer.stripe.intent_of(payment))
    eventually(lambda: buyer.balance() == 0)
    assert not is_as_described("refund_payment", buyer.refund(payment))


def granted_and_adjusted(buyer: Buyer, payment: dict[str, Any]) -> None:
    """Credits that were not bought: in a campaign, without expiry, corrected up and down."""
    paid(buyer, payment)
    api, user = buyer.api, buyer.user_id
    assert is_as_described("grant_credits", api.grant(user, 5, "welcome", "g-1", body={"campaign": "spring"}))
    assert not is_as_described("grant_credits", api.grant(user, 5, "welcome", "g-2", body={"campaign": "spring"}))
    assert not is_as_described("grant_credits", api.grant(user, 6, "welcome", "g-1"))
    assert not is_as_described("grant_credits", api.grant(user, 6, "past", "g-3", body={"expires_at": PAST}))
    assert is_as_described("grant_credits", api.grant(user, 5, "for ever", "g-4", body={"expires_at": None}))
    assert is_as_described("adjust_credits", api.adjust(user, 7, "a mistake", "a-1"))
    assert is_as_described("adjust_credits", api.adjust(user, -3, "a mistake", "a-2"))
    assert not is_as_described("adjust_credits", api.adjust(user, -10_000, "a mistake", "a-3"))
    assert not is_as_described("adjust_credits", api.adjust(user, -4, "a mistake", "a-2"))
    assert not is_as_described("adjust_credits", api.adjust(user, 0, "a mistake", "a-4"))
    assert {None, payment["payment_id"]} == {lot["payment_id"] for lot in buyer.credits()["lots"]}
    assert buyer.credits()["lots"][-1]["expires_at"] is None
    assert sorted(buyer.amounts("granted", "adjusted")) == [-3, 5, 5, 7]


def refunds_of(buyer: Buyer, payment: dict[str, Any]) -> list[dict[str, Any]]:
    refunds: list[dict[str, Any]] = buyer.payment(payment).get("refunds", [])
    return refunds


@pytest.mark.parametrize(
    ("steps", "status", "fields"),
    [
        (lambda *_: None, "pending", set()),
        (paid, "succeeded", set()),
        (declined, "failed", {"error_message", "may_retry"}),
        (processing, "processing", set()),
        (failed, "failed", {"error_message", "may_retry"}),
        (expired, "expired", set()),
        (refunded, "succeeded", {"amount_refunded", "credits_refunded", "refunds"}),
        (spent_and_refunded, "succeeded", {"amount_refunded", "credits_refunded", "refunds"}),
        (disputed, "succeeded", {"amount_refunded", "credits_refunded", "disputes"}),
        (granted_and_adjusted, "succeeded", set()),
    ],
    ids=["pending", "paid", "declined", "processing", "failed", "expired", "refunded", "owing", "disputed", "granted"],
)
def test_a_payment_in_any_state_matches_the_document(
    edge: Edge, buyer: Buyer, steps: Steps, status: str, fields: set[str]
):
    payment = buyer.create()

    steps(buyer, payment)

    eventually(lambda: buyer.status(payment) == status)
    buyer.wait_for_deliveries()  # a later event may name the reason of a failure
    path = f"{PAYMENTS}/{payment['payment_id']}"
    seen = {
        "by its owner": edge.get(path, edge.user(buyer.user_id)),
        "by an administrator": edge.get(path, edge.admin()),
        "by support": edge.get(path, edge.support()),
    }
    assert all(is_as_described("get_payment", response) for response in seen.values())
    assert fields <= seen["by its owner"].json().keys()
    of_administrators = seen["by an administrator"].json().keys() - seen["by its owner"].json().keys()
    by_state = {"succeeded": {"lot"}, "processing": {"age_seconds"}}
    assert of_administrators == {"user_id", "quarantine_reason", "stripe"} | by_state.get(status, set())
    ages = {"age_seconds": 0}  # they grow while the test looks
    by_support, by_admin = (seen[reader].json() for reader in ("by support", "by an administrator"))
    assert by_support | ages == by_admin | ages
    for path, operation in ((PAYMENTS, "list_payments"), (TRANSACTIONS, "list_transactions"), (CREDITS, "get_credits")):
        assert is_as_described(operation, edge.get(path, edge.user(buyer.user_id)))


def test_the_document_is_valid_openapi():
    described.validate()
