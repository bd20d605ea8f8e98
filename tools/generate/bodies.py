"""Part of `make openapi`: layers/topup/topup/api/bodies.json, by which functions read the bodies of requests."""

import json
from collections.abc import Mapping
from typing import Any

from local import ROOT
from topup.api import bodies
from topup.api.requests import CHECKS, SCHEMAS

# What the validator does not read: notes for JSON Schema, references that nothing refers to, and how pydantic makes
# instances of its models.
UNREAD = {"metadata", "ref", "cls", "custom_init", "root_model", "computed_fields"}


def schemas() -> dict[str, Any]:
    """By the name of each model, its schema for pydantic's validator; checks of our own stand there by their names."""
    models = {name: model for name, model in vars(bodies).items() if name.endswith("Body") and name != "Body"}
    return {name: _as_json(model.__pydantic_core_schema__) for name, model in sorted(models.items())}


def _as_json(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {name: _as_json(value) for name, value in part.items() if name not in UNREAD or _is_field(value)}
    if isinstance(part, list | tuple):
        return [_as_json(one) for one in part]
    if not callable(part):
        return part
    if part not in CHECKS.values():
        raise ValueError(f"{part} is no check of ours: bodies.json can only name those in `requests`")
    return part.__name__


def _is_field(part: Any) -> bool:
    """A body may have a field called `metadata`."""
    return isinstance(part, Mapping) and part.get("type") == "model-field"


def write() -> None:
    SCHEMAS.write_text(json.dumps(schemas(), indent=1) + "\n", encoding="utf-8")
    print(SCHEMAS.relative_to(ROOT))
