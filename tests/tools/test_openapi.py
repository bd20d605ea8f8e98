"""docs/openapi.json is what the code says: made from it, complete, and as strict as the answers are."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from local import ROOT
from local.in_process.api import template
from tools.generate.openapi import __main__ as openapi
from tools.generate.openapi.operations import OPERATIONS
from tools.generate.openapi.problems import FIGURES
from topup.api import endpoint
from topup.domain.errors import TopupError

DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(part)


def test_the_document_is_the_one_that_the_code_makes():
    written = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")

    assert written == openapi.text(), "docs/openapi.json is out of date: run `make openapi`"


def test_every_route_of_the_template_is_in_it_and_nothing_else():
    described = {(method, path, operation["operationId"]) for method, path, operation in operations()}

    assert described == {(route.method, route.path, route.function.name) for route in template().routes}
    assert set(OPERATIONS) == {route.function.name for route in template().routes}


def test_every_reference_leads_somewhere_and_every_schema_is_used():
    references = {part["$ref"].rpartition("/")[2] for part in parts(DOCUMENT) if "$ref" in part}

    assert references == set(DOCUMENT["components"]["schemas"])


def test_every_error_that_callers_can_meet_is_described_by_its_code():
    described = {
        schema["properties"]["code"]["const"]
        for name, schema in DOCUMENT["components"]["schemas"].items()
        if name.endswith("Problem")
    }
    known: list[type[TopupError]] = [TopupError, *endpoint.STATUS_OF]
    # Only a refund's amount could be no amount, and there it is told as the field's mistake.
    assert described == {error.code for error in known} - {"invalid_amount"}
    assert set(FIGURES) <= set(endpoint.STATUS_OF)


@pytest.mark.parametrize(("method", "path", "operation"), list(operations()), ids=lambda value: str(value)[:40])
def test_every_status_of_an_operation_has_its_own_kind_of_content(method: str, path: str, operation: dict[str, Any]):
    assert operation["summary"]
    for status, response in operation["responses"].items():
        kind = "application/json" if status < "400" else "application/problem+json"
        assert list(response["content"]) == [kind]
        assert response["headers"]["Cache-Control"]["required"]
    assert ("requestBody" in operation) == (method == "POST")


def test_nothing_is_answered_and_no_field_is_read_that_is_not_named():
    open_on_purpose = {"StripeEvent"}  # Stripe adds to its events as it likes
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is (name in open_on_purpose), name
            assert set(schema["required"]) <= set(schema["properties"]), name


def test_every_operation_says_who_may_call_it():
    callers = {operation["operationId"]: operation["security"] for _, _, operation in operations()}

    assert callers.pop("list_packages") == []
    assert all(len(one) == 1 for one in callers.values())
    assert callers["create_checkout"] == [{"user": [], "service": []}]
    assert {name for one in callers.values() for name in one[0]} == set(DOCUMENT["components"]["securitySchemes"])


def function_source(name: str) -> str:
    return (ROOT / "functions" / name / "app.py").read_text()


def test_whatever_takes_an_idempotency_key_says_so():
    taking = {
        operation["operationId"]: parameter["required"]
        for _, _, operation in operations()
        for parameter in operation.get("parameters", [])
        if parameter["name"] == "Idempotency-Key"
    }
    functions = [path.parent.name for path in (ROOT / "functions").glob("*/app.py")]
    read = {name for name in functions if "idempotency_key" in function_source(name)}

    assert taking.keys() == read
    requiring = {name for name in read if "require_idempotency_key" in function_source(name)}
    assert {name for name, required in taking.items() if required} == requiring == {"spend_credits"}


def test_amounts_of_money_are_texts_only_where_clients_read_texts():
    schemas = DOCUMENT["components"]["schemas"]

    assert schemas["Checkout"]["properties"]["amount"]["type"] == "string"
    assert schemas["Payment"]["properties"]["amount"]["type"] == "number"
    assert schemas["RefundResult"]["properties"]["amount"]["type"] == "number"
    [amount, null] = schemas["RefundBody"]["properties"]["amount"]["anyOf"]
    assert (amount["type"], amount["exclusiveMinimum"], null) == ("number", 0, {"type": "null"})


def test_a_moment_is_written_as_the_document_says():
    pattern = DOCUMENT["components"]["schemas"]["Lot"]["properties"]["expires_at"]["pattern"]

    assert re.fullmatch(pattern, "2026-05-05T10:32:15Z")
    assert not re.fullmatch(pattern, "2026-05-05T10:32:15.000Z")


def test_the_types_of_the_answers_cost_no_function_anything():
    """Read by a fresh interpreter: what is imported here already says nothing."""
    code = "import sys, topup.api.responses; print('topup.api.schemas' in sys.modules)"
    environment = {"PYTHONPATH": "layers/topup"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    assert run.stdout == "False\n"
