"""Read JSON bodies: a caller's mistake is refused here, with the name of the field.

The models are in `bodies`. bodies.json holds what pydantic makes of them for its validator (`make openapi` writes it).
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Never, TypeVar

from pydantic_core import SchemaValidator, ValidationError

from topup.api.endpoint import LONGEST_FIELD_NAME, MOST_ERRORS, Request
from topup.domain import times
from topup.domain.errors import FieldError, InvalidJson, UnsupportedMediaType, ValidationFailed
from topup.runtime import start

if TYPE_CHECKING:
    from topup.api import bodies

# Characters.
LARGEST_URL = 500
LONGEST_REASON = 500  # Stripe keeps as much of it in the metadata; and an order's refunds are read together
LONGEST_DESCRIPTION = 500

LARGEST_REFUND = 10_000_000_000  # major units; above all amounts of Stripe's, and far larger ones break arithmetic
MOST_DIGITS = 20  # more than any amount has, fewer than the 28 that arithmetic keeps
LARGEST_CREDITS = 1_000_000_000  # credits; far above any wallet, far below where JSON numbers lose digits
LONGEST_HOLD = 86_400  # seconds

SCHEMAS = Path(__file__).with_name("bodies.json")

B = TypeVar("B")  # what is read


class Body:
    """A body that was read, with its fields as attributes: what pydantic would make an instance of its model."""

    # Where pydantic_core writes: the fields, and what it says of them.
    __slots__ = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__")
    __pydantic_fields_set__: frozenset[str]

    @property
    def model_fields_set(self) -> frozenset[str]:
        """The fields that the caller has sent."""
        return self.__pydantic_fields_set__


# ------------------------------------------------------------------------------- checks that are code, by their names


def as_decimal(number: Any) -> Any:
    """A number of JSON as an amount: whole ones are parsed as int. One validator for both names the field once."""
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        raise ValueError("Input should be a number")
    return Decimal(number)


def has_each_key_once(items: Any) -> Any:
    """The items of a batch."""
    if len({item.key for item in items}) < len(items):
        raise ValueError("two items must not have the same key")
    return items


def changes_something(amount: int) -> int:
    """The amount of an adjustment."""
    if amount == 0:
        raise ValueError("must not be 0")
    return amount


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    check.__name__: check for check in (as_decimal, has_each_key_once, changes_something)
}

# ------------------------------------------------------------------------------------------------------- the bodies


class Reader(Generic[B]):
    """Reads a body of one kind; it raises UnsupportedMediaType, InvalidJson, ValidationFailed."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, request: Request) -> B:
        body: B = _read(request, self._name)
        return body

    def load(self) -> None:
        """Make the validator while a function starts, for one that reads such bodies."""
        start.prepare(lambda: validator(self._name))


checkout: "Reader[bodies.CheckoutBody]" = Reader("CheckoutBody")
quote: "Reader[bodies.QuoteBody]" = Reader("QuoteBody")
refund: "Reader[bodies.RefundBody]" = Reader("RefundBody")
release: "Reader[bodies.ReleaseBody]" = Reader("ReleaseBody")
spend: "Reader[bodies.SpendBody]" = Reader("SpendBody")
batch: "Reader[bodies.BatchBody]" = Reader("BatchBody")
reversal: "Reader[bodies.ReversalBody]" = Reader("ReversalBody")
hold: "Reader[bodies.HoldBody]" = Reader("HoldBody")
capture: "Reader[bodies.CaptureBody]" = Reader("CaptureBody")
extension: "Reader[bodies.ExtensionBody]" = Reader("ExtensionBody")
grant: "Reader[bodies.GrantBody]" = Reader("GrantBody")
adjustment: "Reader[bodies.AdjustmentBody]" = Reader("AdjustmentBody")


def expiry_of(body: "bodies.GrantBody") -> datetime | None:
    """`expires_at` in UTC, to the second; raises ValidationFailed."""
    if body.expires_at is None:
        return None
    try:
        return times.from_rfc_3339(body.expires_at).replace(microsecond=0)
    except ValueError:  # no such day or hour, or not within the years 1-9999
        raise ValidationFailed(FieldError("expires_at", "must be a time such as 2027-01-31T00:00:00Z")) from None


# ---------------------------------------------------------------------------------------------------------- reading


def _read(request: Request, name: str) -> Any:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType(f"Send Content-Type: application/json, not {media_type[:100] or 'nothing'}")
    try:
        return validator(name).validate_python(_parse(request.body))
    except ValidationError as error:
        raise _refused(error) from None


@cache
def validator(name: str) -> SchemaValidator:
    """pydantic's own validator of the model with this name."""
    return SchemaValidator(_with_code(json.loads(SCHEMAS.read_bytes())[name]))


def _with_code(part: Any) -> Any:
    """The schema with what JSON cannot hold: the class of a body, and our own checks by their names."""
    if isinstance(part, list):
        return [_with_code(one) for one in part]
    if not isinstance(part, dict):
        return part
    if part.get("type") == "no-info":
        return {**part, "function": CHECKS[part["function"]]}
    made = {name: _with_code(value) for name, value in part.items()}
    return {**made, "cls": Body} if part.get("type") == "model" else made


def _parse(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode(), parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_without_doubles
        )
    except (ValueError, ArithmeticError, RecursionError) as error:  # ArithmeticError: an exponent out of all bounds
        raise InvalidJson(f"The body is not valid JSON: {type(error).__name__}") from None


def _refuse_constant(name: str) -> Never:
    raise ValidationFailed(FieldError("body", f"{name} is not a JSON number"))


def _without_doubles(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object; raises ValidationFailed where a field comes twice, since readers differ on which one counts."""
    made: dict[str, Any] = {}
    for name, value in fields:
        if name in made:
            raise ValidationFailed(FieldError(name[:LONGEST_FIELD_NAME], "is given twice"))
        made[name] = value
    return made


def _refused(error: ValidationError) -> ValidationFailed:
    # include_input=False: the input may be a secret sent by mistake, and responses end up in logs.
    return ValidationFailed(
        *(
            FieldError(
                ".".join(str(part) for part in detail["loc"])[:LONGEST_FIELD_NAME] or "body", _in_words(detail["msg"])
            )
            for detail in error.errors(include_url=False, include_context=False, include_input=False)[:MOST_ERRORS]
        )
    )


def _in_words(message: str) -> str:
    """Without pydantic's words for a check of our own, and for a type that callers do not know."""
    return message.removeprefix("Value error, ").replace("Decimal input", "Input")
