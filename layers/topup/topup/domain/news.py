"""What Stripe tells us about a payment, in Topup's words."""

from dataclasses import dataclass
from datetime import datetime

from topup.domain.reversal_kinds import Kind, Standing


@dataclass(frozen=True, kw_only=True)
class News:
    """Something happened to the payment of one order.

    `user_id` only says whose wallet to read along with the order: whose credits they are is the order's to say.
    `session_id` and `transaction_id` are Stripe's Checkout Session and payment intent, where the news names them.
    """

    payment_id: str
    user_id: str
    livemode: bool
    session_id: str | None = None
    transaction_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentReceived(News):
    """The money is there: `amount_minor` in integer minor units of `currency` (ISO 4217, capitals).

    `reference` is the order id that the Checkout Session was opened with, where the news names it.
    """

    amount_minor: int
    currency: str
    reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentProcessing(News):
    """The buyer has done their part; the money settles later (Alipay, WeChat Pay, bank debits)."""


@dataclass(frozen=True, kw_only=True)
class PaymentDeclined(News):
    """One attempt failed; the buyer may try again in the same session."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class PaymentFailed(News):
    """The payment failed for good; `reason` where this news has one."""

    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class CheckoutExpired(News):
    """The session ran out before anybody paid."""


@dataclass(frozen=True, kw_only=True)
class ReversalNews:
    """A refund or a dispute of an order, as Stripe has it: `amount_minor` in integer minor units of `currency`.

    `payment` is the payment that it is about, where Stripe was asked for it: an order that has not heard of its
    payment yet can be settled first.
    """

    kind: Kind
    reversal_id: str
    stripe_id: str
    payment_id: str
    amount_minor: int
    currency: str
    standing: Standing
    created_at: datetime
    reason: str | None = None
    payment: PaymentReceived | None = None
