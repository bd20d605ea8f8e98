"""docs/openapi.json is made from the code: up to date, complete, and as strict as the API itself."""

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
from tools.generate.openapi.problems import EXTENSIONS
from topup.api import problems
from topup.domain.errors import TopupError

DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(part)


def test_the_document_is_up_to_date():
    written = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")

    assert written == openapi.text(), "docs/openapi.json is out of date: run `make openapi`"


def test_it_has_exactly_the_routes_of_the_template():
    described = {(method, path, operation["operationId"]) for method, path, operation in operations()}
    # HEAD goes where GET does, and $default is what has no address of its own.
    routes = [route for route in template().routes if route.method != "HEAD" and route.path != "$default"]

    assert described == {(route.method, route.path, route.function.name) for route in routes}
    assert set(OPERATIONS) == {route.function.name for route in routes}


def test_every_reference_resolves_and_every_schema_is_used():
    references = {part["$ref"].rpartition("/")[2] for part in parts(DOCUMENT) if "$ref" in part}

    assert references == set(DOCUMENT["components"]["schemas"])


def test_every_error_that_callers_can_get_is_described():
    described = {
        schema["properties"]["code"]["const"]
        for name, schema in DOCUMENT["components"]["schemas"].items()
        if name.endswith("Problem")
    }
    known: list[type[TopupError]] = [TopupError, *problems.STATUS_OF]
    # Only a refund's amount can be invalid, and that is reported as a field error.
    assert described == {error.code for error in known} - {"invalid_amount"}
    assert set(EXTENSIONS) <= set(problems.STATUS_OF)


@pytest.mark.parametrize(("method", "path", "operation"), list(operations()), ids=lambda value: str(value)[:40])
def test_a_success_is_json_and_an_error_is_a_problem_document(method: str, path: str, operation: dict[str, Any]):
    assert operation["summary"]
    for status, response in operation["responses"].items():
        kind = "application/json" if status < "400" else "application/problem+json"
        assert list(response["content"]) == [kind]
        assert response["headers"]["Cache-Control"]["required"]
    assert ("requestBody" in operation) == (method == "POST")


def test_no_request_or_response_has_fields_that_are_not_named():
    open_on_purpose = {"StripeEvent"}  # Stripe may add fields to its events
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


def test_every_operation_that_takes_an_idempotency_key_documents_it():
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
    assert {name for name, required in taking.items() if required} == requiring
    assert requiring == {"adjust_credits", "grant_credits", "spend_credits"}


def test_an_amount_is_a_string_only_in_a_checkout():
    schemas = DOCUMENT["components"]["schemas"]

    assert schemas["Checkout"]["properties"]["amount"]["type"] == "string"
    assert schemas["Payment"]["properties"]["amount"]["type"] == "number"
    assert schemas["RefundResult"]["properties"]["amount"]["type"] == "number"
    [amount, null] = schemas["RefundBody"]["properties"]["amount"]["anyOf"]
    assert (amount["type"], amount["exclusiveMinimum"], null) == ("number", 0, {"type": "null"})


def test_a_time_has_whole_seconds_in_utc():
    pattern = DOCUMENT["components"]["schemas"]["Lot"]["properties"]["expires_at"]["anyOf"][0]["pattern"]

    assert re.fullmatch(pattern, "2026-05-05T10:32:15Z")
    assert not re.fullmatch(pattern, "2026-05-05T10:32:15.000Z")


def test_no_function_imports_the_response_types():
    """In a fresh interpreter, because this one has imported them already."""
    code = "import sys, topup.api.responses; print('topup.api.schemas' in sys.modules)"
    environment = {"PYTHONPATH": "layers/topup"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    assert run.stdout == "False\n"
