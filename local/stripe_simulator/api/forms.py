"""Form-encoded bodies with brackets: `a[b][0][c]=1` and `a[]=1`."""

import re
from typing import Any
from urllib.parse import parse_qsl

from local.stripe_simulator.core.errors import InvalidParameter

# Deeper than any of Stripe's parameters, and far below Python's recursion limit.
MAX_DEPTH = 10
NAME = re.compile(r"^[^\[\]]+(\[[^\[\]]*\])*$")


def decode(encoded: str) -> dict[str, Any]:
    """Nested dictionaries of strings; a list is a dictionary whose keys are its positions."""
    decoded: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        keys = split_name(name)
        put(decoded, keys, value, name)
    return decoded


def split_name(name: str) -> list[str]:
    if not NAME.match(name):
        raise InvalidParameter(f"Invalid request (check the parameter name '{name}')", param=name)
    keys = name.replace("]", "").split("[")
    if len(keys) > MAX_DEPTH:
        raise InvalidParameter(f"The parameter '{name}' is nested too deeply", param=name)
    return keys


def put(into: dict[str, Any], keys: list[str], value: str, name: str) -> None:
    for key in keys[:-1]:
        nested = into.setdefault(position(into, key), {})
        if not isinstance(nested, dict):
            raise InvalidParameter(f"'{name}' is both a value and a hash", param=name)
        into = nested
    into[position(into, keys[-1])] = value


def position(of: dict[str, Any], key: str) -> str:
    return key or str(len(of))
