"""What each secret must look like. The functions, the local stack and `make secrets` refuse the same values.

Each function takes the text that is stored and returns the values in it. It raises ConfigurationError, which names the
secret and the fix and never repeats the value.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from topup.domain.errors import ConfigurationError

SHORTEST = 20  # bytes; what is shorter, or written by a person, can be guessed
SHORTEST_JWT_SECRET = 32  # bytes (RFC 7518, 3.2)

SERVICE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_NAMED_KEY = re.compile(rf"(?P<name>{SERVICE_NAME.pattern}):(?P<scopes>[a-z]+(\+[a-z]+)*):(?P<key>.+)")
_STRIPE_KEY = re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9_]+")
_MAKE_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))" makes one'


class Scope(StrEnum):
    """What a trusted service may do."""

    CHECKOUT = "checkout"  # open checkouts, together with the buyer's token
    READ = "read"  # read any user's credits and payments
    SPEND = "spend"  # spend, hold and give back any user's credits
    GRANT = "grant"  # give any user credits


@dataclass(frozen=True)
class ApiKey:
    """A key that a trusted service sends, and under which name the ledger says what the service has done."""

    name: str
    scopes: frozenset[Scope]
    key: str


# A key that is stored without a name: as all keys were before they had any.
DEFAULT_NAME = "default"
DEFAULT_SCOPES = frozenset({Scope.CHECKOUT, Scope.READ, Scope.SPEND})


def listed(text: str) -> tuple[str, ...]:
    """The parts of a comma-separated text, without those that are empty."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def stripe_key(text: str) -> str:
    """The one key that this deployment calls Stripe with."""
    key = text.strip()
    if not _STRIPE_KEY.fullmatch(key):
        raise ConfigurationError("STRIPE_SECRET_KEY must be a secret key of Stripe's: sk_test_…, sk_live_…, rk_…")
    return key


def webhook_secrets(text: str) -> tuple[str, ...]:
    """The signing secrets of Stripe's endpoints, never none: whoever knows one can grant credits."""
    secrets = listed(text)
    if not secrets:
        raise ConfigurationError("STRIPE_WEBHOOK_SECRET is empty: set the endpoint's signing secret (whsec_…)")
    if any(not secret.startswith("whsec_") or len(secret.encode()) < SHORTEST for secret in secrets):
        raise ConfigurationError(
            f"STRIPE_WEBHOOK_SECRET must be a signing secret of Stripe's (whsec_…, at least {SHORTEST} bytes)"
        )
    return secrets


def api_keys(text: str) -> tuple[ApiKey, ...]:
    """The keys of trusted services, each `name:scope+scope:key` or the key alone; with none, every key is refused."""
    keys = tuple(_api_key(part) for part in listed(text))
    if any(len(one.key.encode()) < SHORTEST for one in keys):
        raise ConfigurationError(f"Each key in PROXY_API_KEY must have at least {SHORTEST} bytes: {_MAKE_ONE}")
    return keys


def _api_key(text: str) -> ApiKey:
    named = _NAMED_KEY.fullmatch(text)
    if named is None:
        return ApiKey(DEFAULT_NAME, DEFAULT_SCOPES, text)
    scopes = named["scopes"].split("+")
    if unknown := set(scopes) - {*Scope}:
        raise ConfigurationError(
            f"PROXY_API_KEY has a key {named['name']!r} with the scope {min(unknown)!r}: there are {', '.join(Scope)}"
        )
    return ApiKey(named["name"], frozenset(map(Scope, scopes)), named["key"])


def jwt_secrets(text: str) -> tuple[str, ...]:
    """The secrets that users' tokens are signed with, never none; the issuer signs with the first."""
    secrets = listed(text)
    if not secrets or any(len(secret.encode()) < SHORTEST_JWT_SECRET for secret in secrets):
        raise ConfigurationError(
            f"JWT_SECRET must have at least {SHORTEST_JWT_SECRET} bytes, and so must each of several "
            f"(or set JWT_JWKS_URL or JWT_PUBLIC_KEY instead): {_MAKE_ONE}"
        )
    return secrets
