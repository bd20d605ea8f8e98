"""The commands that a command suggests: as they are typed, for the same stack."""

import shlex
from datetime import datetime, timedelta
from math import ceil

RECONCILED = timedelta(days=30)  # `reconcile` looks no further back: Stripe keeps events as long
HOUR = timedelta(hours=1)


def command(target: str, stack: str | None = None, **variables: str) -> str:
    """`make TARGET NAME=value …`, with values that a shell reads as they are."""
    chosen = {**variables, **({"STACK": stack} if stack else {})}
    return " ".join([f"make {target}", *(f"{name}={shlex.quote(value)}" for name, value in chosen.items())])


def reconcile_since(moment: datetime, now: datetime, stack: str | None = None) -> str:
    """The command that handles all events of Stripe's since this moment, as far back as that is possible."""
    hours = min(RECONCILED // HOUR, max(1, ceil((now - moment) / HOUR)))
    return f"{command('reconcile', stack)} WINDOW_HOURS={hours} ALL=1"
