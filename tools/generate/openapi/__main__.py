"""`make openapi`: write docs/openapi.json from the template's routes and the code behind them."""

import ast
import json
import tomllib
from typing import Any

from local import ROOT
from local.aws import template
from local.aws.template import Route
from tools.generate.openapi import problems, schemas
from tools.generate.openapi.operations import OPERATIONS, Operation

DOCUMENT = ROOT / "docs" / "openapi.json"
DESCRIPTION = (
    "Prepaid credits sold through Stripe. Errors are problem documents (RFC 9457); let programs read their `code`. API "
    "Gateway itself responds with 404 to an unknown route, 413 to a body over 10 MB, 431 to headers over 10 KB, and "
    '429 or 503 to too many requests, each with `{"message": …}`.'
)
SECURITY_SCHEMES = {
    "user": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A user's token"},
    "administrator": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token with the claim of an administrator, by default `role` = `admin`",
    },
    "service": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A trusted service's key"},
    "stripe": {
        "type": "apiKey",
        "in": "header",
        "name": "Stripe-Signature",
        "description": "Stripe's signature of the body, byte for byte",
    },
}


def routes() -> tuple[Route, ...]:
    """The template's routes but HEAD, which goes where GET does, and $default; the parameters only have to be valid."""
    found = template.read(
        ROOT / "template.yaml",
        {"FrontendUrls": "https://shop.example", "SecretsPrefix": ""},
        {"StripeWebhookFunctionUrl.FunctionUrl": "https://url.example/"},
    ).routes
    return tuple(route for route in found if route.path != "$default" and route.method != "HEAD")


def document() -> dict[str, Any]:
    """The whole OpenAPI document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    components = schemas.Components()
    paths: dict[str, dict[str, Any]] = {}
    for route in routes():
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Topup", "version": project["version"], "description": DESCRIPTION},
        "servers": [{"url": "http://localhost:8000", "description": "The local stack (`make run`)"}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": components.schemas(), "securitySchemes": SECURITY_SCHEMES},
    }


def _operation(route: Route, components: schemas.Components) -> dict[str, Any]:
    name = route.function.name
    known = OPERATIONS[name]
    first, _, description = _documentation(name).partition(".")
    summary = first.partition(": ")[2].strip()
    made: dict[str, Any] = {"operationId": name, "summary": summary[:1].upper() + summary[1:]}
    if description.strip():
        made["description"] = " ".join(description.split())
    made["security"] = [{caller: [] for caller in known.callers}] if known.callers else []
    if known.parameters:
        made["parameters"] = list(known.parameters)
    if known.body:
        content = {"application/json": {"schema": components.request(known.body)}}
        made["requestBody"] = {"required": True, "content": content}
    made["responses"] = _responses(known, components)
    return made


def _documentation(function: str) -> str:
    """The docstring of the function's module: route, summary, description."""
    source = (ROOT / "functions" / function / "app.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""


def _responses(known: Operation, components: schemas.Components) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, (description, response) in known.responses.items():
        responses[str(int(status))] = {
            "description": description,
            "headers": {"Cache-Control": {"required": True, "schema": {"const": known.caching}}},
            "content": {"application/json": {"schema": components.response(response)}},
        } | ({"links": known.links} if known.links else {})
    return responses | problems.responses(known.errors, components)


def text() -> str:
    """The content of docs/openapi.json."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(text(), encoding="utf-8")
    print(DOCUMENT.relative_to(ROOT))
