"""DynamoDB's typed attributes to plain fields and back.

boto3.dynamodb.types does the same for every type there is, and importing it imports all of boto3.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from topup.domain import times

Item = dict[str, Any]


def to_item(fields: Mapping[str, Any]) -> Item:
    """Typed attributes of plain fields; None is left out, so that sparse indexes stay sparse."""
    return {name: _typed(value) for name, value in fields.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> Item:
    """Plain fields of typed attributes, whole numbers as int."""
    # Most attributes are texts: they are taken without a call.
    return {name: value["S"] if "S" in value else _plain(value) for name, value in item.items()}


def text_of(moment: datetime | None) -> str | None:
    return times.to_sortable_text(moment) if moment else None


def moment_of(text: str | None) -> datetime | None:
    return times.from_text(text) if text else None


def _typed(value: Any) -> Item:
    match value:
        case bool():  # before int, of which it is one
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case dict():
            return {"M": to_item(value)}
        case list():
            return {"L": [_typed(part) for part in value]}
    raise TypeError(f"Bug! items hold no {type(value).__name__}")


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return int(Decimal(text))


def _plain(attribute: Mapping[str, Any]) -> Any:
    [(kind, value)] = attribute.items()
    match kind:
        case "N":
            return _number(value)
        case "M":
            return from_item(value)
        case "L":
            return [_plain(part) for part in value]
        case "NULL":
            return None
        case _:  # a text in a list, a boolean; or a type that was added by hand and that nothing here reads
            return value
