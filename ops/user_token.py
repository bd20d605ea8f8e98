"""`token`: a token that the API takes, where the stack shares the secret that tokens are signed with (HS256).

The token alone goes to the standard output, so that a shell can keep it in a variable.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from local import tokens
from ops import deployed
from ops.deployed import Deployment
from ops.doctor import subject
from ops.errors import CannotRunError
from topup.api.endpoint import LONGEST_USER_ID
from topup.domain import times
from topup.domain.errors import ConfigurationError
from topup.runtime import secret_values

LONGEST = 24 * 30  # hours

MINTS: Mapping[str | None, Callable[..., str]] = {
    None: tokens.mint,
    "admin": tokens.mint_admin,
    "support": tokens.mint_support,
}


def run(options: Namespace) -> int:
    user, hours = options.user or "", options.hours
    if not 0 < len(user) <= LONGEST_USER_ID or not user.isprintable():
        raise CannotRunError(f"name the user, in 1 to {LONGEST_USER_ID} characters: --user ID (make: USER=)")
    if not 1 <= hours <= LONGEST:
        raise CannotRunError(f"--hours must be from 1 to {LONGEST} (make: HOURS=)")
    expires_at: datetime = options.now + timedelta(hours=hours)
    print(MINTS[options.role](_values(options), user, options.now, exp=expires_at))
    whose = f"{user}, {options.role}" if options.role else user
    where = f"stack {options.stack}" if options.stack else "the local stack"
    print(f"a token of {whose} for {where}, valid until {times.to_text(expires_at)}", file=sys.stderr)
    return 0


def _values(options: Namespace) -> Mapping[str, str]:
    """The settings that decide which tokens are good, with the secret; raises CannotRunError where nobody shares it."""
    if not options.stack:
        return _shared(subject.of_local(options.root).environment, "JWT_SECRET in .env")
    return of_deployed(deployed.find(options.stack))


def of_deployed(found: Deployment) -> Mapping[str, str]:
    """The same of a deployed stack; raises CannotRunError."""
    refuse_others_keys(found.environment)
    stored = deployed.read_parameters(found.secrets_prefix, ("JWT_SECRET",))
    secret = stored.get("JWT_SECRET", {}).get("Value", "")
    return _shared({**found.environment, "JWT_SECRET": secret}, f"{found.secrets_prefix}/JWT_SECRET")


def _shared(values: Mapping[str, str], place: str) -> Mapping[str, str]:
    refuse_others_keys(values)
    try:
        secret_values.jwt_secrets(values.get("JWT_SECRET", ""))
    except ConfigurationError as error:
        raise CannotRunError(f"{place}: {error.detail}") from error
    return values


def refuse_others_keys(values: Mapping[str, str]) -> None:
    """Raises CannotRunError where the stack's tokens are not signed with a secret that it shares."""
    if url := values.get("JWT_JWKS_URL"):
        signs = f"the identity provider signs the tokens of this stack, with the keys at {url}"
        raise CannotRunError(f"{signs}: sign in there, and copy your token (docs/identity.md)")
    if values.get("JWT_PUBLIC_KEY"):
        raise CannotRunError(
            "the tokens of this stack are signed with the private key that belongs to JWT_PUBLIC_KEY, which no stack"
            " has: ask for a token where that key is kept (docs/identity.md)"
        )
