"""Payments in every state that they can come to, answered as docs/openapi.json says, to whoever may see them."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
import schemathesis

from local import ROOT
from tests.e2e.buyer import Buyer, eventually
from tests.security.edge import CREDITS, PAYMENTS, TRANSACTIONS, Edge

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))

Steps = Callable[[Buyer, dict[str, Any]], None]
described = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture
def buyer(edge: Edge) -> Iterator[Buyer]:
    with ExitStack() as clients:
        yield Buyer(edge.stack, clients)


def is_as_described(operation: str, answer: httpx.Response) -> bool:
    """Raises what is wrong with it."""
    described.find_operation_by_id(operation).validate_response(answer)
    return answer.is_success


def paid(buyer: Buyer, payment: dict[str, Any]) -> None:
    buyer.pay(payment)
    eventually(lambda: bool(buyer.status(payment)["status"] == "succeeded"))


def declined(buyer: Buyer, payment: dict[str, Any]) -> None:
    buyer.pay(payment, card="4000000000000002")


def processing(buyer: Buyer, payment: dict[str, Any]) -> None:
    buyer.pay(payment, method="alipay")


def failed(buyer: Buyer, payment: dict[str, Any]) -> None:
    session = buyer.pay(payment, method="wechat_pay")
    buyer.stripe.post(f"/checkout/{session}/settle", json={"outcome": "failed"}).raise_for_status()


def expired(buyer: Buyer, payment: dict[str, Any]) -> None:
    session = payment["payment_url"].rpartition("/")[2]
    buyer.stripe.post(f"/checkout/{session}/expire", json={}).raise_for_status()


def refunded(buyer: Buyer, payment: dict[str, Any]) -> None:
    """In part by us, in part in the Dashboard, where one refund waits and one fails."""
    paid(buyer, payment)
    assert is_as_described("refund_payment", buyer.refund(payment, 10))
    intent = buyer.intent(payment)
    pending = {"amount": 1000, "pending": True}
    buyer.stripe.post(f"/payment_intents/{intent}/refund", json=pending).raise_for_status()
    made = buyer.stripe.post(f"/payment_intents/{intent}/refund", json={"amount": 500}).raise_for_status().json()
    buyer.stripe.post(f"/refunds/{made['id']}/fail", json={}).raise_for_status()
    eventually(lambda: {"pending", "succeeded", "failed"} == {one["status"] for one in refunds_of(buyer, payment)})


def spent_and_refunded(buyer: Buyer, payment: dict[str, Any]) -> None:
    """Down to credits that are owed."""
    paid(buyer, payment)
    assert is_as_described("spend_credits", buyer.spend(1000, "states"))
    assert not is_as_described("refund_payment", buyer.refund(payment))
    assert not is_as_described("spend_credits", buyer.spend(1000, "too-many"))
    assert is_as_described("refund_payment", buyer.refund(payment, force=True))


def disputed(buyer: Buyer, payment: dict[str, Any]) -> None:
    paid(buyer, payment)
    buyer.stripe.post(f"/payment_intents/{buyer.intent(payment)}/dispute", json={}).raise_for_status()
    eventually(lambda: bool(buyer.balance() == 0))
    assert not is_as_described("refund_payment", buyer.refund(payment))


def refunds_of(buyer: Buyer, payment: dict[str, Any]) -> list[dict[str, Any]]:
    refunds: list[dict[str, Any]] = buyer.status(payment).get("refunds", [])
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
        (disputed, "succeeded", {"amount_refunded", "credits_refunded"}),
    ],
    ids=["pending", "paid", "declined", "processing", "failed", "expired", "refunded", "owing", "disputed"],
)
def test_a_payment_in_any_state_is_as_the_document_says(
    edge: Edge, buyer: Buyer, steps: Steps, status: str, fields: set[str]
):
    payment = buyer.create()

    steps(buyer, payment)

    eventually(lambda: bool(buyer.status(payment)["status"] == status))
    path = f"{PAYMENTS}/{payment['payment_id']}"
    seen = {
        "by its owner": edge.get(path, edge.user(buyer.user_id)),
        "by an administrator": edge.get(path, edge.admin()),
    }
    assert all(is_as_described("get_payment", answer) for answer in seen.values())
    assert fields <= seen["by its owner"].json().keys()
    of_administrators = seen["by an administrator"].json().keys() - seen["by its owner"].json().keys()
    assert of_administrators == {"user_id", "quarantine_reason"}
    for path, operation in ((PAYMENTS, "list_payments"), (TRANSACTIONS, "list_transactions"), (CREDITS, "get_credits")):
        assert is_as_described(operation, edge.get(path, edge.user(buyer.user_id)))


def test_the_document_is_valid_openapi():
    described.validate()
