"""What the code of each function does not say in a form that a program can read: who calls it, and how it may end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict

from topup.api import endpoint, requests, schemas
from topup.api.cursor import LARGEST
from topup.domain import errors
from topup.domain.errors import TopupError


class StripeEvent(BaseModel):
    """An event as Stripe sends it; what else is read of it depends on its type."""

    model_config = ConfigDict(extra="allow")

    type: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One function behind a route: all of `callers` at once may call it."""

    callers: tuple[str, ...] = ()
    parameters: tuple[Mapping[str, Any], ...] = ()
    body: type[BaseModel] | None = None
    responses: Mapping[HTTPStatus, tuple[str, Any]]
    errors: tuple[type[TopupError], ...] = ()
    links: Mapping[str, Any] = field(default_factory=dict)
    caching: str = "no-store"


def idempotency_key(*, required: bool, description: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}
    place = {"name": "Idempotency-Key", "in": "header", "required": required}
    return place | {"description": description, "schema": schema}


LIMIT = {
    "name": "limit",
    "in": "query",
    "description": "Rows of a page",
    "schema": {"type": "integer", "minimum": 1, "maximum": endpoint.LARGEST_PAGE, "default": 20},
}
CURSOR = {
    "name": "cursor",
    "in": "query",
    "description": "The `next_cursor` of the page before",
    "schema": {"type": "string", "minLength": 1, "maxLength": LARGEST},
}
PAYMENT_ID = {
    "name": "payment_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
LANGUAGE = {
    "name": "lang",
    "in": "query",
    "description": "The language of the packages' names; one that they have no name in changes nothing",
    "schema": {"type": "string"},
    "example": "en",
}
PAYMENT_LINK = {
    "payment": {
        "operationId": "get_payment",
        "parameters": {"payment_id": "$response.body#/payment_id"},
        "description": "Where this payment stands",
    }
}

WITH_BODY = (errors.InvalidJson, errors.BodyTooLarge, errors.UnsupportedMediaType, errors.ValidationFailed)
OF_REFUNDS = (errors.NotRefundable, errors.CreditsSpent, errors.TooManyLots, errors.IdempotencyConflict)
OF_SPENDS = (errors.InsufficientCredits, errors.TooManyLots, errors.IdempotencyConflict)

OPERATIONS: Mapping[str, Operation] = {
    "list_packages": Operation(
        parameters=(LANGUAGE,),
        responses={HTTPStatus.OK: ("What is on sale", schemas.Catalogue)},
        caching="public, max-age=60",
    ),
    "create_checkout": Operation(
        callers=("user", "service"),
        parameters=(idempotency_key(required=False, description="The same key and body make one payment"),),
        body=requests.CheckoutBody,
        responses={HTTPStatus.OK: ("The payment, and where to pay it", schemas.Checkout)},
        errors=(errors.Unauthorized, *WITH_BODY, errors.IdempotencyConflict, errors.StripeFailed, errors.Busy),
        links=PAYMENT_LINK,
    ),
    "stripe_webhook": Operation(
        callers=("stripe",),
        body=StripeEvent,
        responses={HTTPStatus.OK: ("The event has had its effect", schemas.Received)},
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
        callers=("user",),
        parameters=(PAYMENT_ID,),
        responses={HTTPStatus.OK: ("Where the payment stands", schemas.Payment)},
        errors=(errors.Unauthorized, errors.PaymentNotFound, errors.Busy),
    ),
    "list_payments": Operation(
        callers=("user",),
        parameters=(LIMIT, CURSOR),
        responses={HTTPStatus.OK: ("A page of payments", schemas.PaymentList)},
        errors=(errors.Unauthorized, errors.ValidationFailed, errors.Busy),
    ),
    "refund_payment": Operation(
        callers=("administrator",),
        parameters=(idempotency_key(required=False, description="The same key and body make one refund"),),
        body=requests.RefundBody,
        responses={
            HTTPStatus.OK: ("The refund is made, or Stripe has accepted it", schemas.RefundResult),
            HTTPStatus.ACCEPTED: ("The refund is under way: Stripe has not answered yet", schemas.RefundResult),
        },
        errors=(
            errors.Unauthorized,
            errors.Forbidden,
            errors.PaymentNotFound,
            *WITH_BODY,
            *OF_REFUNDS,
            errors.StripeFailed,
            errors.Busy,
        ),
    ),
    "get_credits": Operation(
        callers=("user",),
        responses={HTTPStatus.OK: ("The user's credits", schemas.Credits)},
        errors=(errors.Unauthorized, errors.Busy),
    ),
    "list_transactions": Operation(
        callers=("user",),
        parameters=(LIMIT, CURSOR),
        responses={HTTPStatus.OK: ("A page of changes", schemas.TransactionList)},
        errors=(errors.Unauthorized, errors.ValidationFailed, errors.Busy),
    ),
    "spend_credits": Operation(
        callers=("service",),
        parameters=(idempotency_key(required=True, description="The same key spends once"),),
        body=requests.SpendBody,
        responses={HTTPStatus.OK: ("The credits are spent", schemas.SpendReceipt)},
        errors=(errors.Unauthorized, *WITH_BODY, *OF_SPENDS, errors.Busy),
    ),
}
