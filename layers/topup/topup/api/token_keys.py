"""The keys that may have signed a token. The algorithm follows from the configured key, never from the token."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from topup.api.provider_keys import ProviderKeys
from topup.api.token_library import jwt
from topup.domain.errors import ConfigurationError
from topup.runtime import config

SHARED_SECRET_ALGORITHM = "HS256"  # noqa: S105

Key = tuple[Any, str]  # with its algorithm


def of(token: str) -> Iterator[Key]:
    """The keys to try, one after the other; raises ConfigurationError, Busy, Unauthorized, and PyJWT's errors."""
    settings = config.settings()
    if settings.jwks_url:
        key = _provider(settings.jwks_url).find(jwt.get_unverified_header(token).get("kid"))
        yield key.key, key.algorithm_name
    elif settings.jwt_public_key:
        yield public_key(settings.jwt_public_key)
    else:
        yield from ((secret, SHARED_SECRET_ALGORITHM) for secret in _shared_secrets())


def _shared_secrets() -> Iterator[str]:
    """Those that are known, and then those that have been added since."""
    known = config.jwt_secrets()
    yield from known
    yield from (secret for secret in config.jwt_secrets(look_again=True) if secret not in known)


@cache
def _provider(url: str) -> ProviderKeys:
    return ProviderKeys(url)


@cache
def public_key(pem: str) -> Key:
    """The key in a PEM text, and its algorithm; raises ConfigurationError."""
    # Imported here: a shared secret does not need it.
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        raise ConfigurationError("JWT_PUBLIC_KEY must be a public key in PEM (-----BEGIN PUBLIC KEY-----)") from None
    for kind, algorithm in ((rsa.RSAPublicKey, "RS256"), (ed25519.Ed25519PublicKey, "EdDSA")):
        if isinstance(key, kind):
            return key, algorithm
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key, "ES256"
    raise ConfigurationError("JWT_PUBLIC_KEY must be an RSA, P-256 or Ed25519 key")
