"""`secrets`: the secrets of a stack in Parameter Store, asked for without echo; nothing secret is printed.

Without an option it stores what is missing, and stores again what is in clear text or under another KMS key. Values
never stand on a command line: there they would be in the shell's history, and in the list of processes.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence

from ops import stages, target
from ops.errors import CannotRunError
from ops.secrets import place, service_keys, values
from ops.secrets.place import Place
from ops.secrets.service_keys import Split
from ops.secrets.values import KINDS, Answer
from ops.stripe_webhook import setup
from topup.domain.errors import ConfigurationError
from topup.runtime.secret_values import listed

WEBHOOK = "STRIPE_WEBHOOK_SECRET"
SINGLE = "STRIPE_SECRET_KEY"
WITHIN = "within five minutes every function uses it"
AFTER_ROTATION = {
    "PROXY_API_KEY": "Give the new key to your services",
    "JWT_SECRET": "Sign with the new secret from now on; when the last token that the old one signed has expired",
}


def run(options: Namespace) -> int:
    name = options.replace or options.rotate or options.finish
    if name == WEBHOOK:
        return _webhook(options)
    found = place.chosen_by(options)
    key = found.key or "the account's key for Parameter Store"
    print(f"secrets below {found.prefix}, encrypted with {key}\n")
    with target.explained(f"the secrets below {found.prefix}"):
        if options.replace:
            return _replace(found, options.replace)
        if options.rotate:
            return _rotate(found, options.rotate)
        return _finish(found, options.finish) if options.finish else _complete(found)


def _webhook(options: Namespace) -> int:
    """Stripe makes the signing secret, together with an endpoint."""
    if options.replace:
        raise CannotRunError("Stripe makes this one: make stripe-webhook STACK=… APPLY=1")
    stack = options.stack or stages.find(options.stage or "", options.root).stack
    chosen = {"rotate": bool(options.rotate), "finish": bool(options.finish)}
    return setup.run(Namespace(stack=stack, url=None, prefix=None, apply=True, now=options.now, **chosen))


def _complete(where: Place) -> int:
    stored = where.read([*KINDS, WEBHOOK])
    for name in KINDS:
        if name not in stored:
            _store(where, name, values.ask(name, _stage(where)))
    for name, found in stored.items():
        if where.is_safe(found):
            print(f"stored already: {name}")
            continue
        where.write(name, found.value, found.description)
        is_known = "" if found.kind == place.ENCRYPTED else f"; it was in clear text, so use --replace {name} as well"
        print(f"stored again, encrypted with the right key: {name}{is_known}")
    if WEBHOOK not in stored:
        print(f"\n{WEBHOOK}: `make stripe-webhook` stores it once the stack is deployed")
    return 0


def _replace(where: Place, name: str) -> int:
    found = where.read([name]).get(name)
    stored = found.value if found else ""
    kept = service_keys.accepted(name, stored)
    if len(listed(kept)) < len(listed(stored)):
        print("keys that the functions refuse are dropped as well")
    others = service_keys.split(name, kept).others
    _store(where, name, values.ask(name, _stage(where)), others)
    print(f"{WITHIN}; until then some use the old one")
    return 0


def _rotate(where: Place, name: str) -> int:
    """Put a new value before the old one: both are accepted, and the first one signs."""
    if name == SINGLE:
        raise CannotRunError(f"there is one {name} at a time: roll it at Stripe, and use --replace (make: REPLACE=)")
    known = _known(where, name)
    if len(known.own) > 1:
        print("a rotation is under way already: end it with --finish (make: FINISH=)", file=sys.stderr)
        return 1
    answer = values.ask(name, _stage(where))
    if answer is None:
        raise CannotRunError(f"a rotation needs a new {name}")
    _store(where, name, answer, (*known.own, *known.others))
    print(f"Both are accepted: {WITHIN}. {AFTER_ROTATION[name]}, end it with --finish (make: FINISH={name}).")
    return 0


def _finish(where: Place, name: str) -> int:
    """Keep the newest value alone, and the keys that have a name."""
    known = _known(where, name)
    newest, *old = known.own
    if not old:
        print("nothing to do: there is one value")
        return 0
    where.write(name, ",".join([newest, *known.others]))
    print(f"done: of {name} the newest value stays; the others are refused within five minutes")
    return 0


def _known(where: Place, name: str) -> Split:
    found = where.read([name]).get(name)
    try:
        known = service_keys.split(name, found.value if found else "")
    except ConfigurationError as error:
        raise CannotRunError(f"{where.path(name)}: {error.detail}") from error
    if known.own:
        return known
    which = ", apart from keys with a name (make api-key)" if known.others else ""
    raise CannotRunError(f"{where.path(name)} is not stored yet{which}: run this without --rotate and --finish")


def _store(where: Place, name: str, answer: Answer | None, beside: Sequence[str] = ()) -> None:
    """Store a value before those that stay."""
    if answer is None:
        print(f"left out: {name}")
        return
    where.write(name, ",".join([answer.value, *beside]))
    show = f"aws ssm get-parameter --with-decryption --query Parameter.Value --output text --name {where.path(name)}"
    print(f"stored: {name}" + (f", generated. To see it: {show}" if answer.is_generated else ""))


def _stage(where: Place) -> str:
    return where.prefix.rpartition("/")[2]
