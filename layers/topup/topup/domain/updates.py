"""What Stripe reports about a payment, a refund or a dispute, in Topup's words."""

from dataclasses import dataclass
from datetime import datetime

from topup.domain.orders import FraudWarning, Release
from topup.domain.reversals import Reversal


@dataclass(frozen=True, kw_only=True)
class PaymentUpdate:
    """Something happened to the payment of one order.

    `user_id` only says whose wallet to read along with the order: the order itself says whose credits they are.
    `session_id` and `transaction_id` are Stripe's Checkout Session and payment intent, where the update names them;
    `attempt` is the order's attempt that they were made for (None: an older version made them).
    """

    payment_id: str
    user_id: str
    livemode: bool
    attempt: int | None = None
    session_id: str | None = None
    transaction_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentReceived(PaymentUpdate):
    """The money has arrived: `amount_minor` in integer minor units of `currency` (ISO 4217, capitals).

    `subtotal_minor` is the price before a discount and before tax that is added to it; None where the update names only
    what arrived. `tax_minor` may be part of the price or added to it. `reference` is the order id that the Checkout
    Session was opened with, where the update names it.
    """

    amount_minor: int
    currency: str
    subtotal_minor: int | None = None
    tax_minor: int = 0
    discount_minor: int = 0
    reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentReleased(PaymentReceived):
    """Ours, not Stripe's: an administrator accepts a payment that was quarantined, for `credits` of the order's."""

    credits: int
    release: Release


@dataclass(frozen=True, kw_only=True)
class PaymentSuspected(PaymentUpdate):
    """The card's issuer has warned of the payment. `is_actionable`: a refund may still prevent a dispute."""

    warning: FraudWarning
    is_actionable: bool


@dataclass(frozen=True, kw_only=True)
class PaymentProcessing(PaymentUpdate):
    """The buyer has done their part; the money settles later (Alipay, WeChat Pay, bank debits)."""


@dataclass(frozen=True, kw_only=True)
class PaymentDeclined(PaymentUpdate):
    """One attempt failed; the buyer may try again in the same session.

    `reason` is Stripe's sentence, `code` is Stripe's code for it where it has one (`insufficient_funds`).
    """

    reason: str
    code: str | None = None


@dataclass(frozen=True, kw_only=True)
class PaymentFailed(PaymentUpdate):
    """The payment failed and cannot be retried; `reason` and `code` where this update has them."""

    reason: str | None = None
    code: str | None = None


@dataclass(frozen=True, kw_only=True)
class CheckoutExpired(PaymentUpdate):
    """The session expired before anyone paid."""


@dataclass(frozen=True, kw_only=True)
class CheckoutAbandoned(CheckoutExpired):
    """Ours, not Stripe's: the order had no session when it was read, and it is too old to get one.

    `read_attempt` and `read_opened_at` are its attempt to open one, and when that began, as they were read.
    """

    read_attempt: int
    read_opened_at: datetime | None

    def is_about(self, attempt: int, opened_at: datetime | None, session_id: str | None) -> bool:
        """Whether the order still has no session, and nobody has tried to open one since it was read."""
        return session_id is None and (attempt, opened_at) == (self.read_attempt, self.read_opened_at)


@dataclass(frozen=True, kw_only=True)
class ReversalUpdate:
    """A refund or a dispute as Stripe has it, and the currency that Stripe names (ISO 4217, capitals).

    `transaction_id` is the payment intent that it belongs to, where Stripe names it: the intent, not the metadata,
    decides whose money it is. `payment` is the payment that it belongs to, where Stripe was asked for it: an order
    whose payment has not been reported yet can then be settled first.
    """

    reversal: Reversal
    currency: str
    transaction_id: str | None = None
    payment: PaymentReceived | None = None

    @property
    def payment_id(self) -> str:
        """The order that it belongs to."""
        return self.reversal.payment_id
