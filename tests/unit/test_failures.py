"""What a failure means: nothing was done and it will pass, something may have been done, or it is final."""

from functools import partial
from typing import Any

import botocore.exceptions
import pytest
import stripe
from botocore.exceptions import ClientError

from topup.domain import errors
from topup.runtime import failures
from topup.runtime.failures import Failure

URL = {"endpoint_url": "https://dynamodb"}
AN_ERROR = OSError("reset")


def response(code: str, status: int = 400, retries: int = 0, reasons: tuple[str, ...] = ()) -> ClientError:
    """An error that AWS responded with."""
    document: Any = {
        "Error": {"Code": code},
        "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": retries},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return ClientError(document, "TransactWriteItems")


def cancelled(*reasons: str, retries: int = 0) -> ClientError:
    return response("TransactionCanceledException", retries=retries, reasons=reasons)


@pytest.mark.parametrize(
    "error",
    [
        response("ThrottlingException"),
        response("ThrottlingError"),
        response("ProvisionedThroughputExceededException"),
        response("RequestLimitExceeded"),
        response("TransactionConflictException"),
        cancelled("ThrottlingError"),
        cancelled("None", "ProvisionedThroughputExceeded", "None"),
        cancelled("ConditionalCheckFailed", "ThrottlingError"),
        cancelled("TransactionConflict", "ThrottlingError"),
        cancelled("TransactionConflict"),
    ],
    ids=str,
)
def test_what_aws_refuses_for_its_load_was_not_done_and_will_pass(error: Exception):
    assert failures.of(error) is Failure.RETRY


@pytest.mark.parametrize(
    "error",
    [
        response("InternalServerError", 500),
        response("InternalFailure", 500),
        response("ServiceUnavailable", 503),
        response("502", 502),  # the body is no JSON, so the status stands where the code should
        response("RequestTimeout"),
        botocore.exceptions.ReadTimeoutError(**URL),
        botocore.exceptions.ConnectTimeoutError(**URL),
        botocore.exceptions.EndpointConnectionError(**URL),
        botocore.exceptions.ConnectionClosedError(**URL),
        botocore.exceptions.SSLError(**URL, error=AN_ERROR),
        botocore.exceptions.ProxyConnectionError(proxy_url="http://proxy", error=AN_ERROR),
        botocore.exceptions.ResponseStreamingError(error=AN_ERROR),
        botocore.exceptions.HTTPClientError(error=AN_ERROR),
    ],
    ids=repr,
)
def test_where_aws_failed_or_did_not_answer_the_request_may_have_been_carried_out(error: Exception):
    assert failures.of(error) is Failure.UNKNOWN


@pytest.mark.parametrize(
    "error", [response("ThrottlingException", retries=1), cancelled("ThrottlingError", retries=1)], ids=repr
)
def test_the_answer_to_the_sdks_second_attempt_says_nothing_of_the_first_one(error: Exception):
    assert failures.of(error) is Failure.UNKNOWN


@pytest.mark.parametrize(
    "error",
    [
        response("AccessDeniedException"),
        response("ValidationException"),
        response("ResourceNotFoundException"),
        response("ConditionalCheckFailedException"),
        response("ValidationException", retries=1),
        cancelled("ConditionalCheckFailed"),
        cancelled("ValidationError", "ThrottlingError"),
        cancelled("None"),
        cancelled(),
        botocore.exceptions.NoCredentialsError(),
        botocore.exceptions.ParamValidationError(report="x"),
        ClientError({}, "TransactWriteItems"),
    ],
    ids=repr,
)
def test_every_other_answer_of_aws_is_final(error: Exception):
    assert failures.of(error) is Failure.FINAL


def refused(kind: Any, status: int | None) -> stripe.StripeError:
    error: stripe.StripeError = kind("no", http_status=status)
    return error


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (refused(stripe.RateLimitError, 429), Failure.RETRY),
        (refused(stripe.IdempotencyError, 409), Failure.UNKNOWN),
        (refused(stripe.APIError, 409), Failure.UNKNOWN),
        (stripe.APIConnectionError("timed out"), Failure.UNKNOWN),  # type: ignore[no-untyped-call]
        (refused(stripe.APIError, 500), Failure.UNKNOWN),
        (refused(stripe.APIError, 503), Failure.UNKNOWN),
        (refused(stripe.APIError, 200), Failure.UNKNOWN),  # it was carried out, and the body cannot be read
        (refused(stripe.APIError, 424), Failure.FINAL),
        (refused(stripe.AuthenticationError, 401), Failure.FINAL),
        (refused(stripe.AuthenticationError, None), Failure.FINAL),
        (refused(stripe.PermissionError, 403), Failure.FINAL),
        (refused(partial(stripe.InvalidRequestError, param="p"), 400), Failure.FINAL),
        (refused(partial(stripe.InvalidRequestError, param="p"), 404), Failure.FINAL),
    ],
    ids=repr,
)
def test_what_a_failure_at_stripe_means(error: Exception, failure: Failure):
    assert failures.of(error) is failure


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (errors.Busy(), Failure.RETRY),
        (ConnectionResetError(), Failure.UNKNOWN),
        (TimeoutError(), Failure.UNKNOWN),
        (errors.NotRefundable(), Failure.FINAL),
        (FileNotFoundError(), Failure.FINAL),
        (KeyError("a bug"), Failure.FINAL),
    ],
    ids=repr,
)
def test_any_other_error_is_final_unless_it_is_a_connections(error: Exception, failure: Failure):
    assert failures.of(error) is failure
