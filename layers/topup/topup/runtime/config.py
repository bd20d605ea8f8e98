"""Read the settings and secrets of this deployment, on first use; a wrong value is refused by name, with the fix.

Secrets come from SSM Parameter Store below SECRETS_PREFIX (a SecureString each, named like the variable), or, where
that is empty, from environment variables. They are not part of Settings, so that nothing prints them by accident.
"""

import json
import os
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from topup.domain.catalogue import Catalogue
from topup.domain.errors import ConfigurationError

CATALOGUE_FILE = Path(__file__).parents[1] / "catalogue.json"
SECRET_MAX_AGE = 300  # seconds; after this long every function uses a rotated secret

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_STRIPE_KEY = re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9_]+")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything about this deployment that is not secret."""

    stack_name: str
    former_stack_names: tuple[str, ...]
    orders_table: str
    credits_table: str
    frontend_origins: tuple[str, ...]
    stripe_api_base: str
    expire_after_months: int
    jwks_url: str
    jwt_public_key: str
    jwt_issuer: str
    jwt_audience: str
    admin_claim: str
    admin_value: str
    support_value: str

    @property
    def stack_names(self) -> tuple[str, ...]:
        """The name that objects at Stripe carry, and those that they were given by stacks that this one replaces."""
        return (self.stack_name, *self.former_stack_names)


@cache
def settings() -> Settings:
    """This deployment's settings; raises ConfigurationError naming the variable and the fix."""
    return Settings(
        stack_name=_required("STACK_NAME"),
        former_stack_names=_listed(os.environ.get("FORMER_STACK_NAMES", "")),
        orders_table=_required("ORDERS_TABLE"),
        credits_table=_required("CREDITS_TABLE"),
        frontend_origins=_origins(_required("FRONTEND_URL")),
        stripe_api_base=os.environ.get("STRIPE_API_BASE", ""),
        expire_after_months=_months(os.environ.get("CREDITS_EXPIRE_AFTER_MONTHS", "6")),
        jwks_url=_jwks_url(os.environ.get("JWT_JWKS_URL", "")),
        jwt_public_key=os.environ.get("JWT_PUBLIC_KEY", "").replace("\\n", "\n"),
        jwt_issuer=os.environ.get("JWT_ISSUER", ""),
        jwt_audience=os.environ.get("JWT_AUDIENCE", ""),
        admin_claim=os.environ.get("ADMIN_CLAIM") or "role",
        admin_value=os.environ.get("ADMIN_VALUE") or "admin",
        support_value=os.environ.get("SUPPORT_VALUE") or "support",
    )


@cache
def catalogue() -> Catalogue:
    """The packages on sale; raises ConfigurationError naming the field and the fix."""
    try:
        document = json.loads(CATALOGUE_FILE.read_bytes(), parse_float=Decimal)
    except OSError as error:
        raise ConfigurationError(f"{CATALOGUE_FILE.name} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"{CATALOGUE_FILE.name} is not valid JSON: {error}") from None
    return Catalogue.parse(document)


# --------------------------------------------------------------------------------------------------------- secrets


def stripe_secret_key() -> str:
    """The key that this deployment calls Stripe with; raises ConfigurationError."""
    key = _secret("STRIPE_SECRET_KEY")
    if not _STRIPE_KEY.fullmatch(key):
        raise ConfigurationError("STRIPE_SECRET_KEY must be a secret key of Stripe's: sk_test_…, sk_live_…, rk_…")
    return key


def is_livemode() -> bool:
    """Whether the configured Stripe key moves real money."""
    return stripe_secret_key().split("_")[1] == "live"


def webhook_secrets() -> tuple[str, ...]:
    """The signing secrets of Stripe's webhook endpoints; several while one replaces another. Never empty."""
    secrets = _listed(_secret("STRIPE_WEBHOOK_SECRET"))
    if not secrets:
        raise ConfigurationError("STRIPE_WEBHOOK_SECRET is empty: set the endpoint's signing secret (whsec_…)")
    return secrets


def api_keys() -> tuple[str, ...]:
    """The keys that trusted services may send as X-API-Key; with none configured, every key is refused."""
    return _listed(_secret("PROXY_API_KEY"))


def jwt_secret() -> str:
    """The secret shared with the issuer of users' tokens; raises ConfigurationError below 32 bytes (RFC 7518, 3.2)."""
    secret = _secret("JWT_SECRET")
    if len(secret.encode()) < 32:
        raise ConfigurationError(
            "JWT_SECRET must have at least 32 bytes (or set JWT_JWKS_URL or JWT_PUBLIC_KEY instead): "
            'python3 -c "import secrets; print(secrets.token_urlsafe(48))" makes one'
        )
    return secret


def _secret(name: str) -> str:
    prefix = os.environ.get("SECRETS_PREFIX", "")
    return _from_parameter_store(prefix, name) if prefix else os.environ.get(name, "").strip()


def _from_parameter_store(prefix: str, name: str) -> str:
    # Imported here: the cold start of a function without secrets should not pay for it.
    from topup.runtime import parameter_store  # noqa: PLC0415

    # A function reads all its secrets at once: the template names them beside the policy that allows them.
    names = _listed(os.environ.get("SECRETS", "")) or (name,)
    return parameter_store.read(prefix, names, SECRET_MAX_AGE).get(name, "")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


# --------------------------------------------------------------------------------------------------------- checks


def _required(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise ConfigurationError(f"{name} is not set: see .env.example, or template.yaml for what it is on AWS")
    return value


def _origins(text: str) -> tuple[str, ...]:
    origins = _listed(text)
    if not origins:
        raise ConfigurationError("FRONTEND_URL names no origin: write scheme://host[:port], several with commas")
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigurationError(
                f"FRONTEND_URL: {origin!r} is not an origin: write scheme://host[:port] without a path or a final slash"
            )
    return origins


def _months(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 120):
        raise ConfigurationError("CREDITS_EXPIRE_AFTER_MONTHS must be a whole number from 1 to 120")
    return int(text)


def _jwks_url(url: str) -> str:
    is_loopback = re.match(r"http://(localhost|127\.0\.0\.1)[:/]", url)
    if url and not url.startswith("https://") and not is_loopback:
        raise ConfigurationError("JWT_JWKS_URL must start with https://")
    return url
