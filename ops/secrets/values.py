"""Ask a person for a secret, without echo, or generate it; and check it as the functions do."""

import getpass
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ops.errors import CannotRunError
from ops.secrets.service_keys import API_KEYS, parsed
from ops.stages import LIVE_STAGES
from topup.domain.errors import ConfigurationError
from topup.runtime import secret_values
from topup.runtime.secret_values import DEFAULT_NAME

TRIES = 3
GENERATED_BYTES = 36  # 48 characters
NONE = "-"  # the answer that leaves a secret out


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One of the secrets: what it is for, how it is checked, and whether it can be generated or left out."""

    what: str
    check: Callable[[str], object]
    may_be_generated: bool = False
    may_be_left_out: str = ""  # when

    @property
    def hint(self) -> str:
        hints = [self.what]
        if self.may_be_generated:
            hints.append("Enter = generate one")
        if self.may_be_left_out:
            hints.append(f"{NONE} = none: {self.may_be_left_out}")
        return "; ".join(hints)


KINDS: Mapping[str, Kind] = {
    "STRIPE_SECRET_KEY": Kind(
        what="sk_test_… or sk_live_…, Stripe Dashboard, Developers, API keys", check=secret_values.stripe_key
    ),
    "PROXY_API_KEY": Kind(
        what="what your own services send as X-API-Key", check=secret_values.api_keys, may_be_generated=True
    ),
    "JWT_SECRET": Kind(
        what="what your users' tokens are signed with",
        check=secret_values.jwt_secrets,
        may_be_generated=True,
        may_be_left_out="an identity provider signs them",
    ),
}


@dataclass(frozen=True)
class Answer:
    """A checked value, and whether it was generated."""

    value: str
    is_generated: bool


def ask(name: str, stage: str) -> Answer | None:
    """A new value, from the terminal; None if it is left out. Raises CannotRunError."""
    kind = KINDS[name]
    for _ in range(TRIES):
        typed = _type(name, kind.hint)
        if typed == NONE and kind.may_be_left_out:
            return None
        answer = Answer(typed, is_generated=False)
        if not typed and kind.may_be_generated:
            answer = Answer(secrets.token_urlsafe(GENERATED_BYTES), is_generated=True)
        problem = _problem(name, answer.value, stage)
        if not problem:
            return answer
        print(f"  {problem}")
    raise CannotRunError(f"no usable value for {name}")


def _type(name: str, hint: str) -> str:
    try:
        return getpass.getpass(f"{name} ({hint}): ").strip()
    except EOFError as error:
        raise CannotRunError(f"{name} is asked for, and there is no terminal: run this in one") from error
    except KeyboardInterrupt as error:
        print()
        raise CannotRunError(f"interrupted at {name}; what was stored before stays stored") from error


def _problem(name: str, value: str, stage: str) -> str:
    """What is wrong with a value; nothing of it is repeated."""
    if "," in value:
        return "one value at a time, without a comma: a rotation keeps the old one beside it"
    try:
        KINDS[name].check(value)
    except ConfigurationError as error:
        return error.detail
    if name == API_KEYS and parsed(value).name != DEFAULT_NAME:
        return "this is a key with a name: `make api-key` makes those"
    if name == "STRIPE_SECRET_KEY" and "_live_" in value and stage not in LIVE_STAGES:
        return f"this is a live key, and {stage} is no live stage: tests would move real money"
    return ""
