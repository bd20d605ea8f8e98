"""`api-key`: make, rotate and withdraw the key of one service. PROXY_API_KEY has a part for each.

The key is generated here. It goes to Parameter Store and, once, to the standard output; all else that is said goes to
the standard error, so that the key alone can be piped to where the service reads it.
"""

import secrets
import sys
from argparse import Namespace
from collections import Counter

from ops import target
from ops.errors import CannotRunError
from ops.secrets import place, service_keys
from ops.secrets.place import Place
from ops.secrets.service_keys import API_KEYS, Split
from ops.secrets.values import GENERATED_BYTES
from topup.domain.errors import ConfigurationError
from topup.runtime import secret_values
from topup.runtime.secret_values import DEFAULT_NAME, SERVICE_NAME, Scope

ACCEPTED = "The functions accept it within 20 seconds"
REFUSED = "The functions refuse it within five minutes (15 while Parameter Store does not answer)"


def run(options: Namespace) -> int:
    changes = options.rotate or options.finish or options.replace or options.remove
    if options.name is None and (changes or options.scopes):
        raise CannotRunError("name the service with --name (make: NAME=)")
    scopes = _scopes(options.scopes) if options.scopes else ()
    where = place.chosen_by(options)
    with target.explained(where.path(API_KEYS)):
        stored = where.read([API_KEYS]).get(API_KEYS)
        text = stored.value if stored else ""
        try:
            if options.name is None:
                return _list(text)
            keys = service_keys.split(API_KEYS, text, _name(options.name))
        except ConfigurationError as error:
            raise CannotRunError(f"{where.path(API_KEYS)}: {error.detail}") from error
        return _change(where, options, keys, scopes)


def _change(where: Place, options: Namespace, keys: Split, scopes: tuple[Scope, ...]) -> int:
    name = options.name
    if not (options.rotate or options.finish or options.replace or options.remove):
        return _make(where, name, keys, scopes)
    if not keys.own:
        raise CannotRunError(f"there is no key {name!r} yet: run this without --rotate, --finish, --replace, --remove")
    if options.rotate and len(keys.own) > 1:
        _say("a rotation is under way already: end it with --finish (make: FINISH=1)")
        return 1
    if options.finish or options.remove:
        return _drop(where, name, keys, keep=1 if options.finish else 0)
    kept = keys.own if options.rotate else ()
    _store(where, name, scopes or _scopes_of(keys), Split(kept, keys.others))
    if options.rotate:
        _say(f"{ACCEPTED}, beside the old one. Give it to the service, then end this with --finish (make: FINISH=1).")
    else:
        _say(f"{ACCEPTED}. The old one is dropped. {REFUSED}.")
    return 0


def _make(where: Place, name: str, keys: Split, scopes: tuple[Scope, ...]) -> int:
    if keys.own:
        raise CannotRunError(
            f"the name {name!r} is taken: choose another, or replace its key with --rotate and --finish, or at once"
            " with --replace (make: ROTATE=1, FINISH=1, REPLACE=1)"
        )
    if not scopes:
        raise CannotRunError(f"say what the service may do with --scopes (make: SCOPES=): {', '.join(Scope)}")
    _store(where, name, scopes, keys)
    _say(f"{ACCEPTED}. It is not shown again.")
    return 0


def _drop(where: Place, name: str, keys: Split, *, keep: int) -> int:
    """Keep the service's newest key alone, or none."""
    if len(keys.own) == keep:
        _say("nothing to do: there is one key")
        return 0
    left = [*keys.others, *keys.own[:keep]]
    if not left:
        raise CannotRunError(f"{name!r} has the only key, and no secret is empty: make another key first, or --replace")
    where.write(API_KEYS, ",".join(left))
    _say(f"dropped: {name}{', its older key' if keep else ''}. {REFUSED}.")
    return 0


def _store(where: Place, name: str, scopes: tuple[Scope, ...], keys: Split) -> None:
    """Generate a key, store it before the service's older ones, and show it."""
    key = secrets.token_urlsafe(GENERATED_BYTES)
    where.write(API_KEYS, ",".join([*keys.others, f"{name}:{'+'.join(scopes)}:{key}", *keys.own]))
    _say(f"stored: {name}, which may {', '.join(scopes)}. The service sends this as X-API-Key:")
    print(key, flush=True)


def _list(text: str) -> int:
    keys = [service_keys.parsed(value) for value in secret_values.listed(text)]
    newest = {key.name: key for key in reversed(keys)}
    for name, number in sorted(Counter(key.name for key in keys).items()):
        more = f"; {number} keys: a rotation is under way" if number > 1 else ""
        print(f"{name:<20} {', '.join(_in_order(newest[name].scopes))}{more}")
    if not keys:
        print("there is no key yet: name one with --name and --scopes (make: NAME= SCOPES=)")
    return 0


def _name(text: str) -> str:
    if not SERVICE_NAME.fullmatch(text):
        raise CannotRunError("a name has 1 to 40 letters, digits, dots, hyphens and underscores, and nothing else")
    if text == DEFAULT_NAME:
        raise CannotRunError(f"{text!r} is the key without a name, for which there is `make secrets`: choose another")
    return text


def _scopes(text: str) -> tuple[Scope, ...]:
    given = {part.strip() for part in text.replace("+", ",").split(",")} - {""}
    if unknown := given - {*Scope}:
        raise CannotRunError(f"there is no scope {min(unknown)!r}: there are {', '.join(Scope)}")
    return _in_order(frozenset(map(Scope, given)))


def _in_order(scopes: frozenset[Scope]) -> tuple[Scope, ...]:
    return tuple(scope for scope in Scope if scope in scopes)


def _scopes_of(keys: Split) -> tuple[Scope, ...]:
    return _in_order(service_keys.parsed(keys.own[0]).scopes)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
