"""The values in response bodies as types, each with what JSON Schema says of it; see `schemas`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal


@dataclass(frozen=True)
class Schema:
    """What JSON Schema is to say of a value beyond its Python type."""

    keywords: Mapping[str, Any]

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        return {**handler(core_schema), **self.keywords}


PaymentStatus = Literal["pending", "processing", "succeeded", "failed", "expired"]
LotSource = Literal["purchase", "grant", "adjustment", "restored", "import"]
RefundStatus = Literal["pending", "succeeded", "failed", "canceled"]

Id = Annotated[str, Schema({"format": "uuid"})]
Moment = Annotated[str, Schema({"format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"})]
Currency = Annotated[str, Schema({"pattern": "^[A-Z]{3}$", "description": "ISO 4217"})]
AmountText = Annotated[str, Schema({"pattern": r"^\d+(\.\d+)?$", "description": "Major units, with all decimals"})]
Amount = Annotated[float, Schema({"minimum": 0, "description": "Major units"})]
ReversalAmount = Annotated[
    float,
    Schema({"minimum": 0, "description": "Major units of its own `currency` if it has one, else of the payment's"}),
]
ReversalCurrency = Annotated[
    str, Schema({"pattern": "^[A-Z]{3}$", "description": "ISO 4217; only where it is not the payment's currency"})
]
DisputeStatus = Annotated[
    str,
    Schema(
        {
            "description": "Stripe's word; it may be one that is not among the examples",
            "examples": [
                *("warning_needs_response", "warning_under_review", "warning_closed", "needs_response"),
                *("under_review", "appeal_needs_response", "appeal_under_review", "lost", "won", "prevented"),
            ],
        }
    ),
]
UnderReview = Annotated[
    Literal[True],
    Schema(
        {
            "description": (
                "A payment arrived that does not match the order, and somebody checks it: `status` is processing, "
                "there is no `payment_url`, and the buyer must not pay again"
            )
        }
    ),
]
ErrorCode = Annotated[
    str,
    Schema(
        {
            "description": "Stripe's code for the failure, for pages to word: https://docs.stripe.com/declines/codes",
            "examples": [
                "generic_decline",
                "insufficient_funds",
                "expired_card",
                "payment_intent_authentication_failure",
            ],
        }
    ),
]
AmountPaid = Annotated[float, Schema({"minimum": 0, "description": "Where that is not `amount`, the price"})]
Tax = Annotated[float, Schema({"minimum": 0, "description": "What of the amount paid is tax"})]
Discount = Annotated[float, Schema({"minimum": 0, "description": "What a promotion code took off the price"})]
CreditsToDebt = Annotated[
    int, Schema({"minimum": 1, "description": "How many of `credits_purchased` paid what the user owed when they came"})
]
CreditsAvailable = Annotated[
    int, Schema({"minimum": 0, "description": "What `credits_to_debt` left of `credits_purchased` to spend"})
]
PackageId = Annotated[str, Schema({"description": "A package's id, for pages to name it; it may be off sale by now"})]
HoldId = Annotated[str, Schema({"description": "Opaque; it names the user too"})]
Url = Annotated[str, Schema({"format": "uri"})]
Count = Annotated[int, Schema({"minimum": 0})]
UNKNOWN_HOLDS = "; null only with `as_of`, of an earlier moment of which that is not known"
Cursor = Annotated[str, Schema({"description": "Hand it back as `cursor` for the next page"})]
