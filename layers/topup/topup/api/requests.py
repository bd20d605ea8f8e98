"""Parse JSON bodies with pydantic: a caller's mistake is refused here, with the name of the field."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Never, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from topup.api.endpoint import LONGEST_FIELD_NAME, MOST_ERRORS, Request
from topup.domain import times
from topup.domain.batches import MOST_SPENDS
from topup.domain.catalogue import AMOUNT
from topup.domain.checkout_options import Locale
from topup.domain.errors import FieldError, InvalidJson, UnsupportedMediaType, ValidationFailed

# Characters.
LARGEST_URL = 500
LONGEST_REASON = 500  # Stripe keeps as much of it in the metadata; and an order's refunds are read together
LONGEST_DESCRIPTION = 500
LONGEST_USER_ID = 255

LARGEST_REFUND = 10_000_000_000  # major units; above all amounts of Stripe's, and far larger ones break arithmetic
MOST_DIGITS = 20  # more than any amount has, fewer than the 28 that arithmetic keeps
LARGEST_CREDITS = 1_000_000_000  # credits; far above any wallet, far below where JSON numbers lose digits
LONGEST_HOLD = 86_400  # seconds


UserId = Annotated[str, Field(min_length=1, max_length=LONGEST_USER_ID)]
Credits = Annotated[int, Field(gt=0, le=LARGEST_CREDITS)]
Description = Annotated[str, Field(min_length=1, max_length=LONGEST_DESCRIPTION)]
Metadata = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=64)], Annotated[str, Field(max_length=128)]],
    Field(max_length=10, description="The service's own notes; they stay with the entry"),
]


class Body(BaseModel):
    """Nothing is coerced, and an unknown field is refused rather than ignored."""

    # defer_build: a function reads one kind of body; its cold start must not build validators for the others.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


def _as_decimal(number: Any) -> Any:
    """A number of JSON as an amount: whole ones are parsed as int. One validator for both names the field once."""
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        raise ValueError("Input should be a number")
    return Decimal(number)


class CheckoutBody(Body):
    """POST /api/payments/stripe/create."""

    package: str = Field(min_length=1, max_length=40)
    amount: str | None = Field(
        default=None,
        pattern=AMOUNT,
        description="Major units; what to pay for a package of any amount, and refused for the others",
    )
    return_url: str | None = Field(default=None, min_length=1, max_length=LARGEST_URL)
    locale: Locale | None = Field(
        default=None,
        description="The language of Stripe's pay page; in English or Chinese it also names what is bought",
    )


RefundAmount = Annotated[Decimal, BeforeValidator(_as_decimal), Field(gt=0, le=LARGEST_REFUND, max_digits=MOST_DIGITS)]


class QuoteBody(Body):
    """POST /api/payments/stripe/refund/quote; `amount` in major units, null = all that is left."""

    payment_id: str = Field(min_length=1, max_length=36)
    amount: RefundAmount | None = None


class RefundBody(Body):
    """POST /api/payments/stripe/refund; `amount` in major units, null = all that is left."""

    payment_id: str = Field(min_length=1, max_length=36)
    reason: str | None = Field(default=None, max_length=LONGEST_REASON)
    amount: RefundAmount | None = None
    force: bool = False
    quote_token: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")


class ReleaseBody(Body):
    """POST /api/admin/payments/{payment_id}/release; `payment_intent` where more than one payment was refused."""

    action: Literal["fulfil", "refund"]
    reason: Description
    payment_intent: str | None = Field(default=None, min_length=1, max_length=255)


class SpendBody(Body):
    """POST /api/users/credits/spend."""

    user_id: UserId
    amount: Credits
    description: Description
    metadata: Metadata = {}


class BatchItemBody(Body):
    """One spend of a batch; `key` is its Idempotency-Key."""

    key: str = Field(pattern=r"^[ -~]{1,255}$")
    amount: Credits
    description: Description
    metadata: Metadata = {}


class BatchBody(Body):
    """POST /api/users/credits/spend/batch: all of the spends or none."""

    user_id: UserId
    items: list[BatchItemBody] = Field(min_length=1, max_length=MOST_SPENDS)

    @field_validator("items")
    @classmethod
    def _has_each_key_once(cls, items: list[BatchItemBody]) -> list[BatchItemBody]:
        if len({item.key for item in items}) < len(items):
            raise ValueError("two items must not have the same key")
        return items


class ReversalBody(Body):
    """POST /api/users/credits/spend/reverse; `amount` null = all that is left of the spend."""

    user_id: UserId
    transaction_id: str = Field(min_length=1, max_length=36)
    amount: Credits | None = None
    reason: Description


class HoldBody(Body):
    """POST /api/users/credits/holds."""

    user_id: UserId
    amount: Credits
    ttl_seconds: int = Field(default=900, ge=1, le=LONGEST_HOLD)
    overrun: Literal["available", "refuse", "debt"] = "available"
    description: Description
    metadata: Metadata = {}


class CaptureBody(Body):
    """POST /api/users/credits/holds/{hold_id}/capture; without a description the hold's own counts."""

    amount: Credits
    final: bool = True
    description: Description | None = None
    metadata: Metadata = {}


class ExtensionBody(Body):
    """POST /api/users/credits/holds/{hold_id}/extend; `ttl_seconds` from now on, `add` credits."""

    ttl_seconds: int = Field(default=900, ge=1, le=LONGEST_HOLD)
    add: int = Field(default=0, ge=0, le=LARGEST_CREDITS)


class GrantBody(Body):
    """POST /api/admin/credits/grant; `expires_at` null = never, absent = the configured months."""

    user_id: UserId
    credits: Credits
    expires_at: Annotated[str, Field(pattern=times.RFC_3339, json_schema_extra={"format": "date-time"})] | None = None
    reason: Description
    campaign: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,100}$")

    @property
    def expiry(self) -> datetime | None:
        """`expires_at` in UTC, to the second; raises ValidationFailed."""
        if self.expires_at is None:
            return None
        try:
            return times.from_rfc_3339(self.expires_at).replace(microsecond=0)
        except ValueError:  # no such day or hour, or not within the years 1-9999
            raise ValidationFailed(FieldError("expires_at", "must be a time such as 2027-01-31T00:00:00Z")) from None


class AdjustmentBody(Body):
    """POST /api/admin/credits/adjust; `amount` credits up (positive) or down (negative)."""

    user_id: UserId
    amount: int = Field(ge=-LARGEST_CREDITS, le=LARGEST_CREDITS, json_schema_extra={"not": {"const": 0}})
    reason: Description

    @field_validator("amount")
    @classmethod
    def _changes_something(cls, amount: int) -> int:
        if amount == 0:
            raise ValueError("must not be 0")
        return amount


BodyType = TypeVar("BodyType", bound=Body)


def read(request: Request, model: type[BodyType]) -> BodyType:
    """The request's body; raises UnsupportedMediaType, InvalidJson, ValidationFailed."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType(f"Send Content-Type: application/json, not {media_type[:100] or 'nothing'}")
    try:
        return model.model_validate(_parse(request.body))
    except ValidationError as error:
        raise _refused(error) from None


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
                ".".join(str(part) for part in detail["loc"])[:LONGEST_FIELD_NAME] or "body",
                detail["msg"].removeprefix("Value error, "),  # pydantic's words for a validator of our own
            )
            for detail in error.errors(include_url=False, include_context=False, include_input=False)[:MOST_ERRORS]
        )
    )
