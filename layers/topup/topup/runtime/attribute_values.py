"""Write and read DynamoDB's attributes without asking each whether it is of each of ten kinds, as botocore does.

In the JSON of a request and of an answer most attributes are what the client's caller sends and gets.
"""

from typing import Any

from botocore import parsers, serialize

# The kinds that JSON has: not binaries, nor what may hold them.
AS_THEY_ARE = frozenset({"S", "N", "BOOL", "NULL", "SS", "NS"})

_JSONParser: Any = parsers.JSONParser
_JSONSerializer: Any = serialize.JSONSerializer


class Parser(_JSONParser):  # type: ignore[misc]
    """botocore's own for the protocol that DynamoDB has."""

    def _handle_map(self, shape: Any, value: Any) -> Any:
        of = shape.value
        if of.name != "AttributeValue":
            return super()._handle_map(shape, value)
        return {name: one if one.keys() <= AS_THEY_ARE else self._parse_shape(of, one) for name, one in value.items()}


class Serializer(_JSONSerializer):  # type: ignore[misc]
    """botocore's own for the protocol that DynamoDB has."""

    def _serialize_type_map(self, serialized: Any, value: Any, shape: Any, key: str) -> None:
        of = shape.value
        if of.name != "AttributeValue":
            super()._serialize_type_map(serialized, value, shape, key)
            return
        serialized[key] = attributes = {}
        for name, one in value.items():
            if one.keys() <= AS_THEY_ARE:
                attributes[name] = one
            else:
                self._serialize(attributes, one, of, name)
