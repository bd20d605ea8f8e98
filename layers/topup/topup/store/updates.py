"""Writes that set what changed and nothing else: other requests and other versions may be writing the rest."""

from collections.abc import Mapping
from typing import Any

from topup.store import attributes

Fields = Mapping[str, Any]


def update_changed(before: Fields, after: Fields, condition: str, condition_values: Fields) -> Any:
    """The expressions of an update of the fields that differ; `#status` may be used in the condition."""
    changed = {name: value for name, value in after.items() if value != before.get(name)}
    sets = [f"#{name} = :{name}" for name, value in changed.items() if value is not None]
    removes = [f"#{name}" for name, value in changed.items() if value is None]
    values = {f":{name}": value for name, value in changed.items()} | dict(condition_values)
    named = [name for name in dict.fromkeys([*changed, "status"]) if name in changed or f"#{name} " in condition]
    update: dict[str, Any] = {
        "UpdateExpression": " ".join(
            f"{verb} {', '.join(parts)}" for verb, parts in (("SET", sets), ("REMOVE", removes)) if parts
        ),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {f"#{name}": name for name in named},
    }
    if given := attributes.to_item(values):
        update["ExpressionAttributeValues"] = given
    return update
