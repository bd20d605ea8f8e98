"""The operations of trusted services: what they spend, hold and read. See `operations`."""

from collections.abc import Mapping
from http import HTTPStatus

from tools.generate.openapi.parts import (
    AS_OF,
    BODY_ERRORS,
    CURSOR,
    EXPLAIN,
    HOLD_ERRORS,
    HOLD_ID,
    LANGUAGE,
    LIMIT,
    NEXT_PAGE,
    READ_ERRORS,
    READERS,
    REPLAYED,
    RETRY,
    SPEND_ERRORS,
    USER_ID,
    Operation,
    idempotency_key,
)
from topup.api import bodies, hold_schemas, receipt_schemas, schemas
from topup.domain import errors

# Functions that read any user's records at another address, by its path.
OF_ANY_USER: Mapping[str, Operation] = {
    "/api/users/{user_id}/credits": Operation(
        tag="Credits",
        description="For services, administrators and support staff. A user that nobody has heard of has 0 credits.",
        name="get_user_credits",
        summary="What a user may spend, and until when",
        **READERS,
        parameters=(USER_ID, AS_OF),
        responses={HTTPStatus.OK: ("The user's credits", schemas.Credits)},
        errors=READ_ERRORS,
    ),
    "/api/users/{user_id}/credits/transactions": Operation(
        tag="Credits",
        description="For services, administrators and support staff: with who made each change, and why.",
        headers=NEXT_PAGE,
        name="list_user_transactions",
        summary="Every change of a user's credits, newest first",
        **READERS,
        parameters=(USER_ID, LIMIT, CURSOR, EXPLAIN, LANGUAGE),
        responses={HTTPStatus.OK: ("A page of transactions", schemas.TransactionList)},
        errors=READ_ERRORS,
    ),
    "/api/users/{user_id}/payments": Operation(
        tag="Payments",
        description="For services, administrators and support staff.",
        headers=NEXT_PAGE,
        name="list_user_payments",
        summary="A user's payments, newest first",
        **READERS,
        parameters=(USER_ID, LIMIT, CURSOR, LANGUAGE),
        responses={HTTPStatus.OK: ("A page of payments", schemas.PaymentList)},
        errors=READ_ERRORS,
    ),
}

OF_SERVICES: Mapping[str, Operation] = {
    "list_holds": Operation(
        tag="Holds",
        description=("Only holds that reserve credits now; those that have ended are not listed."),
        **READERS,
        parameters=(USER_ID,),
        responses={HTTPStatus.OK: ("The open holds", hold_schemas.HoldList)},
        errors=READ_ERRORS,
    ),
    "open_hold": Operation(
        tag="Holds",
        description=(
            "The credits stay reserved until `ends_at`, and are available again from that second on. They must "
            "last until then: credits that expire before do not count. A key is remembered for 90 days."
        ),
        headers=REPLAYED,
        callers=("service",),
        parameters=(idempotency_key(required=True, description=RETRY.format("the same hold")),),
        body=bodies.HoldBody,
        responses={HTTPStatus.CREATED: ("The credits are held", hold_schemas.HoldReceipt)},
        errors=(
            errors.Unauthorized,
            errors.Forbidden,
            *BODY_ERRORS,
            *SPEND_ERRORS,
            errors.TooManyHolds,
            errors.Busy,
        ),
    ),
    "capture_hold": Operation(
        tag="Holds",
        description=(
            "Takes what was used. Up to 24 hours after `ends_at` a capture is still taken, as `overrun` says, "
            "and is `late`. A key is remembered for 90 days."
        ),
        headers=REPLAYED,
        callers=("service",),
        parameters=(
            HOLD_ID,
            idempotency_key(required=True, description=RETRY.format("the same receipt, and nothing is taken again")),
        ),
        body=bodies.CaptureBody,
        responses={HTTPStatus.OK: ("The credits are taken", hold_schemas.CaptureReceipt)},
        errors=(*HOLD_ERRORS, *BODY_ERRORS, *SPEND_ERRORS, errors.Busy),
    ),
    "extend_hold": Operation(
        tag="Holds",
        description=(
            "`ttl_seconds` counts from now; a hold never ends earlier than before. A key is remembered for 90 days."
        ),
        headers=REPLAYED,
        callers=("service",),
        parameters=(HOLD_ID, idempotency_key(required=True, description=RETRY.format("the same answer"))),
        body=bodies.ExtensionBody,
        responses={HTTPStatus.OK: ("The hold lasts longer, or holds more", hold_schemas.HoldReceipt)},
        errors=(*HOLD_ERRORS, *BODY_ERRORS, *SPEND_ERRORS, errors.Busy),
    ),
    "release_hold": Operation(
        tag="Holds",
        description=("A hold that has been released answers the same again."),
        headers=REPLAYED,
        callers=("service",),
        parameters=(HOLD_ID,),
        responses={HTTPStatus.OK: ("The credits are available again", hold_schemas.HoldReceipt)},
        errors=(*HOLD_ERRORS, errors.Busy),
    ),
    "spend_batch": Operation(
        tag="Credits",
        description=(
            "All of the spends or none. Each has an entry and a key of its own, so spends that were made before "
            "answer what they answered then, and only the others are made."
        ),
        headers=REPLAYED,
        callers=("service",),
        body=bodies.BatchBody,
        responses={HTTPStatus.OK: ("The credits are spent", receipt_schemas.BatchReceipt)},
        errors=(errors.Unauthorized, errors.Forbidden, *BODY_ERRORS, *SPEND_ERRORS, errors.Busy),
    ),
    "reverse_spend": Operation(
        tag="Credits",
        description=(
            "In part or in full, never more than the spend took, and to the very lots that it drew from, the "
            "last drawn first. What would come back to a lot that has expired lapses. A key is remembered for "
            "90 days."
        ),
        headers=REPLAYED,
        callers=("service",),
        others=("administrator",),
        parameters=(
            idempotency_key(required=True, description=RETRY.format("the same receipt, and nothing is given again")),
        ),
        body=bodies.ReversalBody,
        responses={HTTPStatus.OK: ("The credits are given back", receipt_schemas.ReversalReceipt)},
        errors=(
            errors.Unauthorized,
            errors.Forbidden,
            *BODY_ERRORS,
            errors.SpendNotFound,
            errors.SpendReversed,
            errors.IdempotencyConflict,
            errors.Busy,
        ),
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
        body=bodies.SpendBody,
        responses={HTTPStatus.OK: ("The credits are spent", receipt_schemas.SpendReceipt)},
        errors=(errors.Unauthorized, errors.Forbidden, *BODY_ERRORS, *SPEND_ERRORS, errors.Busy),
    ),
}
