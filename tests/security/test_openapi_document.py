"""The API does what docs/openapi.json says, for valid and invalid requests generated from that document.

Schemathesis generates the same requests in every run.
"""

import copy
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, HookContext, Response
from schemathesis.schemas import BaseSchema

from local import ROOT
from local.client import PAYMENTS, SPEND, TRANSACTIONS
from tests.security.edge import Edge
from tests.security.forging import signed
from tests.support.examples import run_machine
from topup.api import cursor
from topup.domain import idempotency

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
USER = "schemathesis"
KNOWN = [
    idempotency.id_from_key(USER, "bought"),
    idempotency.id_from_key(USER, "pending"),
    idempotency.id_from_key("another-user", "foreign"),
    "00000000-0000-4000-8000-000000000000",
]
# The requests for refunds leave nothing of a payment to quote.
QUOTED = idempotency.id_from_key(USER, "quoted")
CURSORS = {
    PAYMENTS: cursor.encode("9999-12-31T23:59:59.000000Z", KNOWN[0]),
    TRANSACTIONS: cursor.encode(2),
    "/api/users/{user_id}/payments": cursor.encode("9999-12-31T23:59:59.000000Z", KNOWN[0]),
    "/api/users/{user_id}/credits/transactions": cursor.encode(2),
}
MOMENTS = ["1969-12-31T23:59:59Z", "2026-01-31T00:00:00.5+08:00", "2999-12-31T23:59:59-00:30"]

CONFIG = {
    "seed": 1,
    "generation": {"max-examples": 60, "database": "none", "with-security-parameters": False},
    "checks": {
        # It sends requests without credentials, but here they are added just before sending. See test_callers.
        "ignored_auth": {"enabled": False},
    },
    "operations": [
        # The payment's currency decides how many decimals an amount may have; a schema cannot say it.
        {
            "include-operation-id": "refund_payment",
            "generation": {"max-examples": 240},  # few of its requests name a paid order and an amount that is left
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]}},
        },
        {
            "include-operation-id": "quote_refund",
            "generation": {"max-examples": 120},
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]}},
        },
        # Few of the payments wait for a decision.
        {
            "include-operation-id": "release_payment",
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409"]}},
        },
        # It takes exactly one of six parameters; a schema cannot say it.
        {
            "include-operation-id": "find_payments",
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "422"]}},
        },
        # Half of the requests are not signed, and only what Stripe could send is a valid event.
        {
            "include-operation-id": "stripe_webhook",
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "400"]}},
        },
        # The keys in a batch differ; a schema cannot say it.
        {
            "include-operation-id": "spend_batch",
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "409", "422"]}},
        },
        # Its address is also that of the holds of a user called "credits", which may be read: Allow says so.
        {
            "include-operation-id": "get_payment",  # what a decision would do is for staff alone
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "422"]}},
        },
        {"include-operation-id": "open_hold", "checks": {"allow_header_conformance": {"enabled": False}}},
    ],
}


def described() -> BaseSchema:
    """The document, with ids, packages and cursors that exist here instead of any text."""
    document = copy.deepcopy(DOCUMENT)
    schemas = document["components"]["schemas"]
    schemas["CheckoutBody"]["properties"]["package"] = {"enum": ["trial", "standard", "value", "premium"]}
    # Refused for packages with one price, and no others are on sale here.
    schemas["CheckoutBody"]["properties"]["amount"] = {"enum": [None]}
    schemas["CheckoutBody"]["properties"]["return_url"] = {"enum": [None, "https://yourdomain.com/back?a=1"]}
    schemas["RefundBody"]["properties"]["payment_id"] = {"enum": KNOWN}
    schemas["QuoteBody"]["properties"]["payment_id"] = {"enum": [QUOTED, *KNOWN[1:]]}
    for body in ("SpendBody", "BatchBody", "HoldBody"):
        schemas[body]["properties"]["user_id"] = {"enum": ["spender", "nobody"]}
    # An expiry that is past is refused; a schema cannot say it.
    schemas["GrantBody"]["properties"]["expires_at"] = {"enum": [None, "2999-12-31T23:59:59.5+08:00"]}
    # Not every text of that pattern is a day and an hour; a schema cannot say it.
    for path in ("/api/users/credits", "/api/users/{user_id}/credits"):
        parameters = {one["name"]: one for one in document["paths"][path]["get"]["parameters"]}
        parameters["as_of"]["schema"] = {"enum": MOMENTS}
    document["paths"]["/api/payments/{payment_id}"]["get"]["parameters"][0]["schema"] = {"enum": KNOWN}
    for path in ("/api/payments/{payment_id}/cancel", "/api/admin/payments/{payment_id}/release"):
        document["paths"][path]["post"]["parameters"][0]["schema"] = {"enum": KNOWN}
    for path, position in CURSORS.items():
        parameters = {one["name"]: one for one in document["paths"][path]["get"]["parameters"]}
        parameters["cursor"]["schema"] = {"enum": [position]}
    return schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(CONFIG))


schema = described()


@schema.hook
def filter_body(_context: HookContext, body: Any) -> bool:
    """JSON Schema counts 5.0 as an integer; our API accepts only whole numbers without a decimal point."""
    if not isinstance(body, dict) or "payment_id" in body:
        return True
    listed = body.get("items")
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    wholes = [item.get(name) for item in (body, *items) for name in ("amount", "credits", "ttl_seconds", "add")]
    return not any(isinstance(number, float) for number in wholes)


@pytest.fixture(scope="module", autouse=True)
def payments(edge: Edge) -> None:
    """The payments that the values above name."""
    bought = edge.create(USER, key="bought")
    edge.pay(bought)
    placed = [bought, edge.create(USER, key="pending"), edge.create("another-user", key="foreign")]
    assert [payment["payment_id"] for payment in placed] == KNOWN[:3]
    quoted = edge.create(USER, key="quoted")
    edge.pay(quoted)
    assert quoted["payment_id"] == QUOTED
    edge.buy("spender", "premium")
    spent = edge.post(SPEND, {"user_id": USER, "amount": 7, "description": "x"}, edge.service("schemathesis"))
    assert spent.status_code == 200


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def credentials(case: Case[Any], edge: Edge, session: requests.Session) -> Mapping[str, str]:
    """Those of a caller who may call the operation; every other webhook has a valid signature."""
    callers = {
        "user": edge.user(USER),
        "administrator": edge.admin(),
        "service": edge.service(),
        "support": edge.support(),
        "stripe": {"stripe-signature": signature(case, edge, session)},
    }
    wanted = case.operation.definition.raw["security"]
    # Any of several callers would do: the first.
    return {name: value for caller in next(iter(wanted), {}) for name, value in callers[caller].items()}


def signature(case: Case[Any], edge: Edge, session: requests.Session) -> str:
    """Over exactly the bytes that will be sent."""
    request = requests.Request(**case.as_transport_kwargs(base_url=edge.stack.api_url))
    sent: Any = session.prepare_request(request).body or b""
    body = sent if isinstance(sent, bytes) else sent.encode()
    return signed(body, edge.webhook_secret if hashlib.sha256(body).digest()[0] % 2 else "whsec_wrong")


# Statuses that each operation must return at least once, so that its requests were neither all valid nor all invalid.
EXPECTED = {
    "list_packages": {200},
    "create_checkout": {200, 422},
    "stripe_webhook": {200, 400},
    "get_payment": {200, 404},
    "cancel_checkout": {200, 404},
    "list_payments": {200, 422},
    "find_payments": {200, 422},
    "quote_refund": {200, 404, 422},
    "release_payment": {404, 409, 422},
    "refund_payment": {200, 404, 409, 422},
    "get_credits": {200, 422},
    "list_transactions": {200, 422},
    "spend_credits": {200, 409, 422},
    "grant_credits": {201, 409, 422},
    "adjust_credits": {200, 409, 422},
    "spend_batch": {200, 409, 422},
    "reverse_spend": {404, 422},
    "open_hold": {201, 409, 422},
    "list_holds": {200},
    "capture_hold": {404},
    "extend_hold": {404},
    "release_hold": {404},
    "get_user_credits": {200, 422},
    "list_user_transactions": {200, 422},
    "list_user_payments": {200, 422},
}


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, set[int]]]:
    """The statuses that each operation has returned. A test worker may not run every operation."""
    statuses: dict[str, set[int]] = defaultdict(set)
    yield statuses
    for name, returned in statuses.items():
        assert EXPECTED[name] <= returned, name


@schema.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_every_response_matches_the_document(
    case: Case[Any], edge: Edge, session: requests.Session, seen: dict[str, set[int]]
):
    headers = credentials(case, edge, session)

    response = case.call_and_validate(base_url=edge.stack.api_url, session=session, headers=dict(headers))

    edge.responses.append(response.text)
    seen[case.operation.definition.raw["operationId"]].add(response.status_code)


def test_a_created_payment_can_be_looked_up_through_the_documents_link(edge: Edge, session: requests.Session):
    class Workflow(schema.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:
            return {
                "base_url": edge.stack.api_url,
                "session": session,
                "headers": dict(credentials(case, edge, session)),
            }

        def after_call(self, response: Response, case: Case[Any]) -> None:
            followed.add((case.operation.definition.raw["operationId"], response.status_code))

    followed: set[tuple[str, int]] = set()
    run_machine(Workflow, 10, steps=4)

    assert ("create_checkout", 200) in followed
    assert ("get_payment", 200) in followed
