"""JSON Schemas of request and response bodies, made by pydantic."""

from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

REF = "#/components/schemas/{}"
TEMPLATE = "#/components/schemas/{model}"
# pydantic's own names for the bounds of a value whose type is a union.
KEYWORDS = {"gt": "exclusiveMinimum", "le": "maximum"}


class Strict(GenerateJsonSchema):
    """What the functions really accept and send: amounts as numbers, never as strings, and only the named fields."""

    def decimal_schema(self, _schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        return {"type": "number"}

    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        made = super().union_schema(schema)
        return {"type": "number"} if made == {"anyOf": [{"type": "integer"}, {"type": "number"}]} else made

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        return super().typed_dict_schema(schema) | {"additionalProperties": False}


class Components:
    """The schemas by name; each is added when an operation first refers to it."""

    def __init__(self) -> None:
        self._schemas: dict[str, Any] = {}

    def request(self, model: type[BaseModel]) -> dict[str, str]:
        """A reference to the schema of a request body."""
        made = model.model_json_schema(schema_generator=Strict, ref_template=TEMPLATE)
        return self._add(model.__name__, made)

    def response(self, response: Any) -> dict[str, str]:
        """A reference to the schema of a response body."""
        made = TypeAdapter(response).json_schema(schema_generator=Strict, ref_template=TEMPLATE, mode="serialization")
        return self._add(response.__name__, made)

    def add(self, name: str, schema: dict[str, Any]) -> dict[str, str]:
        """Add a finished schema; a reference to it."""
        self._schemas[name] = schema
        return {"$ref": REF.format(name)}

    def schemas(self) -> dict[str, Any]:
        """All schemas, sorted by name."""
        return dict(sorted(self._schemas.items()))

    def _add(self, name: str, made: dict[str, Any]) -> dict[str, str]:
        for inner, schema in made.pop("$defs", {}).items():
            self.add(inner, _tidy(schema))
        return self.add(name, _tidy(made))


def _tidy(schema: Any) -> Any:
    """Remove the titles that pydantic derives from field names, and its null defaults."""
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        KEYWORDS.get(name, name): _fields(value) if name == "properties" else _tidy(value)
        for name, value in schema.items()
        if name != "title" and (name, value) != ("default", None)
    }


def _fields(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: _tidy(schema) for name, schema in properties.items()}
