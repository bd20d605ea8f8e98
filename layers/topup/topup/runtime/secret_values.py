"""What each secret must look like. The functions, the local stack and `make secrets` refuse the same values.

Each function takes the text that is stored and returns the values in it. It raises ConfigurationError, which names the
secret and the fix and never repeats the value.
"""

import re

from topup.domain.errors import ConfigurationError

SHORTEST = 20  # bytes; what is shorter, or written by a person, can be guessed
SHORTEST_JWT_SECRET = 32  # bytes (RFC 7518, 3.2)

_STRIPE_KEY = re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9_]+")
_MAKE_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))" makes one'


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


def api_keys(text: str) -> tuple[str, ...]:
    """The keys of trusted services; with none, every key is refused."""
    keys = listed(text)
    if any(len(key.encode()) < SHORTEST for key in keys):
        raise ConfigurationError(f"Each key in PROXY_API_KEY must have at least {SHORTEST} bytes: {_MAKE_ONE}")
    return keys


def jwt_secrets(text: str) -> tuple[str, ...]:
    """The secrets that users' tokens are signed with, never none; the issuer signs with the first."""
    secrets = listed(text)
    if not secrets or any(len(secret.encode()) < SHORTEST_JWT_SECRET for secret in secrets):
        raise ConfigurationError(
            f"JWT_SECRET must have at least {SHORTEST_JWT_SECRET} bytes, and so must each of several "
            f"(or set JWT_JWKS_URL or JWT_PUBLIC_KEY instead): {_MAKE_ONE}"
        )
    return secrets
