"""Read what a payment intent has brought, and how much of that has gone back."""

from collections.abc import Sequence
from dataclasses import dataclass

from topup.domain.reversals import Kind, ReversalStatus
from topup.domain.updates import PaymentReceived, ReversalUpdate
from topup.stripe_gateway import translation
from topup.stripe_gateway.client import load, retrieved
from topup.stripe_gateway.listing import reversals_of


def load_money() -> None:
    """Load what asks Stripe about an intent's money, and refunds it: for the start of a function that always does."""
    load(lambda stripe: (stripe.v1.payment_intents, stripe.v1.refunds, stripe.v1.disputes))


@dataclass(frozen=True)
class IntentMoney:
    """The payment that an intent has made, None if none; and its refunds and disputes."""

    payment: PaymentReceived | None
    reversals: Sequence[ReversalUpdate] = ()

    @property
    def returned_minor(self) -> int:
        """How much of its money went back, in minor units.

        A refund that Stripe has accepted counts as gone back, a dispute once it is lost.
        """
        made = [update.reversal for update in self.reversals]
        return sum(one.reversed_minor for one in made if one.kind is Kind.REFUND or one.status is ReversalStatus.LOST)

    @property
    def is_back(self) -> bool:
        """Whether nothing of its money is left here."""
        return self.payment is not None and self.returned_minor >= self.payment.amount_minor

    @property
    def is_disputed(self) -> bool:
        """Whether a bank has some of its money, or has decided to keep it: then Stripe refunds none of the rest."""
        return any(one.reversal.kind is Kind.DISPUTE and one.reversal.reversed_minor for one in self.reversals)


def read_intent_money(intent_id: str) -> IntentMoney | None:
    """What Stripe has of the intent now; None if it is not ours.

    Up to three Stripe calls; raises StripeFailed, Busy.
    """
    intent = retrieved(lambda stripe: stripe.v1.payment_intents.retrieve(intent_id))
    if intent is None or not translation.is_ours(intent):
        return None
    if intent["status"] != "succeeded":
        return IntentMoney(payment=None)
    return IntentMoney(translation.received_by_intent(intent), reversals_of(intent_id))
