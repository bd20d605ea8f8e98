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

from topup.domain import catalogue_file
from topup.domain.catalogue import Catalogue
from topup.domain.errors import ConfigurationError
from topup.runtime import secret_values
from topup.runtime.secret_values import ApiKey, listed

if os.environ.get("SECRETS"):
    # On AWS this function has secrets: what reads them is loaded while it starts, without reading any.
    import topup.runtime.parameter_store  # noqa: F401

CATALOGUE_FILE = Path(__file__).parents[1] / "catalogue.json"
SECRET_MAX_AGE = 300  # seconds; after this long every function uses a rotated secret

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1)[:/]")
ANY_AUDIENCE = "*"  # the operator's word that tokens for any application of the identity provider are good


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
    jwt_audiences: tuple[str, ...]  # empty, or ANY_AUDIENCE alone: not checked
    admin_claim: str
    admin_claim_is_list: bool
    admin_value: str
    support_value: str
    refund_fraud_warnings: bool

    @property
    def stack_names(self) -> tuple[str, ...]:
        """The name that objects at Stripe carry, and those that they were given by stacks that this one replaces."""
        return (self.stack_name, *self.former_stack_names)


@cache
def settings() -> Settings:
    """This deployment's settings; raises ConfigurationError naming the variable and the fix."""
    return Settings(
        stack_name=_required("STACK_NAME"),
        former_stack_names=listed(os.environ.get("FORMER_STACK_NAMES", "")),
        orders_table=_required("ORDERS_TABLE"),
        credits_table=_required("CREDITS_TABLE"),
        frontend_origins=_frontend_origins(_required("FRONTEND_URL")),
        stripe_api_base=os.environ.get("STRIPE_API_BASE", ""),
        expire_after_months=_months(os.environ.get("CREDITS_EXPIRE_AFTER_MONTHS", "6")),
        jwks_url=_jwks_url(os.environ.get("JWT_JWKS_URL", "")),
        jwt_public_key=os.environ.get("JWT_PUBLIC_KEY", "").replace("\\n", "\n"),
        jwt_issuer=os.environ.get("JWT_ISSUER", ""),
        jwt_audiences=_audiences(os.environ.get("JWT_AUDIENCE", ""), os.environ.get("JWT_JWKS_URL", "")),
        admin_claim=os.environ.get("ADMIN_CLAIM") or "role",
        admin_claim_is_list=_true_or_false("ADMIN_CLAIM_IS_LIST"),
        admin_value=os.environ.get("ADMIN_VALUE") or "admin",
        support_value=os.environ.get("SUPPORT_VALUE") or "support",
        refund_fraud_warnings=_true_or_false("REFUND_FRAUD_WARNINGS"),
    )


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """How the console signs people in at the identity provider (OpenID Connect, authorization code with PKCE)."""

    issuer: str
    client_id: str
    scopes: str
    audience: str
    origins: tuple[str, ...]  # that the console calls for it, the issuer's included


def console_sign_in() -> SignIn | None:
    """None where people sign in by pasting a token; raises ConfigurationError naming the variable and the fix."""
    client_id = os.environ.get("CONSOLE_CLIENT_ID", "")
    if not client_id:
        return None
    issuer = settings().jwt_issuer
    origin = _ORIGIN.match(issuer)
    if not origin or not (issuer.startswith("https://") or _LOOPBACK.match(issuer)):
        raise ConfigurationError("CONSOLE_CLIENT_ID needs JWT_ISSUER, an address that starts with https://")
    return SignIn(
        issuer=issuer,
        client_id=client_id,
        scopes=os.environ.get("CONSOLE_SCOPES") or "openid",
        audience=os.environ.get("CONSOLE_AUDIENCE", ""),
        origins=(origin.group(), *_origins_of("CONSOLE_ORIGINS", os.environ.get("CONSOLE_ORIGINS", ""))),
    )


def event_bus() -> str:
    """The bus for events, its name or its ARN; raises ConfigurationError."""
    return _required("EVENT_BUS")


def low_balance() -> int:
    """Users whose balance falls below so many credits are told of; 0 where none is. Raises ConfigurationError."""
    text = os.environ.get("LOW_BALANCE_THRESHOLD", "0")
    if not text.isdecimal():
        raise ConfigurationError("LOW_BALANCE_THRESHOLD must be a whole number of credits; 0 = nobody is told")
    return int(text)


@cache
def catalogue() -> Catalogue:
    """The packages on sale; raises ConfigurationError naming the field and the fix."""
    file = Path(os.environ.get("CATALOGUE_FILE") or CATALOGUE_FILE)  # another one only to try it, on a local stack
    try:
        document = json.loads(file.read_bytes(), parse_float=Decimal)
    except OSError as error:
        raise ConfigurationError(f"{file.name} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"{file.name} is not valid JSON: {error}") from None
    return catalogue_file.parse(document)


# --------------------------------------------------------------------------------------------------------- secrets


def stripe_secret_key() -> str:
    """The key that this deployment calls Stripe with; raises ConfigurationError."""
    return secret_values.stripe_key(_secret("STRIPE_SECRET_KEY"))


def is_livemode() -> bool:
    """Whether the configured Stripe key moves real money."""
    return stripe_secret_key().split("_")[1] == "live"


# Of the following secrets several are accepted while one replaces another. `look_again` reads them again, unless that
# was done a moment ago: for a caller whose signature or key fits none of those that are known.


def webhook_secrets(*, look_again: bool = False) -> tuple[str, ...]:
    """The signing secrets of Stripe's webhook endpoints, never none; raises ConfigurationError."""
    return secret_values.webhook_secrets(_secret("STRIPE_WEBHOOK_SECRET", look_again=look_again))


def api_keys(*, look_again: bool = False) -> tuple[ApiKey, ...]:
    """The keys that trusted services may send as X-API-Key; with none, every key is refused.

    Raises ConfigurationError if one of them is too short, or has a scope that does not exist.
    """
    return secret_values.api_keys(_secret("PROXY_API_KEY", look_again=look_again))


def jwt_secrets(*, look_again: bool = False) -> tuple[str, ...]:
    """The secrets shared with the issuer of users' tokens, never none; raises ConfigurationError."""
    return secret_values.jwt_secrets(_secret("JWT_SECRET", look_again=look_again))


def _secret(name: str, *, look_again: bool = False) -> str:
    prefix = os.environ.get("SECRETS_PREFIX", "")
    if not prefix:
        return os.environ.get(name, "").strip()
    # Imported here: the cold start of a function without secrets should not pay for it.
    from topup.runtime import parameter_store  # noqa: PLC0415

    # A function reads all its secrets at once: the template names them beside the policy that allows them.
    names = listed(os.environ.get("SECRETS", "")) or (name,)
    known = "" if look_again else parameter_store.read(prefix, names, SECRET_MAX_AGE).get(name, "")
    # One that was missing may have been stored since.
    return known or parameter_store.read(prefix, names, 0).get(name, "")


# --------------------------------------------------------------------------------------------------------- checks


def _required(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise ConfigurationError(f"{name} is not set: see .env.example, or template.yaml for what it is on AWS")
    return value


def _frontend_origins(text: str) -> tuple[str, ...]:
    origins = _origins_of("FRONTEND_URL", text)
    if not origins:
        raise ConfigurationError("FRONTEND_URL names no origin: write scheme://host[:port], several with commas")
    return origins


def _origins_of(name: str, text: str) -> tuple[str, ...]:
    origins = listed(text)
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigurationError(
                f"{name}: {origin!r} is not an origin: write scheme://host[:port] without a path or a final slash"
            )
    return origins


def _months(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 120):
        raise ConfigurationError("CREDITS_EXPIRE_AFTER_MONTHS must be a whole number from 1 to 120")
    return int(text)


def _jwks_url(url: str) -> str:
    if url and not url.startswith("https://") and not _LOOPBACK.match(url):
        raise ConfigurationError("JWT_JWKS_URL must start with https://")
    return url


def _audiences(text: str, jwks_url: str) -> tuple[str, ...]:
    audiences = listed(text)
    if jwks_url and not audiences:
        raise ConfigurationError(
            "JWT_AUDIENCE must be set with JWT_JWKS_URL: the provider signs tokens for all its applications with the "
            "same keys. Name yours (several with commas), or write * to accept every token of the provider"
        )
    if ANY_AUDIENCE in audiences and len(audiences) > 1:
        raise ConfigurationError("JWT_AUDIENCE must be either * or a list of audiences, not both")
    return audiences


def _true_or_false(name: str) -> bool:
    text = os.environ.get(name) or "false"
    if text not in ("true", "false"):
        raise ConfigurationError(f"{name} must be true or false")
    return text == "true"
