"""Orders: what was asked for, frozen when it was placed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from topup.domain import times
from topup.domain.catalogue import name_in
from topup.domain.credits import CreditChange
from topup.domain.wording import NO_WORDS, PayPage


class Status(StrEnum):
    """The status of an order. It only moves forward: see `order_updates.RANK`."""

    PENDING = "pending"
    DECLINED = "declined"  # an attempt failed, another card may still pay; clients read it as failed
    PROCESSING = "processing"
    EXPIRED = "expired"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    UNKNOWN = "unknown"  # a newer version wrote a status that this one does not know: it is shown and left alone


# The buyer, or their bank, may still complete one of these; reconcile watches them until then.
UNFINISHED = frozenset({Status.PENDING, Status.DECLINED, Status.PROCESSING})


class ReleaseAction(StrEnum):
    """How an administrator ends a quarantine."""

    FULFIL = "fulfil"
    REFUND = "refund"


@dataclass(frozen=True, kw_only=True)
class Release:
    """A decision over a payment that was refused: by whom (`admin:…`), when and why.

    `intent` is that payment's intent, `quarantine_reason` why it was refused. `credits_ordered` is what the order was
    for until then. `is_done` is False while the money is on its way back.
    """

    action: ReleaseAction
    intent: str
    quarantine_reason: str
    credits_ordered: int
    reason: str
    actor: str
    released_at: datetime
    is_done: bool


@dataclass(frozen=True, kw_only=True)
class RefusedPayment:
    """A payment that cannot be its order's and waits for a decision: its intent, and why it was refused."""

    intent: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FraudWarning:
    """The card's issuer believes that a payment was fraud; `fraud_type` is Stripe's word for what kind."""

    warning_id: str
    fraud_type: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Order:
    """One attempt to buy one package; price, currency and credits are frozen at creation.

    `package_names` are the package's names in other languages. `page` is how its pay page speaks. `provider_order_id`
    is Stripe's Checkout Session, `transaction_id` its payment intent, `attempt` counts the tries to open the session,
    `opened_at` is when the latest of them began (None: with the order), `synced_at` is when Stripe was last asked,
    `next_look_at` is when reconcile looks at it next (None: see `looks`), `quarantine_reason` is why its payment was
    refused (`rejected_intent`: that payment's intent), `error_message` and `error_code` are Stripe's words for why its
    payment failed. `credits_to_debt` is how many of its credits paid what the user owed.
    `refused_besides` are further payments that were refused; each waits until the one before it was decided over.
    `releases` are the decisions that ended its quarantines, oldest first. `fraud_warning` is the first one of its
    payment, if any.
    `paid_minor` is what the buyer paid in the end, with tax and less a discount: None until then, and of an order of an
    earlier version, where it was the price. `tax_minor` is the tax in it, `discount_minor` what a promotion code took.
    `refunded_minor` and `disputed_minor` are what refunds and disputes reverse now, `clawed_back` is how many credits
    that has taken; `reversal_changes` counts the changes of them. `valid_months` is how long its credits live, FOREVER
    where they never expire; None of an earlier version's order, whose credits live as long as is configured.
    `credits_expire_at` is its lot's expiry, None where that never expires.
    """

    payment_id: str
    user_id: str
    package_id: str
    package_name: str
    credits_purchased: int
    amount_minor: int
    currency: str
    livemode: bool
    return_url: str
    request_fingerprint: str
    created_at: datetime
    package_names: Mapping[str, str] = field(default_factory=dict)
    page: PayPage = NO_WORDS
    valid_months: int | None = None
    status: Status = Status.PENDING
    provider: str = "stripe"
    attempt: int = 1
    provider_order_id: str | None = None
    payment_url: str | None = None
    transaction_id: str | None = None
    error_message: str | None = None
    error_code: str | None = None
    quarantine_reason: str | None = None
    rejected_intent: str | None = None
    refused_besides: tuple[RefusedPayment, ...] = ()
    releases: tuple[Release, ...] = ()
    fraud_warning: FraudWarning | None = None
    synced_at: datetime | None = None
    opened_at: datetime | None = None
    next_look_at: datetime | None = None
    paid_at: datetime | None = None
    credits_expire_at: datetime | None = None
    credits_to_debt: int = 0
    paid_minor: int | None = None
    tax_minor: int = 0
    discount_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0
    clawed_back: int = 0
    reversal_changes: int = 0

    def package_in(self, language: str) -> str:
        """The package's name in this language, else its own; as they were when the order was placed."""
        return name_in(self.package_name, self.package_names, language)

    @property
    def is_settled(self) -> bool:
        """Whether its credits have been granted."""
        return self.status is Status.SUCCEEDED

    @property
    def is_unfinished(self) -> bool:
        """Whether the buyer or Stripe may still change it."""
        return self.status in UNFINISHED

    @property
    def is_under_review(self) -> bool:
        """Whether a payment for it was quarantined: its buyer has paid something and must not pay again."""
        return self.quarantine_reason is not None and not self.is_settled

    @property
    def release_under_way(self) -> Release | None:
        """The decision to give the money of its refused payment back, while that has not happened."""
        return self.releases[-1] if self.releases and not self.releases[-1].is_done else None

    @property
    def waiting_intents(self) -> frozenset[str]:
        """The payments that were refused, and that nobody has decided over."""
        first = {self.rejected_intent} if self.rejected_intent else set()
        return frozenset(first | {one.intent for one in self.refused_besides})

    @property
    def refused_intents(self) -> frozenset[str]:
        """The payments that grant nothing: those that wait for a decision, and those whose money goes back."""
        return self.waiting_intents | self.given_back_intents

    @property
    def given_back_intents(self) -> frozenset[str]:
        """The payments whose money went back, or is on its way, because they were refused: they grant nothing.

        A payment whose refund came back waits for a decision again, and the last one counts.
        """
        last = {one.intent: one.action for one in self.releases}
        return frozenset(intent for intent, action in last.items() if action is ReleaseAction.REFUND)

    @property
    def open_since(self) -> datetime:
        """When its checkout began: when it was placed, or opened anew after the first checkout ended unseen."""
        return self.opened_at or self.created_at

    def credits_expiry(self, granted_at: datetime, usual_months: int) -> datetime | None:
        """When its credits expire if they are granted then; None if never."""
        return times.expiry(granted_at, usual_months if self.valid_months is None else self.valid_months)

    @property
    def has_reversals(self) -> bool:
        """Whether any refund or dispute of it is recorded, also one that came to nothing."""
        return self.reversal_changes > 0

    @property
    def charged_minor(self) -> int:
        """How much money came in for it: what refunds and disputes may give back, and its credits stand for."""
        return self.amount_minor if self.paid_minor is None else self.paid_minor

    @property
    def reversed_minor(self) -> int:
        """How much of its money is reversed: a refund and a dispute may be about the same money."""
        return min(self.charged_minor, self.refunded_minor + self.disputed_minor)

    @property
    def refundable_minor(self) -> int:
        """How much may still be refunded."""
        return max(0, self.charged_minor - self.refunded_minor)

    @property
    def credits_due_back(self) -> int:
        """How many of its credits must be gone because of all the money that is reversed now."""
        return self.credits_due_for(self.reversed_minor)

    def credits_due_for(self, reversed_minor: int) -> int:
        """How many of its credits so much of its money stands for: its share, rounded down, at the end all of them."""
        if not self.charged_minor:
            return 0  # a promotion code took the whole price
        return self.credits_purchased * min(self.charged_minor, reversed_minor) // self.charged_minor


@dataclass(frozen=True, kw_only=True)
class Advance:
    """An order that changes and grants nothing: as it was read, and as it will be."""

    before: Order
    after: Order


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """A paid order and the credits that it grants, in one transaction."""

    before: Order
    after: Order
    grant: CreditChange


Change = Advance | Settlement
