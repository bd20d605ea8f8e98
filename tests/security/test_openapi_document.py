"""The API does what docs/openapi.json says, for requests made from that document: right ones, and wrong ones.

Schemathesis makes them, the same ones in every run.
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
from tests.security.edge import PAYMENTS, SPEND, TRANSACTIONS, Edge
from tests.security.forging import signed
from tests.support.examples import run_machine
from topup.api import cursor
from topup.domain import idempotency

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
USER = "schemathesis"
KNOWN = [
    idempotency.id_from_key(USER, "bought"),
    idempotency.id_from_key(USER, "pending"),
    idempotency.id_from_key("somebody-else", "foreign"),
    "00000000-0000-4000-8000-000000000000",
]
CURSORS = {PAYMENTS: cursor.encode("9999-12-31T23:59:59.000000Z", KNOWN[0]), TRANSACTIONS: cursor.encode(2)}

CONFIG = {
    "seed": 1,
    "generation": {"max-examples": 60, "database": "none", "with-security-parameters": False},
    "checks": {
        # API Gateway answers 404 to a method that a path does not have, where HTTP would have it 405 with Allow.
        "unsupported_method": {"enabled": False},
        # It sends a request without its credentials; but here they are put in just before sending. See test_callers.
        "ignored_auth": {"enabled": False},
        "allow_header_conformance": {"enabled": False},
    },
    "operations": [
        # How many decimals an amount may have is the payment's currency's to say, and no schema's.
        {
            "include-operation-id": "refund_payment",
            "generation": {"max-examples": 240},  # few of its requests name a paid order and an amount that is left
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "404", "409", "422"]}},
        },
        # Half of what is sent is not signed, and of what is signed only an object that Stripe would send is an event.
        {
            "include-operation-id": "stripe_webhook",
            "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "400"]}},
        },
    ],
}


def described() -> BaseSchema:
    """The document, with values that lead somewhere where it says what kind of value there is."""
    document = copy.deepcopy(DOCUMENT)
    schemas = document["components"]["schemas"]
    schemas["CheckoutBody"]["properties"]["package"] = {"enum": ["trial", "standard", "value", "premium"]}
    schemas["CheckoutBody"]["properties"]["return_url"] = {"enum": [None, "https://yourdomain.com/back?a=1"]}
    schemas["RefundBody"]["properties"]["payment_id"] = {"enum": KNOWN}
    schemas["SpendBody"]["properties"]["user_id"] = {"enum": ["spender", "nobody"]}
    document["paths"]["/api/payments/{payment_id}"]["get"]["parameters"][0]["schema"] = {"enum": KNOWN}
    for path, position in CURSORS.items():
        parameters = {one["name"]: one for one in document["paths"][path]["get"]["parameters"]}
        parameters["cursor"]["schema"] = {"enum": [position]}
    return schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(CONFIG))


schema = described()


@schema.hook
def filter_body(_context: HookContext, body: Any) -> bool:
    """To JSON Schema 5.0 is an integer; here credits are counted in numbers that are written as whole ones."""
    return not (isinstance(body, dict) and isinstance(body.get("amount"), float) and "user_id" in body)


@pytest.fixture(scope="module", autouse=True)
def payments(edge: Edge) -> None:
    """What the values above lead to."""
    bought = edge.create(USER, key="bought")
    edge.pay(bought)
    placed = [bought, edge.create(USER, key="pending"), edge.create("somebody-else", key="foreign")]
    assert [payment["payment_id"] for payment in placed] == KNOWN[:3]
    edge.buy("spender", "premium")
    spent = edge.post(SPEND, {"user_id": USER, "amount": 7, "description": "x"}, edge.service("schemathesis"))
    assert spent.status_code == 200


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def credentials(case: Case[Any], edge: Edge, session: requests.Session) -> Mapping[str, str]:
    """Whoever may call the operation; of the webhooks, every other one is signed."""
    callers = {
        "user": edge.user(USER),
        "administrator": edge.admin(),
        "service": edge.service(),
        "stripe": {"stripe-signature": signature(case, edge, session)},
    }
    wanted = case.operation.definition.raw["security"]
    return {name: value for one in wanted for caller in one for name, value in callers[caller].items()}


def signature(case: Case[Any], edge: Edge, session: requests.Session) -> str:
    """Over the very bytes that will be sent, whatever they are."""
    request = requests.Request(**case.as_transport_kwargs(base_url=edge.stack.api_url))
    sent: Any = session.prepare_request(request).body or b""
    body = sent if isinstance(sent, bytes) else sent.encode()
    return signed(body, edge.webhook_secret if hashlib.sha256(body).digest()[0] % 2 else "whsec_wrong")


# Of each operation: statuses without which its requests cannot have been all right, or all wrong.
EXPECTED = {
    "list_packages": {200},
    "create_checkout": {200, 422},
    "stripe_webhook": {200, 400},
    "get_payment": {200, 404},
    "list_payments": {200, 422},
    "refund_payment": {200, 404, 409, 422},
    "get_credits": {200},
    "list_transactions": {200, 422},
    "spend_credits": {200, 409, 422},
}


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, set[int]]]:
    """The statuses that each operation has answered with. A worker need not have all of the operations."""
    statuses: dict[str, set[int]] = defaultdict(set)
    yield statuses
    for name, answered in statuses.items():
        assert EXPECTED[name] <= answered, name


@schema.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_the_document_says(
    case: Case[Any], edge: Edge, session: requests.Session, seen: dict[str, set[int]]
):
    headers = credentials(case, edge, session)

    answer = case.call_and_validate(base_url=edge.stack.api_url, session=session, headers=dict(headers))

    edge.answers.append(answer.text)
    seen[case.operation.definition.raw["operationId"]].add(answer.status_code)


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
