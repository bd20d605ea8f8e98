"""JSON Schemas of request and response bodies, made by pydantic."""

from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from tools.generate.openapi import descriptions

REF = "#/components/schemas/{}"
TEMPLATE = "#/components/schemas/{model}"
# pydantic's own names for the bounds of a value whose type is a union.
KEYWORDS = {"gt": "exclusiveMinimum", "le": "maximum"}


class Strict(GenerateJsonSchema):
    """What the functions really accept and send: amounts as numbers, never as strings."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        limits = {"exclusiveMinimum": schema.get("gt"), "maximum": schema.get("le")}
        return {"type": "number", **{name: limit for name, limit in limits.items() if limit is not None}}


class Components:
    """The schemas by name; each is added when an operation first refers to it."""

    def __init__(self) -> None:
        self._schemas: dict[str, Any] = {}
        self._responses: dict[str, Any] = {}

    def request(self, model: type[BaseModel]) -> dict[str, str]:
        """A reference to the schema of a request body."""
        made = model.model_json_schema(schema_generator=Strict, ref_template=TEMPLATE)
        return self._add(model.__name__, made)

    def response(self, response: Any) -> dict[str, str]:
        """A reference to the schema of a response body."""
        made = TypeAdapter(response).json_schema(schema_generator=Strict, ref_template=TEMPLATE, mode="serialization")
        return self._add(response.__name__, made)

    def add(self, name: str, schema: dict[str, Any]) -> dict[str, str]:
        """Add a finished schema, with the descriptions of its fields; a reference to it."""
        described = {field: _described(name, field, made) for field, made in schema.get("properties", {}).items()}
        self._schemas[name] = schema | ({"properties": described} if described else {})
        return {"$ref": REF.format(name)}

    def share(self, name: str, response: dict[str, Any]) -> dict[str, str]:
        """Add a response that all operations have; a reference to it."""
        self._responses[name] = response
        return {"$ref": f"#/components/responses/{name}"}

    def document(self) -> dict[str, Any]:
        """All of them, sorted by name."""
        return {"responses": dict(sorted(self._responses.items())), "schemas": dict(sorted(self._schemas.items()))}

    def _add(self, name: str, made: dict[str, Any]) -> dict[str, str]:
        for inner, schema in made.pop("$defs", {}).items():
            self.add(inner, _tidy(schema))
        return self.add(name, _tidy(made))


def _described(name: str, field: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The field's schema with a description of its own, or that of its type."""
    description = descriptions.of(name, field) or _description_of_type(schema)
    return schema | ({"description": description} if description else {})


def _description_of_type(schema: dict[str, Any]) -> str | None:
    known = (part.get("description") for part in (schema, *schema.get("anyOf", ())))
    return next((description for description in known if description), None)


def _tidy(schema: Any) -> Any:
    """Remove the titles that pydantic derives from field names, and what is not of JSON Schema.

    And defaults: generators of types take a field with one for a field that is always there.
    """
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        KEYWORDS.get(name, name): _fields(value) if name == "properties" else _tidy(value)
        for name, value in schema.items()
        if name not in ("title", "default", "max_digits")
    }


def _fields(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: _tidy(schema) for name, schema in properties.items()}
