"""Every code of the API has its class."""

import json
from pathlib import Path

from topup_client.errors import ApiError

DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi.json"
OF_STRIPES_WEBHOOKS = {"invalid_event", "invalid_signature", "order_missing", "order_unsettled"}
COMMON = {"type", "title", "status", "detail", "code", "request_id"}
TYPES = {"integer": int, "string": str, "array": list}


def test_every_code_has_a_class_with_the_fields_of_its_document():
    schemas = json.loads(DOCUMENT.read_text(encoding="utf-8"))["components"]["schemas"]
    problems = {name: schema["properties"] for name, schema in schemas.items() if name.endswith("Problem")}
    fields = {
        properties["code"]["const"]: {name: TYPES[properties[name]["type"]] for name in properties.keys() - COMMON}
        for properties in problems.values()
    }

    described = {code: own for code, own in fields.items() if code not in OF_STRIPES_WEBHOOKS}
    assert {code: error.fields for code, error in ApiError.by_code.items()} == described
