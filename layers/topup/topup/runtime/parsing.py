"""Parse DynamoDB's answers without asking each attribute whether it is of each of ten kinds, as botocore does.

Most attributes of an answer's JSON are what a client returns already: a tenth of a read's CPU time.
"""

from typing import Any

from botocore import parsers

# The kinds that JSON has: not binaries, nor what may hold them.
AS_THEY_ARE = frozenset({"S", "N", "BOOL", "NULL", "SS", "NS"})

_JSONParser: Any = parsers.JSONParser
_Factory: Any = parsers.ResponseParserFactory


class _Parser(_JSONParser):  # type: ignore[misc]
    def _handle_map(self, shape: Any, value: Any) -> Any:
        of = shape.value
        if of.name != "AttributeValue":
            return super()._handle_map(shape, value)
        return {name: one if one.keys() <= AS_THEY_ARE else self._parse_shape(of, one) for name, one in value.items()}


class Parsers(_Factory):  # type: ignore[misc]
    """botocore's own, but for the protocol that DynamoDB has."""

    def create_parser(self, protocol_name: str) -> Any:
        return _Parser(**self._defaults) if protocol_name == "json" else super().create_parser(protocol_name)
