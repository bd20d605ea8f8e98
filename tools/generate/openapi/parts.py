"""What the operations are described with: who may call, parameters, headers and common errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from topup.api import endpoint, queries
from topup.api.cursor import LARGEST
from topup.domain import errors, times
from topup.domain.errors import TopupError


class StripeEvent(BaseModel):
    """An event from Stripe; which other fields are read depends on its type."""

    model_config = ConfigDict(extra="allow")

    object: Literal["event"]
    type: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One function behind a route; a request needs the credentials of all `callers`, or those of one of `others`.

    `description`: what its function's documentation does not say. `headers`: those of a success. `name` and `summary`
    where they are not the function's.
    """

    tag: str
    description: str
    name: str = ""
    summary: str = ""
    callers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
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
AS_OF = {
    "name": "as_of",
    "in": "query",
    "description": (
        "A moment (RFC 3339; the plus of an offset is sent as %2B). An earlier one: what was answered then, from the "
        "ledger. A later one: what will be left by then if nothing happens but that credits expire and holds end"
    ),
    "schema": {"type": "string", "format": "date-time", "pattern": times.RFC_3339},
}
EXPLAIN = {
    "name": "explain",
    "in": "query",
    "description": "Whether each transaction says in `lots` which purchases its credits came from or went to",
    "schema": {"type": "boolean", "default": False},
}
EXPAND = {
    "name": "expand",
    "in": "query",
    "description": (
        "`receipt`: with the addresses of Stripe's receipt and invoice, for which Stripe is asked once. "
        "`release_quote`, for administrators and support staff: with what ending its quarantine would do"
    ),
    "schema": {"type": "string", "enum": list(queries.EXPANSIONS)},
}
PAYMENT_ID = {
    "name": "payment_id",
    "in": "path",
    "required": True,
    "description": "The payment's id",
    "schema": {"type": "string", "format": "uuid"},
}
SEARCHES = tuple(
    {
        "name": name,
        "in": "query",
        "description": words[:1].upper() + words[1:],
        "schema": {"type": "string", "pattern": f"^({form.pattern})$"},
    }
    for name, (form, words) in queries.SEARCHES.items()
)
MIN_AGE = {
    "name": queries.MIN_AGE,
    "in": "query",
    "description": "With `status`, but not `disputed`: only payments that were placed so long ago",
    "schema": {"type": "string", "pattern": "^(0|[1-9][0-9]{0,8})$"},
    "example": "86400",
}
HOLD_ID = {
    "name": "hold_id",
    "in": "path",
    "required": True,
    "description": "The `hold_id` of the response that opened the hold",
    "schema": {"type": "string"},
}
USER_ID = {
    "name": "user_id",
    "in": "path",
    "required": True,
    "description": "The user's id, as their tokens name it",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
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

READERS: Mapping[str, Any] = {"callers": ("service",), "others": ("administrator", "support")}
BODY_ERRORS = (errors.InvalidJson, errors.BodyTooLarge, errors.UnsupportedMediaType, errors.ValidationFailed)
REFUND_NOT_KNOWN = (
    "The refund has started and its outcome is not known yet, or it is not known whether it has started: do not repeat "
    "it, but look at the payment's refunds"
)
REFUND_ERRORS = (errors.NotRefundable, errors.QuoteStale, errors.CreditsSpent, errors.IdempotencyConflict)
HOLD_ERRORS = (errors.Unauthorized, errors.Forbidden, errors.HoldNotFound, errors.HoldEnded)
SPEND_ERRORS = (errors.InsufficientCredits, errors.IdempotencyConflict)

READ_ERRORS = (errors.Unauthorized, errors.Forbidden, errors.ValidationFailed, errors.Busy)
