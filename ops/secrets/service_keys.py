"""Whose key is whose in PROXY_API_KEY, which holds the keys of all services, one after another."""

from dataclasses import dataclass

from topup.domain.errors import ConfigurationError
from topup.runtime import secret_values
from topup.runtime.secret_values import DEFAULT_NAME, ApiKey

API_KEYS = "PROXY_API_KEY"


@dataclass(frozen=True)
class Split:
    """The values of a secret: those that replace one another, newest first, and those that stay beside them."""

    own: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def split(secret: str, text: str, service: str = DEFAULT_NAME) -> Split:
    """Of PROXY_API_KEY, the keys of one service and those of the others; of another secret all are its own.

    Raises ConfigurationError if a key has an unknown scope or is too short.
    """
    values = secret_values.listed(text)
    if secret != API_KEYS:
        return Split(own=values)
    own = tuple(value for value in values if parsed(value).name == service)
    return Split(own, others=tuple(value for value in values if value not in own))


def accepted(secret: str, text: str) -> str:
    """The same without the keys that the functions would refuse; of another secret all of it."""
    if secret != API_KEYS:
        return text
    return ",".join(value for value in secret_values.listed(text) if _is_accepted(value))


def _is_accepted(value: str) -> bool:
    try:
        parsed(value)
    except ConfigurationError:
        return False
    return True


def parsed(value: str) -> ApiKey:
    """One key as it is stored; raises ConfigurationError."""
    [key] = secret_values.api_keys(value)
    return key
