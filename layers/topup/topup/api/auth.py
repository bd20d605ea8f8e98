"""Authenticate users by their token (JWT)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from topup.api import token_keys
from topup.api.endpoint import LONGEST_USER_ID, Request
from topup.api.token_keys import Key
from topup.api.token_library import jwt
from topup.domain.errors import Credential, Forbidden, TopupError, Unauthorized
from topup.runtime import config
from topup.runtime.config import ANY_AUDIENCE, Settings
from topup.runtime.telemetry import logger

LONGEST_EMAIL = 254  # characters (RFC 5321, 4.5.3.1.3, without the angle brackets)
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}")
LEEWAY = 30  # seconds: the issuer's clock and ours differ (RFC 7519, 4.1.4 allows a few minutes at most)


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
    """The user whose token this is; raises Unauthorized for every token that is not valid in full.

    Raises Busy while the token cannot be judged, because the identity provider or Parameter Store fails.
    """
    claims = _verified_claims(_bearer_token(request))
    settings = config.settings()
    return Caller(
        user_id=_user_id(claims),
        email=_email(claims),
        is_admin=_has_role(claims, settings.admin_value, settings),
        is_support=_has_role(claims, settings.support_value, settings),
    )


def authenticate_admin(request: Request) -> Caller:
    """The administrator whose token this is; raises Unauthorized, Forbidden, Busy."""
    caller = authenticate(request)
    if not caller.is_admin:
        raise Forbidden("Only an administrator may do this")
    return caller


def authenticate_staff(request: Request) -> Caller:
    """The administrator or member of the support staff whose token this is; raises Unauthorized, Forbidden, Busy."""
    caller = authenticate(request)
    if not caller.may_read_all:
        raise Forbidden("Only an administrator or support staff may do this")
    return caller


def _bearer_token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("Send Authorization: Bearer <token>", Credential.NO_TOKEN)
    return token.strip()


def _verified_claims(token: str) -> Mapping[str, Any]:
    settings = config.settings()
    try:
        return _claims_by_the_right_key(token, settings)
    except Unauthorized:
        logger.info("token refused", reason="UnknownKey")
        raise
    except TopupError:
        raise  # not the token's fault
    except Exception as error:
        # Any other failure is the token's fault: its author may have put numbers too large, or objects for strings,
        # in it.
        logger.info("token refused", reason=type(error).__name__)
        raise Unauthorized("The token is invalid or has expired") from None


def _claims_by_the_right_key(token: str, settings: Settings) -> Mapping[str, Any]:
    for key in token_keys.of(token):
        try:
            claims = _decoded(token, key, settings)
        except jwt.InvalidSignatureError:
            continue
        if not _is_for(settings.jwt_audiences, claims):
            raise jwt.InvalidAudienceError
        return claims
    raise jwt.InvalidSignatureError


def _decoded(token: str, key: Key, settings: Settings) -> Mapping[str, Any]:
    value, algorithm = key
    claims: Mapping[str, Any] = jwt.decode(
        token,
        value,
        algorithms=[algorithm],
        issuer=settings.jwt_issuer or None,
        leeway=LEEWAY,
        options={"require": ["exp", "sub"], "verify_aud": False},  # `_is_for` does
    )
    return claims


def _is_for(accepted: tuple[str, ...], claims: Mapping[str, Any]) -> bool:
    """Whether the token is for one of these audiences; an access token of Cognito has `client_id` and no `aud`."""
    if not accepted or ANY_AUDIENCE in accepted:
        return True
    audience = claims["aud"] if "aud" in claims else claims.get("client_id")
    named = audience if isinstance(audience, list) else [audience]
    return all(isinstance(one, str) for one in named) and not set(accepted).isdisjoint(named)


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


# ------------------------------------------------------------------------------------------------------------ roles


def _has_role(claims: Mapping[str, Any], role: str, settings: Settings) -> bool:
    """Compared exactly. A list that contains the role counts only where the operator said that the claim is a list."""
    found = _at(settings.admin_claim, claims)
    if settings.admin_claim_is_list:
        return isinstance(found, list) and role in found
    # A provider's own flag, such as `"admin": true`, is the word true.
    return (role == "true") if found is True else found == role


def _at(path: str, claims: Mapping[str, Any]) -> Any:
    """The claim of this name, which may have dots in it, else what a path such as `realm_access.roles` leads to."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
