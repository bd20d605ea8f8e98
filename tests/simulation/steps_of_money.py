"""The steps about money that goes back, and about accidents of operation; how often each is drawn, and with what."""

import random
from collections.abc import Callable
from typing import Any

from tests.simulation.bank import UNKNOWN
from tests.simulation.faults import Fault

Args = dict[str, Any]

HOUR, DAY = 3600.0, 86_400.0
AGAIN: Args = {"replays": True}  # what was sent before comes again
# The courses of disputes at banks: statuses that follow each other, and what else changes with them.
COURSES: dict[str, tuple[tuple[str, Args], ...]] = {
    "an inquiry grows": (("warning_needs_response", {}), ("needs_response", {"grows": True}), ("lost", {})),
    "an inquiry ends": (("warning_needs_response", {}), ("warning_under_review", {}), ("warning_closed", {})),
    "won, then lost": (("needs_response", {}), ("under_review", {}), ("won", {}), ("lost", {})),
    "lost, then won": (("needs_response", {}), ("lost", {}), ("won", {})),
    "won, then opened again": (("needs_response", {}), ("won", {}), ("under_review", AGAIN), ("lost", {})),
    "lost, then opened again": (("needs_response", {}), ("lost", {}), ("under_review", AGAIN), ("won", {})),
    "a part comes back": (("needs_response", {}), ("lost", {"keeps": 0.4})),
    "an appeal is won": (
        ("needs_response", {}),
        ("under_review", {}),
        ("appeal_needs_response", {}),
        ("appeal_under_review", {}),
        ("won", {}),
    ),
    "prevented": (("prevented", {}),),
    "prevented after a while": (("needs_response", {}), ("prevented", {})),
    "a status that nobody knows": (("needs_response", {}), (UNKNOWN, {}), ("won", {})),
    "it starts unknown": ((UNKNOWN, {}), ("needs_response", {}), ("lost", {})),
}
# Seconds between two of them. One that waits for weeks again and again would not come to its end in a run.
PACES = ((0.0, 0.5), (0.5, 60.0), (60.0, 4000.0), (4000.0, 2 * DAY), (60.0, 40 * DAY))
LOST_ANSWERS = (Fault.TIMEOUT_AFTER, Fault.TIMEOUT_AFTER, Fault.CRASH_AFTER, Fault.TIMEOUT_BEFORE, Fault.STRIPE_500)
LOST_WRITES = (Fault.TIMEOUT_AFTER, Fault.TIMEOUT_AFTER, Fault.ERROR_AFTER, Fault.LATE_COMMIT, Fault.TIMEOUT_BEFORE)
REFUSALS = (None, None, Fault.STRIPE_401, Fault.STRIPE_403, Fault.STRIPE_400, Fault.STRIPE_404)


def _which(rng: random.Random) -> Args:
    return {"which": rng.randrange(6)}


def _late_refund(rng: random.Random) -> Args:
    again = rng.choice(REFUSALS)
    return _which(rng) | {
        "share": rng.choice((None, 0.3, 0.37)),
        "key": rng.random() < 0.7,
        "first": rng.choice(LOST_ANSWERS).value,
        "hours": rng.choice((0.02, 0.02, 3.0, 25.0, 25.0, 60.0)),
        "again": again and again.value,
        "heard": rng.random() < 0.3,
        "write": rng.choice(LOST_WRITES).value if rng.random() < 0.3 else None,
    }


def _quoted_refund(rng: random.Random) -> Args:
    return _which(rng) | {
        "share": rng.choice((None, None, 0.1, 0.37)),
        "force": rng.random() < 0.5,
        "key": rng.random() < 0.7,
        "tries": rng.randint(1, 3),
        "gap": rng.choice((0.0, 0.02, 0.3, 30.0)),  # seconds from the quote to the refund
        "meanwhile": rng.choice(("nothing", "a spend", "a spend", "another refund", "the same refund", "a grant")),
    }


def _many_refunds(rng: random.Random) -> Args:
    return _which(rng) | {
        "number": rng.randint(3, 8),
        "share": rng.choice((0.01, 0.037)),
        "dashboard": rng.random() < 0.5,
    }


def _dispute_story(rng: random.Random) -> Args:
    gaps = rng.choice(PACES)
    course = rng.choice(list(COURSES.values()))
    return _which(rng) | {
        "share": rng.choice((None, None, 0.2, 0.4)),
        "case": rng.choice((None, "resolution", "block")),
        "currency": rng.choice((None, None, None, "usd")),
        "course": [[status, rng.choice(gaps), changes] for status, changes in course],
    }


def _won_after_expiry(rng: random.Random) -> Args:
    return _which(rng) | {"spends": rng.choice((0.5, 1.0))}


def _paid_debt(rng: random.Random) -> Args:
    return _which(rng) | {"kind": rng.choice(("refund", "dispute")), "payer": rng.choice(("a purchase", "a grant"))}


def _pay_twice(rng: random.Random) -> Args:
    return _which(rng) | {
        "after": rng.choice((0.0, 60.0, DAY)),
        "back": rng.choice(("refunded", "refunded", "disputed", "kept")),
        "share": rng.choice((None, 0.5)),
    }


def _release(rng: random.Random) -> Args:
    return _which(rng) | {
        "pays": rng.choice(("a part", "a part", "once more")),
        "share": rng.choice((0.37, 0.5, 1.0, 1.2)),
        "after": rng.choice((5.0, 60.0, 4000.0, 2 * DAY)),
        "action": rng.choice(("fulfil", "refund")),
        "tries": rng.randint(1, 3),
        "other": rng.choice(("fulfil", "refund")) if rng.random() < 0.3 else None,
        "is_lost": rng.random() < 0.2,
    }


def draw_released_again(rng: random.Random) -> Args:
    return _which(rng) | {
        "share": rng.choice((0.37, 0.5, 1.2)),
        "then": rng.choice(("nothing", "disputed", "refunded")),
    }


def draw_resumed_release(rng: random.Random) -> Args:
    return _which(rng) | {"then": rng.choice(("nothing", "disputed", "disputed", "refunded"))}


def _endpoint_missing(rng: random.Random) -> Args:
    return _which(rng) | {
        "meanwhile": rng.choice(("nothing", "a refund", "a refund in part", "a dispute")),
        "how": rng.choice(("disabled", "deleted", "lacks refunds", "lacks disputes", "lacks payments")),
        "seconds": rng.choice((60.0, 4000.0, 2 * DAY)),
    }


def _foreign_objects(rng: random.Random) -> Args:
    return _which(rng) | {
        "whose": rng.choice(("another system", "another stack", "our name on it", "another order's name")),
        "does": rng.choice(("pays", "refunds", "refunds", "is disputed")),
    }


def _foreign_account(rng: random.Random) -> Args:
    return _which(rng) | {
        "says": rng.choice(("account", "context")),
        "what": rng.choice(("payment", "refund")),
    }


def _other_mode(rng: random.Random) -> Args:
    return {"seconds": rng.choice((600.0, 3600.0)), "buys": rng.random() < 0.5}


def _rename_stack(rng: random.Random) -> Args:
    return _which(rng) | {"then": rng.choice(("nothing", "a refund", "a refund", "a dispute"))}


def _restore_orders(rng: random.Random) -> Args:
    return {"steps": rng.randint(1, 3), "buys": rng.random() < 0.5}


def _hasty_reconcile(rng: random.Random) -> Args:
    return {
        "seconds": rng.choice((31.0, 33.0, 40.0)),
        "slowness": rng.choice((0.0, 0.3, 2.0)),
        "twice": rng.random() < 0.5,
    }


def _reopen(rng: random.Random) -> Args:
    return {
        "user": rng.randrange(2),
        "package": rng.choice(("trial", "standard")),
        "hours": rng.choice((0.5, 26.0, 26.0)),
        "after": rng.choice((0.0, 0.02, 0.3)),
        "pays": rng.random() < 0.7,
        "throttled": rng.random() < 0.7,
    }


def _nothing(_rng: random.Random) -> Args:
    return {}


def _hundred_lots(rng: random.Random) -> Args:
    return _which(rng) | {"number": rng.randint(101, 120), "dashboard": rng.random() < 0.5}


# Each kind of step: its weight among the others, and how its arguments are drawn.
STEPS_OF_MONEY: dict[str, tuple[float, Callable[[random.Random], Args]]] = {
    "late_refund": (5, _late_refund),
    "quoted_refund": (5, _quoted_refund),
    "many_refunds": (2, _many_refunds),
    "dispute_story": (8, _dispute_story),
    "won_after_expiry": (1.5, _won_after_expiry),
    "paid_debt": (2, _paid_debt),
    "pay_twice": (3, _pay_twice),
    "release": (4, _release),
    "endpoint_missing": (4, _endpoint_missing),
    "foreign_objects": (3, _foreign_objects),
    "foreign_account": (2, _foreign_account),
    "other_mode": (1.5, _other_mode),
    "rename_stack": (2.5, _rename_stack),
    "restore_orders": (1.5, _restore_orders),
    "newer_version": (2, _nothing),
    "hasty_reconcile": (3, _hasty_reconcile),
    "reopen": (3, _reopen),
    "hundred_lots": (0.1, _hundred_lots),
}
