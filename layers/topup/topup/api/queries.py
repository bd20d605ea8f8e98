"""The query parameters of single addresses; a mistake is refused with the parameter's name."""

import re
from collections.abc import Collection
from datetime import datetime, timedelta

from topup.api.endpoint import Request
from topup.domain import times
from topup.domain.errors import FieldError, ValidationFailed
from topup.domain.searches import STATES, State

# What payments are found by: the form of each value, and in words. Stripe's ids have no other characters.
_STRIPE_ID = re.compile(r"[A-Za-z0-9_]{1,255}")
SEARCHES = {
    "payment_id": (re.compile(r"[ -~]{1,255}"), "the id of a payment"),
    "session": (_STRIPE_ID, "the id of a Checkout Session"),
    "payment_intent": (_STRIPE_ID, "the id of a payment intent"),
    "charge": (_STRIPE_ID, "the id of a charge"),
    "email": (re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}"), "an e-mail address"),
    "status": (re.compile("|".join(STATES)), f"one of {', '.join(STATES)}"),
}
PAGED = ("email", "status")
MIN_AGE = "min_age_seconds"
RECEIPT, RELEASE_QUOTE = "receipt", "release_quote"
EXPANSIONS = (RECEIPT, RELEASE_QUOTE)  # of a payment
_SECONDS = re.compile("0|[1-9][0-9]{0,8}")


def moment(request: Request, name: str) -> datetime | None:
    """The parameter as a time in UTC, None where it is absent; raises ValidationFailed."""
    if name not in request.query:
        return None
    try:
        return times.from_rfc_3339(request.query[name])
    except ValueError:
        # A plus that is not encoded means a space in a query.
        example = "must be a time such as 2027-01-31T00:00:00Z, or with an offset, whose plus is sent as %2B"
        raise ValidationFailed(FieldError(name, example)) from None


def flag(request: Request, name: str) -> bool:
    """Whether the parameter is `true`; it is `false` where it is absent. Raises ValidationFailed."""
    text = request.query.get(name, "false")
    if text not in ("true", "false"):
        raise ValidationFailed(FieldError(name, "must be true or false"))
    return text == "true"


def expanded(request: Request, possible: Collection[str]) -> str | None:
    """What the response is to have besides, None if nothing; raises ValidationFailed for anything not possible."""
    wanted = request.query.get("expand")
    if wanted is not None and wanted not in possible:
        raise ValidationFailed(FieldError("expand", f"must be {' or '.join(possible)}"))
    return wanted


def search(request: Request) -> tuple[str, str]:
    """The one thing that payments are to be found by: its name and its value; raises ValidationFailed."""
    given = [name for name in SEARCHES if name in request.query]
    if len(given) != 1:
        raise ValidationFailed(FieldError("query", f"must name exactly one of {', '.join(SEARCHES)}"))
    [name] = given
    form, words = SEARCHES[name]
    if not form.fullmatch(request.query[name]):
        raise ValidationFailed(FieldError(name, f"must be {words}"))
    if "cursor" in request.query and name not in PAGED:
        raise ValidationFailed(
            FieldError("cursor", f"belongs to {' and '.join(PAGED)}: {name} finds one payment at most")
        )
    return name, request.query[name]


def placed_until(request: Request) -> datetime | None:
    """When a payment must have been placed at the latest to be old enough, if that matters; raises ValidationFailed."""
    if MIN_AGE not in request.query:
        return None
    text = request.query[MIN_AGE]
    if not _SECONDS.fullmatch(text):
        raise ValidationFailed(FieldError(MIN_AGE, "must be a whole number of seconds"))
    if request.query.get("status", "") not in list(State):
        raise ValidationFailed(FieldError(MIN_AGE, f"belongs to status={', '.join(State)}"))
    return request.now - timedelta(seconds=int(text))
