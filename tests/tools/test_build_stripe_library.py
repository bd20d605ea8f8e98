"""What the layers' build leaves of Stripe's library: it answers as the complete one does."""

import ast
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from local import ROOT
from tools.build import import_graph, stripe_library

GATEWAY = ROOT / "layers" / "topup" / "topup" / "stripe_gateway"
COMPLETE = Path(stripe.__file__).parents[1]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the reduced library."""
    folder = tmp_path_factory.mktemp("layer")
    shutil.copytree(COMPLETE / "stripe", folder / "stripe", ignore=shutil.ignore_patterns("__pycache__"))
    stripe_library.keep_what_is_called(folder)
    return folder


# -------------------------------------------------------------------------------------------- what our code calls


def services_of(source: str) -> set[str]:
    """What is used below `v1`: `checkout.sessions` of `client().v1.checkout.sessions.list(params)`."""
    nodes = list(_nodes(source))
    bound = {_chain(node.targets[0])[0] for node in nodes if isinstance(node, ast.Assign) and _is_v1(node.value)}
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    found = set()
    for node in nodes:
        chain = _chain(node) if isinstance(node, ast.Attribute) and id(node) not in inner else []
        below = chain[chain.index("v1") + 1 :] if "v1" in chain else chain[1:] if chain and chain[0] in bound else []
        found.add(".".join(below[:-1] if id(node) in called else below))
    return found - {""}


def _nodes(source: str) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(source))


def _is_v1(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "v1"


def _chain(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [*_chain(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else []


def test_the_layer_keeps_exactly_the_services_that_the_code_calls():
    used = {service for path in GATEWAY.rglob("*.py") for service in services_of(path.read_text())}

    assert used == set(stripe_library.SERVICES), "see SERVICES in tools/build/stripe_library.py"


@pytest.mark.parametrize(
    "source",
    [
        "client(retries=0).v1.checkout.sessions.create(params, options)",
        "load(lambda client: client.v1.checkout.sessions)",
        "api = client().v1\nfound = api.checkout.sessions.list(params).data",
    ],
)
def test_every_way_to_use_a_service_is_recognized(source: str):
    assert services_of(source) == {"checkout.sessions"}


def names_of_the_library() -> set[str]:
    """What our code takes from the library by name: `stripe.X`, or X of `from stripe import X`."""
    found: set[str] = set()
    for path in (ROOT / "layers" / "topup").rglob("*.py"):
        for node in _nodes(path.read_text()):
            if isinstance(node, ast.ImportFrom) and node.module == "stripe":
                found |= {alias.name for alias in node.names}
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "stripe":
                found.add(node.attr)
    return {name for name in found if hasattr(stripe, name)} - {"v1"}


def test_every_name_that_our_code_takes_from_the_library_is_there(python: Path):
    names = names_of_the_library()

    assert "StripeClient" in names
    assert run(python, f"import stripe\nprint([getattr(stripe, name) for name in {sorted(names)!r}])")


# ------------------------------------------------------------------------------------------------ what is left


def run(folder: Path, code: str) -> str:
    """Run code in a fresh interpreter that finds the library in this folder, and all others where they are."""
    environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{COMPLETE}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "amount": 100,
    "payment_method_details": {"type": "card", "card": {"brand": "visa"}},
    "refunds": {"object": "list", "data": [{"id": "re_1", "object": "refund", "metadata": {"a": "b"}}]},
    "balance_transaction": {"id": "txn_1", "object": "balance_transaction", "fee_details": [{"amount": 3}]},
}
INTENT = {"id": "pi_1", "object": "payment_intent", "amount": 100, "latest_charge": CHARGE, "last_payment_error": None}
OBJECTS: dict[str, dict[str, Any]] = {
    "accounts": {"id": "acct_1", "object": "account", "settings": {"dashboard": {"timezone": "Etc/UTC"}}},
    "charges": CHARGE | {"invoice": {"id": "in_1", "object": "invoice", "lines": {"object": "list", "data": []}}},
    "checkout.sessions": {
        "id": "cs_1",
        "object": "checkout.session",
        "payment_intent": INTENT,
        "customer": {"id": "cus_1", "object": "customer", "address": {"city": "Berlin"}},
        "currency_conversion": {"amount_total": 1, "source_currency": "eur"},
    },
    "disputes": {"id": "dp_1", "object": "dispute", "evidence": {"receipt": None}, "payment_intent": INTENT},
    "events": {"id": "evt_1", "object": "event", "type": "charge.refunded", "data": {"object": CHARGE}},
    "payment_intents": INTENT,
    "radar.early_fraud_warnings": {"id": "issfr_1", "object": "radar.early_fraud_warning", "payment_intent": INTENT},
    "refunds": {"id": "re_1", "object": "refund", "charge": CHARGE, "a": {"id": "x", "object": "not.known.yet"}},
}

CALLS = """
import json
import stripe

OBJECTS, ERRORS = json.loads(DOCUMENT)

class Recorded(stripe.HTTPClient):
    name = "recorded"
    def request(self, method, url, headers, post_data=None, **options):
        return json.dumps(self.body), self.status, {"Request-Id": "req_1"}
    request_with_retries = request
    def close(self):
        pass

sends = Recorded()
client = stripe.StripeClient("sk_test_x", http_client=sends)
told = {}
for path, found in OBJECTS.items():
    service = client.v1
    for name in path.split("."):
        service = getattr(service, name)
    for method in ("retrieve", "retrieve_current", "create", "expire", "list"):
        if not hasattr(service, method):
            continue
        sends.status = 200
        sends.body = {"object": "list", "data": [found], "has_more": False} if method == "list" else found
        arguments = {"retrieve": ["id_1"], "expire": ["id_1"], "create": [{}]}.get(method, [])
        answer = getattr(service, method)(*arguments)
        answers = answer.auto_paging_iter() if method == "list" else [answer]
        told[path, method] = [one.to_dict() for one in answers]
for status, body in ERRORS:
    sends.status, sends.body = status, body
    try:
        client.v1.refunds.create({"payment_intent": "pi_1"})
    except stripe.StripeError as error:
        told[status, str(body)] = [type(error).__name__, error.code, error.http_status, str(error), error.request_id]
print(json.dumps({str(key): value for key, value in told.items()}, default=str, indent=1))
"""
ERRORS = [
    (402, {"error": {"type": "card_error", "code": "card_declined", "message": "No", "payment_intent": INTENT}}),
    (
        404,
        {"error": {"type": "invalid_request_error", "code": "resource_missing", "param": "id", "message": "No such"}},
    ),
    (400, {"error": {"type": "idempotency_error", "message": "Keys for idempotent requests"}}),
    (401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}),
    (403, {"error": {"type": "invalid_request_error", "message": "Not permitted"}}),
    (429, {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many"}}),
    (500, {"error": {"type": "api_error", "message": "Sorry"}}),
    (500, {"not": "an error"}),
]


def test_every_service_answers_and_fails_as_in_the_complete_library(python: Path):
    code = f"DOCUMENT = {json.dumps([OBJECTS, ERRORS])!r}\n{CALLS}"

    ours, complete = run(python, code), run(COMPLETE, code)

    assert set(OBJECTS) == set(stripe_library.SERVICES)
    assert ours == complete
    assert len(json.loads(ours)) > len(OBJECTS) + len(ERRORS)


def test_what_the_client_imports_for_its_types_is_there_and_no_more(python: Path):
    module = (python / "stripe" / "_event_notification_handler.py").read_text()

    assert "class StripeEventNotificationHandler:" in module
    assert len(module) < 1000


def test_a_library_without_the_module_ends_the_build(tmp_path: Path):
    with pytest.raises(SystemExit, match=r"has no stripe\._event_notification_handler any more"):
        stripe_library.keep_what_is_called(tmp_path)


def test_its_own_certificate_authorities_stay(python: Path):
    assert (python / "stripe" / "data" / "ca-certificates.crt").read_bytes() == Path(stripe.ca_bundle_path).read_bytes()


def test_nothing_that_is_left_imports_what_is_not(python: Path):
    left, complete = import_graph.modules_in(python), import_graph.modules_in(COMPLETE / "stripe" / "..")
    of_stripe = {name: path for name, path in complete.items() if name.split(".")[0] == "stripe"}

    missing = {name: import_graph.imported_by(name, of_stripe) - set(left) for name in left}

    assert not {name: gone for name, gone in missing.items() if gone}
    assert len(left) < len(of_stripe) / 10


def test_a_class_is_listed_exactly_if_its_module_is_left(python: Path):
    tables = importlib.import_module("stripe._object_classes")
    code = "from stripe._object_classes import *\nimport json\nprint(json.dumps([OBJECT_CLASSES, V2_OBJECT_CLASSES]))"
    left = import_graph.modules_in(python)

    for ours, complete in zip(
        json.loads(run(python, code)), (tables.OBJECT_CLASSES, tables.V2_OBJECT_CLASSES), strict=True
    ):
        assert ours == {kind: list(found) for kind, found in complete.items() if found[0] in left}
