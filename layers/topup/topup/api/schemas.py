"""The response bodies as types: `responses` is checked against them, and docs/openapi.json is made from them.

No function imports this module when it runs, so it costs a cold start nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict  # below Python 3.12 pydantic reads no other

from topup.domain.credits import TransactionType


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


class Checkout(TypedDict):
    """A payment that waits for its buyer at `payment_url`."""

    payment_id: Id
    status: PaymentStatus
    amount: AmountText
    currency: Currency
    credits_purchased: Count
    payment_url: Url | None
    under_review: NotRequired[UnderReview]


class Refund(TypedDict):
    """A refund of a payment."""

    refund_id: str
    amount: ReversalAmount
    status: RefundStatus
    reason: str | None
    created_at: Moment
    currency: NotRequired[ReversalCurrency]


class Dispute(TypedDict):
    """A dispute that the card holder opened at the bank: an inquiry (`warning_…`), or a chargeback."""

    dispute_id: str
    amount: ReversalAmount
    status: DisputeStatus
    reason: str | None
    created_at: Moment
    currency: NotRequired[ReversalCurrency]


class Release(TypedDict):
    """A decision over a payment that was under review."""

    action: Literal["fulfil", "refund"]
    status: Literal["in_flight", "done"]
    payment_intent: str
    quarantine_reason: str
    credits_ordered: Count
    reason: str
    actor: str
    released_at: Moment


class RefusedPayment(TypedDict):
    """One more payment that was refused: it waits until the one before it was decided over."""

    payment_intent: str
    quarantine_reason: str


class FraudWarning(TypedDict):
    """What the card's issuer says of a payment."""

    warning_id: str
    fraud_type: str
    created_at: Moment


class StripeIds(TypedDict):
    """What a payment is called at Stripe; null where there is none."""

    session: str | None
    payment_intent: str | None
    rejected_intent: str | None


class LotOfPayment(TypedDict):
    """The credits that a payment granted, as they are now."""

    granted: Count
    remaining: Count
    expires_at: Moment | None


class Documents(TypedDict):
    """The addresses of Stripe's pages for the buyer."""

    receipt_url: Url | None
    invoice_url: Url | None


class Payment(TypedDict):
    """The status of a payment; the fields from `user_id` on are for administrators and support staff."""

    payment_id: Id
    status: PaymentStatus
    package: PackageId
    amount: Amount
    currency: Currency
    credits_purchased: Count
    payment_url: Url | None
    created_at: Moment
    paid_at: Moment | None
    error_message: NotRequired[str | None]
    error_code: NotRequired[ErrorCode | None]
    may_retry: NotRequired[bool]
    under_review: NotRequired[UnderReview]
    amount_paid: NotRequired[AmountPaid]
    tax: NotRequired[Tax]
    discount: NotRequired[Discount]
    credits_to_debt: NotRequired[CreditsToDebt]
    credits_available: NotRequired[CreditsAvailable]
    amount_refunded: NotRequired[Amount]
    credits_refunded: NotRequired[Count]
    refunds: NotRequired[list[Refund]]
    disputes: NotRequired[list[Dispute]]
    package_name: NotRequired[str]
    receipt: NotRequired[Documents]
    user_id: NotRequired[str]
    quarantine_reason: NotRequired[str | None]
    stripe: NotRequired[StripeIds]
    refused_besides: NotRequired[list[RefusedPayment]]
    age_seconds: NotRequired[Count]
    lot: NotRequired[LotOfPayment]
    releases: NotRequired[list[Release]]
    fraud_warning: NotRequired[FraudWarning]


class PaymentList(TypedDict):
    """A page of payments, newest first; each as its own address answers it."""

    payments: list[Payment]
    next_cursor: Cursor | None


class Lot(TypedDict):
    """Credits that came in together: by one payment, a grant or an adjustment."""

    payment_id: Id | None
    lot_id: Id
    source: LotSource
    package: PackageId | None
    granted: Count
    remaining: Count
    expires_at: Moment | None


class Credits(TypedDict):
    """What a user may spend, and until when; of an earlier moment it may not be known what holds reserved."""

    user_id: str
    balance: Annotated[int, Schema({"description": "What there is now; negative where more is owed than there is"})]
    held: Annotated[int | None, Schema({"minimum": 0, "description": f"What open holds reserve{UNKNOWN_HOLDS}"})]
    available: Annotated[
        int | None, Schema({"description": f"What may be spent or held now: balance - held{UNKNOWN_HOLDS}"})
    ]
    debt: Count
    total_credits_earned: Count
    lots: list[Lot]


class MovedLot(TypedDict):
    """How a change of a user's credits has changed one lot: negative where it took credits from it."""

    lot_id: Id
    payment_id: Annotated[Id | None, Schema({"description": "The payment that bought them; null for free ones"})]
    amount: int


class Transaction(TypedDict):
    """One change of a user's credits; `actor` and `reason` are for services, administrators and support staff alone."""

    id: Id
    transaction_type: TransactionType
    amount: int
    balance_after: int
    payment_order_id: Id | None
    description: str
    package: PackageId | None
    metadata: dict[str, str]
    hold_id: HoldId | None
    reverses: Annotated[Id | None, Schema({"description": "The spend that this entry gives back"})]
    expires_at: Moment | None
    is_expired: bool
    created_at: Moment
    actor: NotRequired[str]
    reason: NotRequired[str | None]
    lots: NotRequired[list[MovedLot]]
    package_name: NotRequired[str | None]


class TransactionList(TypedDict):
    """A page of changes, newest first."""

    transactions: list[Transaction]
    next_cursor: Cursor | None


class Received(TypedDict):
    """An event that has had its effect."""

    received: Literal[True]
