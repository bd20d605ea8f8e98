"""JSON Schemas of the bodies that are read and of the answers that are given, by pydantic."""

from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

REF = "#/components/schemas/{}"
TEMPLATE = "#/components/schemas/{model}"
# What pydantic calls the bounds of a value that is of one type or another.
KEYWORDS = {"gt": "exclusiveMinimum", "le": "maximum"}


class Strict(GenerateJsonSchema):
    """What the functions really read: amounts as numbers and never as texts; and nothing but what is named."""

    def decimal_schema(self, _schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        return {"type": "number"}

    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        made = super().union_schema(schema)
        return {"type": "number"} if made == {"anyOf": [{"type": "integer"}, {"type": "number"}]} else made

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        return super().typed_dict_schema(schema) | {"additionalProperties": False}


class Components:
    """The schemas by name; each is made when it is first asked for."""

    def __init__(self) -> None:
        self._schemas: dict[str, Any] = {}

    def body(self, model: type[BaseModel]) -> dict[str, str]:
        """A reference to the schema of a request's body."""
        made = model.model_json_schema(schema_generator=Strict, ref_template=TEMPLATE)
        return self._add(model.__name__, made)

    def answer(self, answer: Any) -> dict[str, str]:
        """A reference to the schema of an answer."""
        made = TypeAdapter(answer).json_schema(schema_generator=Strict, ref_template=TEMPLATE, mode="serialization")
        return self._add(answer.__name__, made)

    def add(self, name: str, schema: dict[str, Any]) -> dict[str, str]:
        """A reference to a schema that is there already."""
        self._schemas[name] = schema
        return {"$ref": REF.format(name)}

    def schemas(self) -> dict[str, Any]:
        """All of them, in the order of their names."""
        return dict(sorted(self._schemas.items()))

    def _add(self, name: str, made: dict[str, Any]) -> dict[str, str]:
        for inner, schema in made.pop("$defs", {}).items():
            self.add(inner, _tidy(schema))
        return self.add(name, _tidy(made))


def _tidy(schema: Any) -> Any:
    """Without the titles that pydantic derives from the names beside them, and the nulls that it has as defaults."""
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
