"""For each operation, what cannot be read from its function's code: callers, parameters, responses and errors."""

from collections.abc import Mapping
from http import HTTPStatus

from tools.generate.openapi.parts import (
    AS_OF,
    BODY_ERRORS,
    CURSOR,
    ETAG,
    EXPAND,
    EXPLAIN,
    IF_NONE_MATCH,
    LANGUAGE,
    LIMIT,
    MIN_AGE,
    NEXT_PAGE,
    PAYMENT_ID,
    PAYMENT_LINK,
    REFUND_ERRORS,
    REFUND_NOT_KNOWN,
    REPLAYED,
    RETRY,
    SEARCHES,
    SPEND_ERRORS,
    Operation,
    StripeEvent,
    idempotency_key,
)
from tools.generate.openapi.services import OF_SERVICES
from topup.api import bodies, package_schemas, receipt_schemas, refund_schemas, schemas
from topup.domain import errors

OPERATIONS: Mapping[str, Operation] = {
    "list_packages": Operation(
        tag="Packages",
        description="The ids are what a payment names; prices are text with all decimals, as in a new payment.",
        headers=ETAG,
        parameters=(LANGUAGE, IF_NONE_MATCH),
        errors=(errors.ValidationFailed,),
        responses={
            HTTPStatus.OK: ("The packages on sale", package_schemas.Catalogue),
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
        body=bodies.CheckoutBody,
        responses={HTTPStatus.OK: ("The payment, and the URL where the buyer pays", schemas.Checkout)},
        errors=(
            errors.Unauthorized,
            errors.Forbidden,
            *BODY_ERRORS,
            errors.IdempotencyConflict,
            errors.StripeFailed,
            errors.Busy,
        ),
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
            "ask every two seconds. `payment_url` stays when the payment has ended, without its `#…` once it has "
            "succeeded."
        ),
        callers=("user",),
        parameters=(PAYMENT_ID, LANGUAGE, EXPAND),
        responses={HTTPStatus.OK: ("The status of the payment", schemas.Payment)},
        errors=(
            errors.Unauthorized,
            errors.PaymentNotFound,
            errors.ValidationFailed,
            errors.StripeFailed,
            errors.Busy,
        ),
    ),
    "cancel_checkout": Operation(
        tag="Payments",
        description=(
            "Nobody can pay it any more: it is `expired`, or `failed` after a declined card. A payment that has ended "
            "before stays as it is; one whose money is on its way is refused (409)."
        ),
        headers=REPLAYED,
        callers=("user",),
        parameters=(PAYMENT_ID,),
        responses={HTTPStatus.OK: ("The payment, which has ended, or is paid", schemas.Payment)},
        errors=(
            errors.Unauthorized,
            errors.PaymentNotFound,
            errors.NotCancellable,
            errors.StripeFailed,
            errors.Busy,
        ),
    ),
    "list_payments": Operation(
        tag="Payments",
        description="A payment reads here as at its own address.",
        headers=NEXT_PAGE,
        callers=("user",),
        parameters=(LIMIT, CURSOR, LANGUAGE),
        responses={HTTPStatus.OK: ("A page of payments", schemas.PaymentList)},
        errors=(errors.Unauthorized, errors.ValidationFailed, errors.Busy),
    ),
    "find_payments": Operation(
        tag="Administration",
        description=(
            "Name exactly one of `payment_id`, `session`, `payment_intent`, `charge`, `email` and `status`; where "
            "there is none, the list is empty. Stripe is asked once for its own ids, for `email`, which finds the "
            "payments whose buyer gave this address on the pay page, and for `status=disputed`: payments with a "
            "dispute that is not decided, the newest first. A page of `email` or `status` may have fewer rows than "
            "`limit`, or none: follow `next_cursor`."
        ),
        headers=NEXT_PAGE,
        callers=("administrator",),
        others=("support",),
        parameters=(*SEARCHES, MIN_AGE, LIMIT, CURSOR, LANGUAGE),
        responses={HTTPStatus.OK: ("The payments that were found", schemas.PaymentList)},
        errors=(
            errors.Unauthorized,
            errors.Forbidden,
            errors.ValidationFailed,
            errors.StripeFailed,
            errors.Busy,
        ),
    ),
    "quote_refund": Operation(
        tag="Administration",
        description=(
            "By the code of the refund itself. Send `quote_token` with the refund: then it does exactly this, or is "
            "refused with `quote_stale`. What would leave debt or take held credits needs `force` as well."
        ),
        callers=("administrator",),
        others=("support",),
        body=bodies.QuoteBody,
        responses={HTTPStatus.OK: ("What the refund would do", refund_schemas.RefundQuote)},
        errors=(
            errors.Unauthorized,
            errors.Forbidden,
            errors.PaymentNotFound,
            *BODY_ERRORS,
            errors.NotRefundable,
            errors.Busy,
        ),
    ),
    "release_payment": Operation(
        tag="Administration",
        description=(
            "`fulfil` grants the share of the order's credits that the payment paid of the price, never more than all; "
            "`refund` gives back what is left of its money. Who decided, and why, stays with the payment. The same "
            "request again gets the same answer."
        ),
        headers=REPLAYED,
        callers=("administrator",),
        parameters=(PAYMENT_ID,),
        body=bodies.ReleaseBody,
        responses={
            HTTPStatus.OK: ("The quarantine has ended", schemas.Payment),
            HTTPStatus.ACCEPTED: (
                "The money is on its way back, and it is not known yet whether it has gone: it will be completed",
                schemas.Payment,
            ),
        },
        errors=(
            errors.Unauthorized,
            errors.Forbidden,
            errors.PaymentNotFound,
            *BODY_ERRORS,
            errors.NotReleasable,
            errors.StripeFailed,
            errors.Busy,
        ),
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
        body=bodies.RefundBody,
        responses={
            HTTPStatus.OK: ("The refund has succeeded, or Stripe has accepted it", refund_schemas.RefundResult),
            HTTPStatus.ACCEPTED: (REFUND_NOT_KNOWN, refund_schemas.RefundResult),
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
        parameters=(AS_OF,),
        responses={HTTPStatus.OK: ("The user's credits", schemas.Credits)},
        errors=(errors.Unauthorized, errors.ValidationFailed, errors.Busy),
    ),
    "list_transactions": Operation(
        tag="Credits",
        description="Their amounts add up to the balance, debt included.",
        headers=NEXT_PAGE,
        callers=("user",),
        parameters=(LIMIT, CURSOR, EXPLAIN, LANGUAGE),
        responses={HTTPStatus.OK: ("A page of transactions", schemas.TransactionList)},
        errors=(errors.Unauthorized, errors.ValidationFailed, errors.Busy),
    ),
    "grant_credits": Operation(
        tag="Administration",
        description="A key is remembered for 90 days, a campaign for ever.",
        headers=REPLAYED,
        callers=("administrator",),
        others=("service",),
        parameters=(idempotency_key(required=True, description="The same key grants once"),),
        body=bodies.GrantBody,
        responses={HTTPStatus.CREATED: ("The credits are granted", receipt_schemas.GrantReceipt)},
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
        body=bodies.AdjustmentBody,
        responses={HTTPStatus.OK: ("The credits are adjusted", receipt_schemas.AdjustmentReceipt)},
        errors=(errors.Unauthorized, errors.Forbidden, *BODY_ERRORS, *SPEND_ERRORS, errors.Busy),
    ),
    **OF_SERVICES,
}
