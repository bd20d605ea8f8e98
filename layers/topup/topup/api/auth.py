"""Authenticate users by their token (JWT)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from jwt import PyJWKClient

from topup.api.endpoint import Request
from topup.domain.errors import Busy, ConfigurationError, Forbidden, Unauthorized
from topup.runtime import config, failures
from topup.runtime.failures import Failure
from topup.runtime.telemetry import logger

LONGEST_USER_ID = 255  # characters (OpenID Connect Core, 2); it must fit in Stripe's metadata too
LONGEST_EMAIL = 254  # characters (RFC 5321, 4.5.3.1.3, without the angle brackets)
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}")
JWKS_TIMEOUT = 3  # seconds
LEEWAY = 0  # seconds; tokens are minutes long, clocks are synchronised
SHARED_SECRET_ALGORITHM = "HS256"  # noqa: S105
PUBLIC_KEY_ALGORITHMS = ("RS256", "ES256", "EdDSA")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """An authenticated user. Administrators may do everything, support staff may read everything.

    `email` is the address that the token names, unless it says that nobody has verified it.
    """

    user_id: str
    email: str | None
    is_admin: bool
    is_support: bool

    @property
    def may_read_all(self) -> bool:
        """Whether other users' payments and credits may be shown."""
        return self.is_admin or self.is_support


def authenticate(request: Request) -> Caller:
    """The user whose token this is; raises Unauthorized for every token that is not valid in full."""
    claims = _verified_claims(_bearer_token(request))
    settings = config.settings()
    return Caller(
        user_id=_user_id(claims),
        email=_email(claims),
        # Compared exactly: a list that contains the value, or the value in another case, is not the value.
        is_admin=claims.get(settings.admin_claim) == settings.admin_value,
        is_support=claims.get(settings.admin_claim) == settings.support_value,
    )


def authenticate_admin(request: Request) -> Caller:
    """The administrator whose token this is; raises Unauthorized, Forbidden."""
    caller = authenticate(request)
    if not caller.is_admin:
        raise Forbidden("Only an administrator may do this")
    return caller


def _bearer_token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("Send Authorization: Bearer <token>")
    return token.strip()


def _verified_claims(token: str) -> Mapping[str, Any]:
    settings = config.settings()
    find_key = _key_finder()
    try:
        key, algorithm = find_key(token)
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=settings.jwt_issuer or None,
            audience=settings.jwt_audience or None,
            leeway=LEEWAY,
            options={"require": ["exp", "sub"], "verify_aud": bool(settings.jwt_audience)},
        )
    except Exception as error:
        if failures.of(error) is not Failure.FINAL:
            logger.error("the identity provider's keys cannot be fetched", reason=str(error))
            raise Busy("The identity provider does not answer") from error
        # Any failure is the token's fault: its author may have put numbers too large, or objects for strings, in it.
        logger.info("token refused", reason=type(error).__name__)
        raise Unauthorized("The token is invalid or has expired") from None


def _user_id(claims: Mapping[str, Any]) -> str:
    expires, user_id = claims["exp"], claims["sub"]
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise Unauthorized("The token is invalid or has expired")
    if not isinstance(user_id, str) or not 0 < len(user_id) <= LONGEST_USER_ID or not user_id.isprintable():
        raise Unauthorized("The token names no user")
    return user_id


def _email(claims: Mapping[str, Any]) -> str | None:
    """Stripe refuses a checkout with an address that is none, so a doubtful one is left out."""
    email = claims.get("email")
    is_usable = isinstance(email, str) and len(email) <= LONGEST_EMAIL and _EMAIL.fullmatch(email)
    return email if is_usable and claims.get("email_verified", True) is True else None


# ---------------------------------------------------------------------------------------------- the issuer's key

KeyFinder = Callable[[str], tuple[Any, str]]


def _key_finder() -> KeyFinder:
    """The function that finds a token's key. The algorithm follows from the configured key, never from the token."""
    settings = config.settings()
    if settings.jwks_url:
        return _from_jwks(settings.jwks_url)
    if settings.jwt_public_key:
        return _from_public_key(settings.jwt_public_key)
    secret = config.jwt_secret()
    return lambda _token: (secret, SHARED_SECRET_ALGORITHM)


@cache
def _from_jwks(url: str) -> KeyFinder:
    client = PyJWKClient(
        url, timeout=JWKS_TIMEOUT
    )  # it caches the keys for five minutes, so a withdrawn key is refused after that

    def find(token: str) -> tuple[Any, str]:
        key = client.get_signing_key_from_jwt(token)
        if key.algorithm_name not in PUBLIC_KEY_ALGORITHMS:
            raise Unauthorized("The token is invalid or has expired")
        return key.key, key.algorithm_name

    return find


@cache
def _from_public_key(pem: str) -> KeyFinder:
    # Imported here: a shared secret does not need it.
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        raise ConfigurationError("JWT_PUBLIC_KEY must be a public key in PEM (-----BEGIN PUBLIC KEY-----)") from None
    for kind, algorithm in ((rsa.RSAPublicKey, "RS256"), (ed25519.Ed25519PublicKey, "EdDSA")):
        if isinstance(key, kind):
            return lambda _token: (key, algorithm)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return lambda _token: (key, "ES256")
    raise ConfigurationError("JWT_PUBLIC_KEY must be an RSA, P-256 or Ed25519 key")
