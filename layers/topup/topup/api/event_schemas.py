"""The details of our events: what other systems read. Fields may be added; what is here stays as it is.

docs/events.json is made from these classes.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from topup.domain.events import EventType

Time = Annotated[str, Field(description="ISO 8601 in UTC", examples=["2026-03-01T12:00:00Z"])]
MinorUnits = Annotated[int, Field(description="Money in the currency's minor unit")]
Notes = Annotated[dict[str, str], Field(description="The service's own notes")]


class EventDetail(BaseModel):
    """What every event says."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, json_schema_serialization_defaults_required=True
    )

    id: str = Field(description="The same each time that this event is delivered: drop what you have seen")
    type: EventType = Field(description="What has happened; also the detail-type that rules match")
    schema_version: Literal[1] = 1
    user_id: str
    occurred_at: Time


class CreditsChanged(EventDetail):
    """A new ledger entry. With one user's entries sorted by `sequence`, and repeats dropped, there is no gap."""

    sequence: int = Field(ge=1, description="The number of the entry: 1, 2, 3 … for each user")
    transaction_id: str
    amount: int = Field(description="Credits; negative where the user loses some")
    balance_after: int = Field(description="All credits after it, those that are held included, less what is owed")
    actor: str = Field(description="user:…, admin:…, service:…, stripe or system")
    description: str
    reason: str | None
    payment_id: str | None
    package: str | None
    hold_id: str | None
    reverses: str | None = Field(description="The transaction that is given back")
    expires_at: Time | None = Field(description="When the credits that came in expire")
    money_minor: MinorUnits | None = Field(description="Money that came in with it; negative where it went back")
    currency: str | None
    metadata: Notes


class CreditsLow(EventDetail):
    """A ledger entry took the balance below the stack's threshold (the parameter LowBalanceThreshold)."""

    sequence: int = Field(ge=1, description="The number of the entry that did it")
    transaction_id: str
    amount: int = Field(description="Credits that the entry took: negative")
    balance_after: int
    threshold: int = Field(description="The balance was this or more before, and is less now")


class CreditsExpiring(EventDetail):
    """Credits expire in 7 days or in 1 day, unless they are used before."""

    lot_id: str
    remaining: int = Field(ge=1, description="Credits that are left in this lot now")
    expires_at: Time
    days_left: Literal[7, 1]
    payment_id: str | None
    package: str | None


class HoldEvent(EventDetail):
    """A hold's figures when the event was made."""

    hold_id: str
    amount: int = Field(description="Credits that were reserved")
    captured: int = Field(description="Credits that captures have taken, as debt too")
    shortfall: int = Field(description="Credits that captures asked for and could not take")
    actor: str = Field(description="Who opened it")
    description: str
    metadata: Notes


class HoldEnded(HoldEvent):
    """A hold has ended: what it reserved and no capture used is available again."""

    status: Literal["captured", "released", "expired"]
    released: int = Field(description="Credits that no capture used")


class HoldShortfall(HoldEvent):
    """A capture asked for more than there was; `shortfall` is the total of the hold."""


class PaymentEvent(EventDetail):
    """A payment has come into a state, or one of its payments was refused and waits for a decision."""

    payment_id: str
    package: str
    credits_purchased: int
    amount_minor: MinorUnits
    currency: str
    paid_minor: MinorUnits | None = Field(description="What was paid, with tax and less a discount")
    tax_minor: MinorUnits | None
    discount_minor: MinorUnits | None
    may_retry: bool = Field(description="It failed, and another card may still pay it at the same page")
    error_code: str | None = Field(description="Why it failed, in Stripe's words")
    quarantine_reason: str | None = Field(description="Why it waits for a decision")


def _detail_of(kind: EventType) -> type[EventDetail]:
    match kind:
        case EventType.CREDITS_LOW:
            return CreditsLow
        case EventType.CREDITS_EXPIRING:
            return CreditsExpiring
        case EventType.HOLD_ENDED:
            return HoldEnded
        case EventType.HOLD_SHORTFALL:
            return HoldShortfall
    return PaymentEvent if kind.startswith("payment.") else CreditsChanged


DETAILS: Mapping[EventType, type[EventDetail]] = {kind: _detail_of(kind) for kind in EventType}
