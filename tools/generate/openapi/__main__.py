"""`make openapi`: write docs/openapi.json from the template's routes and the code behind them, and bodies.json."""

import ast
import json
import tomllib
from typing import Any

from local import ROOT
from local.aws import template
from local.aws.template import Route
from tools.generate import bodies
from tools.generate.openapi import examples, information, problems, schemas
from tools.generate.openapi.operations import OPERATIONS
from tools.generate.openapi.parts import Operation
from tools.generate.openapi.services import OF_ANY_USER

DOCUMENT = ROOT / "docs" / "openapi.json"


def routes() -> tuple[Route, ...]:
    """The API's routes but HEAD, which goes where GET does; the template's parameters only have to be valid."""
    found = template.read(
        ROOT / "template.yaml",
        {"FrontendUrls": "https://shop.example", "SecretsPrefix": ""},
        {"StripeWebhookFunctionUrl.FunctionUrl": "https://url.example/"},
    ).routes
    return tuple(route for route in found if route.path.startswith("/api/") and route.method != "HEAD")


def document() -> dict[str, Any]:
    """The whole OpenAPI document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    components = schemas.Components()
    paths: dict[str, dict[str, Any]] = {}
    for route in routes():
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, components)
    return {
        "openapi": "3.1.0",
        "info": information.info(project["version"]),
        "servers": information.SERVERS,
        "tags": information.TAGS,
        "paths": dict(sorted(paths.items())),
        "components": {**components.document(), "securitySchemes": information.SECURITY_SCHEMES},
    }


def _operation(route: Route, components: schemas.Components) -> dict[str, Any]:
    name = route.function.name
    known = OF_ANY_USER.get(route.path) or OPERATIONS[name]
    first, _, description = _documentation(name).partition(".")
    summary = first.partition(": ")[2].strip()
    made: dict[str, Any] = {
        "operationId": known.name or name,
        "tags": [known.tag],
        "summary": known.summary or summary[:1].upper() + summary[1:],
        "description": " ".join(f"{description} {known.description}".split()),
    }
    made["security"] = _security(known)
    if known.parameters:
        made["parameters"] = list(known.parameters)
    if known.body:
        example = examples.recorded().requests.get(name)
        content = {"schema": components.request(known.body)} | ({"example": example} if example else {})
        made["requestBody"] = {"required": True, "content": {"application/json": content}}
    made["responses"] = _responses(name, known, components)
    return made


def _security(known: Operation) -> list[dict[str, Any]]:
    together: list[dict[str, Any]] = [{caller: [] for caller in known.callers}] if known.callers else []
    return [*together, *({other: []} for other in known.others)]


def _documentation(function: str) -> str:
    """The docstring of the function's module: route, summary, description."""
    source = (ROOT / "functions" / function / "app.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""


def _responses(name: str, known: Operation, components: schemas.Components) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, (description, response) in known.responses.items():
        made: dict[str, Any] = {
            "description": description,
            "headers": {
                "Cache-Control": {"required": True, "schema": {"const": known.caching}},
                "X-Request-Id": {"required": True} | problems.REQUEST_ID,
                **known.headers,
            },
        }
        if response:
            example = examples.recorded().responses[name, int(status)]
            made["content"] = {"application/json": {"schema": components.response(response), "example": example}}
        responses[str(int(status))] = made | ({"links": known.links} if known.links else {})
    return responses | problems.responses(known.errors, components)


def text() -> str:
    """The content of docs/openapi.json."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(text(), encoding="utf-8")
    print(DOCUMENT.relative_to(ROOT))
    bodies.write()
