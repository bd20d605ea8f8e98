"""The bodies of requests as pydantic models: docs/openapi.json is made from them, and so is bodies.json.

No function imports this module when it runs. `requests` reads bodies by bodies.json, with pydantic_core alone: loading
pydantic itself would take a sixth of a cold start (docs/decisions/0045).
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from topup.api.endpoint import LONGEST_USER_ID
from topup.api.requests import (
    LARGEST_CREDITS,
    LARGEST_REFUND,
    LARGEST_URL,
    LONGEST_DESCRIPTION,
    LONGEST_HOLD,
    LONGEST_REASON,
    MOST_DIGITS,
    as_decimal,
    changes_something,
    has_each_key_once,
)
from topup.domain import times
from topup.domain.batches import MOST_SPENDS
from topup.domain.catalogue import AMOUNT
from topup.domain.checkout_options import Locale

UserId = Annotated[str, Field(min_length=1, max_length=LONGEST_USER_ID)]
Credits = Annotated[int, Field(gt=0, le=LARGEST_CREDITS)]
Description = Annotated[str, Field(min_length=1, max_length=LONGEST_DESCRIPTION)]
Metadata = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=64)], Annotated[str, Field(max_length=128)]],
    Field(max_length=10, description="The service's own notes; they stay with the entry"),
]


class Body(BaseModel):
    """Nothing is coerced, and an unknown field is refused rather than ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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


# The limits stand first: pydantic_core checks them itself, and the generated file needs no code of pydantic's.
RefundAmount = Annotated[Decimal, Field(gt=0, le=LARGEST_REFUND, max_digits=MOST_DIGITS), BeforeValidator(as_decimal)]


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
    items: Annotated[
        list[BatchItemBody], Field(min_length=1, max_length=MOST_SPENDS), AfterValidator(has_each_key_once)
    ]


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


class AdjustmentBody(Body):
    """POST /api/admin/credits/adjust; `amount` credits up (positive) or down (negative)."""

    user_id: UserId
    amount: Annotated[
        int,
        Field(ge=-LARGEST_CREDITS, le=LARGEST_CREDITS, json_schema_extra={"not": {"const": 0}}),
        AfterValidator(changes_something),
    ]
    reason: Description
