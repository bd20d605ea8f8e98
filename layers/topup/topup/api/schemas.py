"""The response bodies as types: `responses` is checked against them, and docs/openapi.json is made from them.

No function imports this module when it runs, so it costs a cold start nothing.
"""

from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict  # below Python 3.12 pydantic reads no other

from topup.api.schema_values import (
    UNKNOWN_HOLDS,
    Amount,
    AmountPaid,
    AmountText,
    Count,
    CreditsAvailable,
    CreditsToDebt,
    Currency,
    Cursor,
    Discount,
    DisputeStatus,
    ErrorCode,
    HoldId,
    Id,
    LotSource,
    Moment,
    PackageId,
    PaymentStatus,
    RefundStatus,
    ReversalAmount,
    ReversalCurrency,
    Schema,
    Tax,
    UnderReview,
    Url,
)
from topup.domain.credits import TransactionType


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


class FulfilQuote(TypedDict):
    """What a release with `fulfil` would do; `refused` says why it is not possible, and is null where it is."""

    credits: Count
    credits_to_debt: Count
    credits_taken_back: Count
    refused: str | None


class GiveBackQuote(TypedDict):
    """What a release with `refund` would do; `refused` says why it is not possible, and is null where it is."""

    amount: Amount
    refused: str | None


class ReleaseQuote(TypedDict):
    """What each decision over a payment under review would do now; its amounts are of its own `currency`."""

    payment_intent: str | None
    amount_paid: Amount
    amount_returned: Amount
    currency: Currency | None
    fulfil: FulfilQuote
    refund: GiveBackQuote


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
    release_quote: NotRequired[ReleaseQuote | None]
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
