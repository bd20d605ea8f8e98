"""The query parameters of single addresses; a mistake is refused with the parameter's name."""

from datetime import datetime

from topup.api.endpoint import Request
from topup.domain import times
from topup.domain.errors import FieldError, ValidationFailed


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
