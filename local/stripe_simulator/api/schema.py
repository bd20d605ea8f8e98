"""Checks of request parameters, with the messages of the real API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from local.stripe_simulator.core.errors import InvalidParameter

MAX_METADATA_KEYS = 50
MAX_METADATA_KEY_LENGTH = 40
MAX_METADATA_VALUE_LENGTH = 500


class Parameter(Protocol):
    def read(self, raw: Any, name: str) -> Any:
        """The checked value of the parameter `name`; raises InvalidParameter."""


def text_of(raw: Any, name: str) -> str:
    if not isinstance(raw, str):
        raise InvalidParameter("Invalid string: expected a string, got a hash", param=name)
    return raw


def required_text(raw: Any, name: str) -> str:
    if text := text_of(raw, name):
        return text
    raise InvalidParameter(
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; "
        f"however '{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=name,
    )


@dataclass(frozen=True)
class Text:
    max_length: int = 5000

    def read(self, raw: Any, name: str) -> str:
        text = required_text(raw, name)
        if len(text) > self.max_length:
            message = f"Invalid string: {text[:20]}…; must be at most {self.max_length} characters"
            raise InvalidParameter(message, code="parameter_invalid_string_too_long", param=name)
        return text


@dataclass(frozen=True)
class Email(Text):
    def read(self, raw: Any, name: str) -> str:
        text = super().read(raw, name)
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", text):
            raise InvalidParameter(f"Invalid email address: {text}", code="email_invalid", param=name)
        return text


@dataclass(frozen=True)
class OptionalText:
    """A text; an empty value unsets it."""

    def read(self, raw: Any, name: str) -> str | None:
        return text_of(raw, name) or None


@dataclass(frozen=True)
class Url:
    def read(self, raw: Any, name: str) -> str:
        text = required_text(raw, name)
        try:
            parts = urlsplit(text)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in text):
            message = "Not a valid URL. The URL must start with http:// or https:// and name a host."
            raise InvalidParameter(message, code="url_invalid", param=name)
        return text


@dataclass(frozen=True)
class Integer:
    minimum: int | None = None
    maximum: int | None = None

    def read(self, raw: Any, name: str) -> int:
        text = required_text(raw, name)
        if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 18:
            raise InvalidParameter(f"Invalid integer: {text}", code="parameter_invalid_integer", param=name)
        value = int(text)
        if self.minimum is not None and value < self.minimum:
            message = f"This value must be greater than or equal to {self.minimum}."
            raise InvalidParameter(message, code="parameter_invalid_integer", param=name)
        if self.maximum is not None and value > self.maximum:
            message = f"This value must be less than or equal to {self.maximum}."
            raise InvalidParameter(message, code="parameter_invalid_integer", param=name)
        return value


@dataclass(frozen=True)
class Boolean:
    def read(self, raw: Any, name: str) -> bool:
        text = required_text(raw, name)
        if text not in ("true", "false"):
            raise InvalidParameter(f"Invalid boolean: {text}", param=name)
        return text == "true"


@dataclass(frozen=True)
class OneOf:
    values: tuple[str, ...]

    def read(self, raw: Any, name: str) -> str:
        text = required_text(raw, name)
        if text not in self.values:
            raise InvalidParameter(f"Invalid {name}: must be one of {listed(self.values)}", param=name)
        return text


def listed(values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])}, or {values[-1]}"


@dataclass(frozen=True)
class Metadata:
    def read(self, raw: Any, name: str) -> dict[str, str]:
        if raw == "":  # an empty value unsets all keys
            return {}
        if not isinstance(raw, dict):
            raise InvalidParameter("Invalid hash: expected key-value pairs", param=name)
        if len(raw) > MAX_METADATA_KEYS:
            raise InvalidParameter(f"Metadata can have at most {MAX_METADATA_KEYS} keys", param=name)
        return {key: self.value_of(key, value, name) for key, value in raw.items()}

    def value_of(self, key: str, value: Any, name: str) -> str:
        if len(key) > MAX_METADATA_KEY_LENGTH:
            message = f"Invalid metadata key '{key[:MAX_METADATA_KEY_LENGTH]}…': must be under 40 characters"
            raise InvalidParameter(message, param=name)
        text = text_of(value, f"{name}[{key}]")
        if len(text) > MAX_METADATA_VALUE_LENGTH:
            message = f"Metadata values can have up to 500 characters, but you passed in {len(text)} for '{key}'"
            raise InvalidParameter(message, param=f"{name}[{key}]")
        return text


@dataclass(frozen=True)
class ListOf:
    item: Parameter
    max_items: int = 100

    def read(self, raw: Any, name: str) -> list[Any]:
        if raw == "":
            return []
        if not isinstance(raw, dict) or not all(key.isdigit() for key in raw):
            raise InvalidParameter("Invalid array", code="parameter_invalid_array", param=name)
        if len(raw) > self.max_items:
            raise InvalidParameter(f"Array too long: at most {self.max_items} values", param=name)
        return [self.item.read(raw[key], f"{name}[{key}]") for key in sorted(raw, key=int)]


@dataclass(frozen=True)
class Either:
    """A value or a hash: `created=1` and `created[gte]=1`."""

    value: Parameter
    hash: Parameter

    def read(self, raw: Any, name: str) -> Any:
        return (self.hash if isinstance(raw, dict) else self.value).read(raw, name)


@dataclass(frozen=True)
class Anything:
    """Accepted unchecked: fields that the simulator does not use."""

    def read(self, raw: Any, name: str) -> Any:  # noqa: ARG002 - the interface of Parameter
        return raw


@dataclass(frozen=True)
class Hash:
    fields: Mapping[str, Parameter]
    required: tuple[str, ...] = field(default=())

    def read(self, raw: Any, name: str = "") -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise InvalidParameter("Invalid hash", code="parameter_invalid_hash", param=name)
        self.refuse_unknown(raw, name)
        for key in self.required:
            if key not in raw:
                missing = within(name, key)
                message = f"Missing required param: {missing}."
                raise InvalidParameter(message, code="parameter_missing", param=missing)
        return {key: self.fields[key].read(value, within(name, key)) for key, value in raw.items()}

    def refuse_unknown(self, raw: dict[str, Any], name: str) -> None:
        unknown = [within(name, key) for key in raw if key not in self.fields]
        if unknown:
            plural = "s" if len(unknown) > 1 else ""
            message = f"Received unknown parameter{plural}: {', '.join(unknown)}"
            raise InvalidParameter(message, code="parameter_unknown", param=unknown[0])


def within(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key
