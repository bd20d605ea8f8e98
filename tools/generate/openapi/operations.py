"""For each operation, what cannot be read from its function's code: callers, parameters, responses and errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from topup.api import endpoint, requests, schemas
from topup.api.cursor import LARGEST
from topup.domain import errors
from topup.domain.errors import TopupError


class StripeEvent(BaseModel):
    """An event from Stripe; which other fields are read depends on its type."""

    model_config = ConfigDict(extra="allow")

    object: Literal["event"]
    type: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One function behind a route; a request needs the credentials of all `callers`.

    `description`: what its function's documentation does not say. `headers`: those of a success.
    """

    tag: str
    description: str
    callers: tuple[str, ...] = ()
    parameters: tuple[Mapping[str, Any], ...] = ()
    body: type[BaseModel] | None = None
    responses: Mapping[HTTPStatus, tuple[str, Any]]
    errors: tuple[type[TopupError], ...] = ()
    links: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    caching: str = "no-store"


RETRY = "A request with the same key and body gets {}; with another body it is refused (409)"


def idempotency_key(*, required: bool, description: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[ -+\--~]+$"}
    place = {"name": "Idempotency-Key", "in": "header", "required": required}
    return place | {"description": description, "schema": schema}


LIMIT = {
    "name": "limit",
    "in": "query",
    "description": "Rows per page",
    "schema": {"type": "integer", "minimum": 1, "maximum": endpoint.LARGEST_PAGE, "default": 20},
}
CURSOR = {
    "name": "cursor",
    "in": "query",
    "description": "The `next_cursor` of the previous page",
    "schema": {"type": "string", "minLength": 1, "maxLength": LARGEST},
}
PAYMENT_ID = {
    "name": "payment_id",
    "in": "path",
    "required": True,
    "description": "The payment's id",
    "schema": {"type": "string", "format": "uuid"},
}
LANGUAGE = {
    "name": "lang",
    "in": "query",
    "description": "The language of the packages' names; ignored if they have no name in it",
    "schema": {"type": "string"},
    "example": "en",
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an earlier answer: where nothing has changed, 304 without a body",
    "schema": {"type": "string"},
}
ETAG = {"ETag": {"required": True, "schema": {"type": "string"}, "description": "Another one where anything changed"}}
NEXT_PAGE = {
    "Link": {"schema": {"type": "string"}, "description": '`<…>; rel="next"`: the next page, where there is one'}
}
REPLAYED = {
    "Idempotent-Replayed": {
        "schema": {"const": "true"},
        "description": "Where the same key and request had this answer before",
    }
}
PAYMENT_LINK = {
    "payment": {
        "operationId": "get_payment",
        "parameters": {"payment_id": "$response.body#/payment_id"},
        "description": "The status of this payment",
    }
}

BODY_ERRORS = (errors.InvalidJson, errors.BodyTooLarge, errors.UnsupportedMediaType, errors.ValidationFailed)
REFUND_NOT_KNOWN = (
    "The refund has started and its outcome is not known yet, or it is not known whether it has started: do not repeat "
    "it, but look at the payment's refunds"
)
REFUND_ERRORS = (errors.NotRefundable, errors.CreditsSpent, errors.IdempotencyConflict)
SPEND_ERRORS = (errors.InsufficientCredits, errors.IdempotencyConflict)

OPERATIONS: Mapping[str, Operation] = {
    "list_packages": Operation(
        tag="Packages",
        description="The ids are what a payment names; prices are text with all decimals, as in a new payment.",
        headers=ETAG,
        parameters=(LANGUAGE, IF_NONE_MATCH),
        errors=(errors.ValidationFailed,),
        responses={
            HTTPStatus.OK: ("The packages on sale", schemas.Catalogue),
            HTTPStatus.NOT_MODIFIED: ("Nothing has changed", None),
        },
        caching="public, max-age=60",
    ),
    "create_checkout": Operation(
        tag="Payments",
        description=(
            "Send the buyer to `payment_url`. The payment is settled by Stripe's events, not by the buyer's return: "
            "ask for its status. Amounts are text here, and numbers in a payment's status."
        ),
        headers=REPLAYED,
        callers=("user", "service"),
        parameters=(idempotency_key(required=False, description=RETRY.format("the same payment")),),
        body=requests.CheckoutBody,
        responses={HTTPStatus.OK: ("The payment, and the URL where the buyer pays", schemas.Checkout)},
        errors=(errors.Unauthorized, *BODY_ERRORS, errors.IdempotencyConflict, errors.StripeFailed, errors.Busy),
        links=PAYMENT_LINK,
    ),
    "stripe_webhook": Operation(
        tag="Webhook",
        description="",
        callers=("stripe",),
        body=StripeEvent,
        responses={HTTPStatus.OK: ("The event has been processed", schemas.Received)},
        errors=(
            errors.InvalidSignature,
            errors.InvalidJson,
            errors.InvalidEvent,
            errors.BodyTooLarge,
            errors.StripeFailed,
            errors.Busy,
            errors.OrderMissing,
            errors.OrderUnsettled,
        ),
    ),
    "get_payment": Operation(
        tag="Payments",
        description=(
            "`succeeded` is final. `failed` and `expired` end a payment unless money comes late. A page that waits may "
            "ask every two seconds. `payment_url` stays when the payment has ended."
        ),
        callers=("user",),
        parameters=(PAYMENT_ID,),
        responses={HTTPStatus.OK: ("The status of the payment", schemas.Payment)},
        errors=(errors.Unauthorized, errors.PaymentNotFound, errors.ValidationFailed, errors.Busy),
    ),
    "list_payments": Operation(
        tag="Payments",
        description="A payment reads here as at its own address.",
        headers=NEXT_PAGE,
        callers=("user",),
        parameters=(LIMIT, CURSOR),
        responses={HTTPStatus.OK: ("A page of payments", schemas.PaymentList)},
        errors=(errors.Unauthorized, errors.ValidationFailed, errors.Busy),
    ),
    "refund_payment": Operation(
        tag="Administration",
        description="A key belongs to its refund for ever.",
        headers=REPLAYED,
        callers=("administrator",),
        parameters=(
            idempotency_key(
                required=False,
                description="Recommended: without it, the same request again is another refund. "
                + RETRY.format("the same refund"),
            ),
        ),
        body=requests.RefundBody,
        responses={
            HTTPStatus.OK: ("The refund has succeeded, or Stripe has accepted it", schemas.RefundResult),
            HTTPStatus.ACCEPTED: (REFUND_NOT_KNOWN, schemas.RefundResult),
        },
        errors=(
            errors.Unauthorized,
            errors.Forbidden,
            errors.PaymentNotFound,
            *BODY_ERRORS,
            *REFUND_ERRORS,
            errors.StripeFailed,
            errors.Busy,
        ),
    ),
    "get_credits": Operation(
        tag="Credits",
        description="A user that has never had credits has 0, and is no error. Credits that have expired do not count.",
        callers=("user",),
        responses={HTTPStatus.OK: ("The user's credits", schemas.Credits)},
        errors=(errors.Unauthorized, errors.ValidationFailed, errors.Busy),
    ),
    "list_transactions": Operation(
        tag="Credits",
        description="Their amounts add up to the balance, debt included.",
        headers=NEXT_PAGE,
        callers=("user",),
        parameters=(LIMIT, CURSOR),
        responses={HTTPStatus.OK: ("A page of transactions", schemas.TransactionList)},
        errors=(errors.Unauthorized, errors.ValidationFailed, errors.Busy),
    ),
    "grant_credits": Operation(
        tag="Administration",
        description="A key is remembered for 90 days, a campaign for ever.",
        headers=REPLAYED,
        callers=("administrator",),
        parameters=(idempotency_key(required=True, description="The same key grants once"),),
        body=requests.GrantBody,
        responses={HTTPStatus.CREATED: ("The credits are granted", schemas.GrantReceipt)},
        errors=(
            errors.Unauthorized,
            errors.Forbidden,
            *BODY_ERRORS,
            errors.AlreadyGranted,
            errors.IdempotencyConflict,
            errors.Busy,
        ),
    ),
    "adjust_credits": Operation(
        tag="Administration",
        description="A key is remembered for 90 days.",
        headers=REPLAYED,
        callers=("administrator",),
        parameters=(idempotency_key(required=True, description="The same key adjusts once"),),
        body=requests.AdjustmentBody,
        responses={HTTPStatus.OK: ("The credits are adjusted", schemas.AdjustmentReceipt)},
        errors=(errors.Unauthorized, errors.Forbidden, *BODY_ERRORS, *SPEND_ERRORS, errors.Busy),
    ),
    "spend_credits": Operation(
        tag="Credits",
        description=(
            "All or nothing. A key is remembered for 90 days. A spend that was refused is not remembered: the same key "
            "succeeds once there are credits."
        ),
        headers=REPLAYED,
        callers=("service",),
        parameters=(
            idempotency_key(required=True, description=RETRY.format("the same receipt, and nothing is spent again")),
        ),
        body=requests.SpendBody,
        responses={HTTPStatus.OK: ("The credits are spent", schemas.SpendReceipt)},
        errors=(errors.Unauthorized, *BODY_ERRORS, *SPEND_ERRORS, errors.Busy),
    ),
}
