"""The bodies of the controls under /_sim."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from local.stripe_simulator.api.faults import Action

Amount = Annotated[int, Field(ge=1)]
MinorUnits = Annotated[int, Field(ge=0)]
Method = Literal["alipay", "wechat_pay"]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Nothing(Body):
    pass


class Pay(Body):
    card: str | None = None
    method: Method | None = None
    three_d_secure: Literal["complete", "fail"] | None = None
    tax_minor: MinorUnits | None = None
    discount_minor: MinorUnits | None = None
    promotion_code: Annotated[str, Field(max_length=100)] | None = None
    presentment_currency: Annotated[str, Field(pattern="^[a-z]{3}$")] | None = None

    @model_validator(mode="after")
    def one_way_to_pay(self) -> "Pay":
        if self.card is not None and self.method is not None:
            raise ValueError("give either a card or a method")
        return self


class Settle(Body):
    outcome: Literal["succeeded", "failed"]


class Refund(Body):
    amount: Amount | None = None
    pending: bool = False
    has_status: bool = True


class FailRefund(Body):
    reason: Literal[
        "charge_for_pending_refund_disputed",
        "declined",
        "expired_or_canceled_card",
        "insufficient_funds",
        "lost_or_stolen_card",
        "merchant_request",
        "unknown",
    ] = "unknown"


class Dispute(Body):
    amount: Amount | None = None
    reason: Literal[
        "bank_cannot_process",
        "check_returned",
        "credit_not_processed",
        "customer_initiated",
        "debit_not_authorized",
        "duplicate",
        "fraudulent",
        "general",
        "incorrect_account_details",
        "insufficient_funds",
        "noncompliant",
        "product_not_received",
        "product_unacceptable",
        "subscription_canceled",
        "unrecognized",
    ] = "fraudulent"
    status: Literal["needs_response", "warning_needs_response"] = "needs_response"


class UpdateDispute(Body):
    status: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    amount: Amount | None = None


class CloseDispute(Body):
    status: Literal["won", "lost", "prevented", "warning_closed"]
    case_type: Literal["block", "resolution"] | None = None
    kept: MinorUnits = 0

    @model_validator(mode="after")
    def prevented_by(self) -> "CloseDispute":
        if (self.status == "prevented") != (self.case_type is not None):
            raise ValueError("a prevented dispute, and no other, has a case_type")
        return self


class FraudWarning(Body):
    fraud_type: Literal[
        "card_never_received",
        "fraudulent_card_application",
        "made_with_counterfeit_card",
        "made_with_lost_card",
        "made_with_stolen_card",
        "misc",
        "unauthorized_use_of_card",
    ] = "unauthorized_use_of_card"


class EventFields(Body):
    account: str | None = None
    context: str | None = None


class Webhooks(Body):
    duplicates: Annotated[int, Field(ge=0, le=100)] = 0
    shuffle: bool = False
    delay_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 0
    drop: Annotated[float, Field(ge=0, le=1, strict=False)] = 0.0
    paused: bool = False


class Refunds(Body):
    pending: bool


class NextFault(Body):
    path: Annotated[str, Field(pattern="^/v1/")]
    do: Action
    method: Literal["GET", "POST", "DELETE"] | None = None

    @model_validator(mode="before")
    @classmethod
    def accept_numeric_status(cls, value: Any) -> Any:
        if isinstance(value, dict) and type(value.get("do")) is int:
            return {**value, "do": str(value["do"])}
        return value


class NextFaults(Body):
    next: Annotated[list[NextFault], Field(max_length=1000)]
