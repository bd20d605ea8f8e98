"""The kinds of steps, how often each is drawn, and how its arguments are drawn."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.simulation.steps_of_money import STEPS_OF_MONEY
from tests.simulation.steps_of_services import STEPS_OF_SERVICES

Args = dict[str, Any]

PACKAGES = ("trial", "trial", "standard", "standard", "value", "value", "monthly", "forever", "any", "any")
AMOUNTS = ("5.00", "49.95", "50.00", "77.35", "119.95", "120.00", "300.00", "0.05", "50.01")  # the last two are refused
AT_EXPIRY = ("spend", "spend", "refund", "refund", "read", "dashboard refund", "buy", "hold", "hold", "reverse")
READS = (
    *("credits", "credits", "payment", "payment", "transactions", "payments", "packages", "holds"),
    *("past", "past", "past", "future", "explained"),
)
HOW_TO_PAY = ("card", "card", "card", "alipay", "wechat_pay", "declined first", "3-D Secure", "never")


def draw_buy(rng: random.Random) -> Args:
    """The first step of every plan buys something."""
    return _buy(rng)


def _user(rng: random.Random) -> Args:
    return {"user": rng.choice((0, 0, 0, 1))}


def _buy(rng: random.Random) -> Args:
    package = rng.choice(PACKAGES)
    # A retry of the same request may ask for another amount.
    amounts = {"amount": rng.choice(AMOUNTS), "other_amount": rng.choice((None, *AMOUNTS))} if package == "any" else {}
    return _user(rng) | {
        "package": package,
        **amounts,
        "pay": rng.choice(HOW_TO_PAY),
        "key": rng.random() < 0.7,
        "tries": rng.randint(1, 4),
        "after": rng.choice((0.1, 1.0, 5.0)),  # seconds until the buyer pays
        "settles": rng.choice(("succeeded", "succeeded", "failed")),
        "settles_after": rng.choice((0.1, 2.0, 3600.0, 90_000.0)),
        "reads": rng.randint(0, 2),
        "twice": rng.random() < 0.15,
        # Seconds from the payment on, until the buyer ends it instead.
        "cancel": rng.choice((-3.0, -0.05, 0.0, 0.0, 0.05, 0.3)) if rng.random() < 0.1 else None,
        "terms": [rng.choice((0.0, 0.0, 0.1, 1 / 3, 1.0)), rng.choice((0.0, 0.06, 0.19))],  # discount and tax
    }


def _spend(rng: random.Random) -> Args:
    return _user(rng) | {
        "share": rng.choice((0.01, 0.3, 0.5, 1.0, 1.0, 1.1)),  # of the user's credits
        "tries": rng.randint(1, 4),
        "times": rng.choice((1, 1, 1, 3)),
        "twice": rng.random() < 0.15,
    }


def _refund(rng: random.Random) -> Args:
    return {
        "which": rng.randrange(6),
        "share": rng.choice((None, None, 0.1, 0.37, 0.5)),
        "force": rng.random() < 0.3,
        "key": rng.random() < 0.6,
        "tries": rng.randint(1, 4),
        "twice": rng.random() < 0.3,
    }


def _dashboard_refund(rng: random.Random) -> Args:
    return {
        "which": rng.randrange(6),
        "share": rng.choice((None, 0.1, 0.37, 0.5)),
        "pending": rng.random() < 0.4,
    }


def _refund_outcome(rng: random.Random) -> Args:
    return {"which": rng.randrange(6), "does": rng.choice(("fails", "fails", "succeeds"))}


def _dispute(rng: random.Random) -> Args:
    return {
        "which": rng.randrange(6),
        "share": rng.choice((None, None, 0.4)),
        "inquiry": rng.random() < 0.2,
    }


def _dispute_outcome(rng: random.Random) -> Args:
    return {"which": rng.randrange(6), "status": rng.choice(("won", "won", "lost"))}


def _read(rng: random.Random) -> Args:
    return _user(rng) | {
        "which": rng.randrange(6),
        "what": rng.choice(READS),
    }


def _which(rng: random.Random) -> Args:
    return {"which": rng.randrange(6)}


def _cancel(rng: random.Random) -> Args:
    return {"which": rng.randrange(6), "tries": rng.randint(1, 3)}


def _wait(rng: random.Random) -> Args:
    return {"days": rng.choice((0.02, 0.3, 1.1, 1.1, 5.0, 31.0)), "leap": rng.random() < 0.4}


def _nothing(_rng: random.Random) -> Args:
    return {}


def _endpoint_down(rng: random.Random) -> Args:
    return {"seconds": rng.choice((30.0, 4000.0, 10_000.0))}


def _at_expiry(rng: random.Random) -> Args:
    offset = partial(rng.choice, (-0.5, -0.1, -0.02, 0.0, 0.0, 0.02, 0.1, 0.6))  # seconds from the expiry
    action = partial(rng.choice, AT_EXPIRY)
    return _user(rng) | {
        "actions": [[offset(), action()] for _ in range(rng.randint(1, 4))],
        "share": rng.choice((0.3, 1.0)),
    }


def _failures_across_expiry(rng: random.Random) -> Args:
    # None of these parts is a whole number of credits, so rounding decides what each refund takes.
    return {"which": rng.randrange(6), "share": rng.choice((1 / 3, 0.3333, 0.24)), "first": rng.randrange(2)}


def _expires(rng: random.Random) -> float | str:
    # Seconds from now, "never", or "standard": the configured months.
    return rng.choice(("standard", "never", 5.0, 3600.0, 2 * 86_400.0, 40 * 86_400.0))


def _grant(rng: random.Random) -> Args:
    expires = _expires(rng)
    # Seconds until the same request comes again: at once, later, or after the expiry.
    again = (0.0, 0.02, 0.05, 20.0, *((expires + 2.0,) * 3 if isinstance(expires, float) else ()))
    return _user(rng) | {
        "amount": rng.choice((1, 7, 40, 300, 2000)),
        "expires": expires,
        "tries": rng.randint(1, 4),
        "again": rng.choice(again) if rng.random() < 0.4 else None,
    }


def _campaign(rng: random.Random) -> Args:
    return _user(rng) | {
        "name": rng.choice(("spring", "welcome")),
        "amount": rng.choice((5, 50)),
        "expires": _expires(rng),
        "gaps": [rng.choice((0.0, 0.02, 0.03, 0.03, 0.04, 30.0, 4000.0)) for _ in range(rng.randint(1, 4))],
    }


def _adjust(rng: random.Random) -> Args:
    return _user(rng) | {
        "up": rng.choice((None, None, None, 3, 250)),
        "share": rng.choice((0.01, 0.3, 0.5, 1.0, 1.1)),  # of the user's credits, where it goes down
        "tries": rng.randint(1, 4),
        "twice": rng.random() < 0.3,
    }


def _small_lots(rng: random.Random) -> list[int]:
    return [rng.randint(1, 3) for _ in range(rng.randint(3, 6))]


def _spend_many_lots(rng: random.Random) -> Args:
    return _user(rng) | {
        "lots": _small_lots(rng),
        "shares": [rng.choice((0.2, 0.2, 0.6, 1.0)) for _ in range(rng.randint(1, 3))],
        "down": rng.random() < 0.3,
    }


def _claw_back_many_lots(rng: random.Random) -> Args:
    return {
        "which": rng.randrange(6),
        "lots": _small_lots(rng),
        "share": rng.choice((None, 0.5)),
        "dashboard": rng.random() < 0.5,
    }


# Each kind of step: its weight among the others, and how its arguments are drawn.
STEPS: dict[str, tuple[float, Callable[[random.Random], Args]]] = {
    "buy": (20, _buy),
    "spend": (22, _spend),
    "refund": (14, _refund),
    "dashboard_refund": (7, _dashboard_refund),
    "refund_outcome": (5, _refund_outcome),
    "dispute": (6, _dispute),
    "dispute_outcome": (4, _dispute_outcome),
    "read": (10, _read),
    "session_expires": (2, _which),
    "cancel": (2, _cancel),
    "wait": (8, _wait),
    "endpoint_down": (2, _endpoint_down),
    "replay": (3, _nothing),
    "reconcile": (3, _nothing),
    "edit_catalogue": (1, _nothing),
    "rotate_secret": (1, _nothing),
    "at_expiry": (7, _at_expiry),
    "refund_while_spending": (4, _refund),
    "two_refunds": (4, _refund),
    "dispute_during_refund": (3, _refund),
    "refund_before_grant": (3, _buy),
    "failure_after_expiry": (1, _which),
    "late_spends": (2, _user),
    "failures_across_expiry": (1, _failures_across_expiry),
    "grant": (7, _grant),
    "campaign": (3, _campaign),
    "adjust": (4, _adjust),
    "spend_many_lots": (5, _spend_many_lots),
    "claw_back_many_lots": (3, _claw_back_many_lots),
    **STEPS_OF_MONEY,
    **STEPS_OF_SERVICES,
}
