"""docs/openapi.json is made from the code: up to date, complete, and as strict as the API itself."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from local import ROOT
from local.in_process.api import template
from tools.generate import clients
from tools.generate.openapi import __main__ as openapi
from tools.generate.openapi import descriptions
from tools.generate.openapi.operations import OPERATIONS
from tools.generate.openapi.problems import EXTENSIONS
from tools.generate.openapi.services import OF_ANY_USER
from topup.api import problems
from topup.domain.errors import TopupError

GATEWAY_STATUSES = ("404", "413", "429", "431", "500", "503")
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))


WITHOUT_A_BODY = {"cancel_checkout", "release_hold"}


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


def responses_of(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The operation's responses by status, those that it shares with others too."""
    shared = DOCUMENT["components"]["responses"]
    return {
        status: shared[response["$ref"].rpartition("/")[2]] if "$ref" in response else response
        for status, response in operation["responses"].items()
    }


def test_the_document_is_up_to_date():
    written = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")

    assert written == openapi.text(), "docs/openapi.json is out of date: run `make openapi`"


def test_the_clients_are_made_from_this_document():
    made_from = clients.MADE_FROM.read_text(encoding="utf-8")

    assert made_from == clients.digest(), "what is generated in clients/ is out of date: run `make clients`"


def test_it_has_exactly_the_routes_of_the_template():
    described = {(method, path, operation["operationId"]) for method, path, operation in operations()}
    # HEAD goes where GET does; the console is a page, and $default is what has no address of its own.
    routes = [route for route in template().routes if route.method != "HEAD" and route.path.startswith("/api/")]

    names = {route.path: OF_ANY_USER[route.path].name for route in routes if route.path in OF_ANY_USER}
    assert described == {(route.method, route.path, names.get(route.path, route.function.name)) for route in routes}
    assert set(OPERATIONS) == {route.function.name for route in routes}
    assert set(OF_ANY_USER) == set(names)


def test_every_reference_resolves_and_every_schema_is_used():
    references = {part["$ref"] for part in parts(DOCUMENT) if "$ref" in part}

    assert references == {
        f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in DOCUMENT["components"][kind]
    }


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
    assert operation["description"]
    assert len(operation["tags"]) == 1
    for status, response in responses_of(operation).items():
        is_ours = status not in GATEWAY_STATUSES
        kinds = ["application/json"] if status < "400" else ["application/problem+json"]
        if status in GATEWAY_STATUSES:
            kinds = ["application/json"] if status in ("429", "431") else [*kinds, "application/json"]
        if status in ("413", "503") and "application/problem+json" not in response["content"]:
            kinds = ["application/json"]
        assert list(response.get("content", {})) == ([] if status == "304" else kinds), status
        assert not is_ours or response["headers"]["Cache-Control"]["required"]
        assert not is_ours or response["headers"]["X-Request-Id"]["required"]
    assert ("requestBody" in operation) == (method == "POST" and operation["operationId"] not in WITHOUT_A_BODY)


@pytest.mark.parametrize(("method", "path", "operation"), list(operations()), ids=lambda value: str(value)[:40])
def test_what_the_gateway_answers_by_itself_is_an_answer_of_every_operation(
    method: str, path: str, operation: dict[str, Any]
):
    gateway_error = {"$ref": "#/components/schemas/GatewayError"}
    for status in GATEWAY_STATUSES:
        content = responses_of(operation)[status]["content"]
        assert content["application/json"]["schema"] == gateway_error
        # A generated client reads a status by its first media type.
        first = next(iter(content.values()))["schema"]
        assert first == gateway_error or gateway_error in first["oneOf"]


def test_a_request_has_only_the_fields_that_are_named_and_an_answer_may_gain_some():
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if schema.get("type") == "object":
            is_request = name.endswith("Body")
            assert schema.get("additionalProperties") is (False if is_request else name == "StripeEvent" or None), name
            assert set(schema.get("required", ())) <= set(schema["properties"]), name


def test_every_field_and_every_parameter_is_described_and_no_description_is_left_over():
    schemas = DOCUMENT["components"]["schemas"]
    fields = {
        (name, field): schema for name in schemas for field, schema in schemas[name].get("properties", {}).items()
    }

    assert [place for place, schema in fields.items() if not schema.get("description")] == []
    assert [
        p for _, _, operation in operations() for p in operation.get("parameters", []) if "description" not in p
    ] == []
    names = {field for _, field in fields}
    assert set(descriptions.OF_ALL) <= names
    known = {("Problem" if name.endswith("Problem") else name, field) for name, field in fields}
    assert {(name, field) for name, own in descriptions.OF_SCHEMA.items() for field in own} <= known


def test_a_field_that_may_be_left_out_has_no_default_since_generators_would_require_it():
    assert not [part for part in parts(DOCUMENT["components"]["schemas"]) if "default" in part]


def test_every_success_and_every_body_has_an_example_of_a_real_request():
    for _, _, operation in operations():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        assert not body or "example" in body or operation["operationId"] == "stripe_webhook"
        for status, response in responses_of(operation).items():
            if status < "300":
                assert response["content"]["application/json"]["example"], operation["operationId"]


def test_an_example_matches_its_schema():
    examples = [
        (part["schema"], part["example"]) for part in parts(DOCUMENT["paths"]) if {"schema", "example"} <= part.keys()
    ]
    examples += [
        (schema, one) for schema in DOCUMENT["components"]["schemas"].values() for one in schema.get("examples", [])
    ]

    assert len(examples) > 30
    for schema, example in examples:
        jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(example)


def test_every_operation_says_who_may_call_it():
    callers = {operation["operationId"]: operation["security"] for _, _, operation in operations()}

    assert callers.pop("list_packages") == []
    assert all(callers.values())
    assert callers["create_checkout"] == [{"user": [], "service": []}]
    assert callers["reverse_spend"] == [{"service": []}, {"administrator": []}]
    assert callers["grant_credits"] == [{"administrator": []}, {"service": []}]
    assert callers["get_user_credits"] == [{"service": []}, {"administrator": []}, {"support": []}]
    assert {name for one in callers.values() for credentials in one for name in credentials} == set(
        DOCUMENT["components"]["securitySchemes"]
    )


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
    holds = {"open_hold", "capture_hold", "extend_hold"}
    assert requiring == {"adjust_credits", "grant_credits", "spend_credits", "reverse_spend", *holds}


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


def test_whoever_may_send_a_key_is_told_that_it_may_lack_the_scope() -> None:
    with_a_key = {
        f"{method} {path}": operation["responses"].keys()
        for method, path, operation in operations()
        if any("service" in requirement for requirement in operation.get("security", ()))
    }
    assert len(with_a_key) > 10

    assert {name for name, statuses in with_a_key.items() if "403" not in statuses} == set()
