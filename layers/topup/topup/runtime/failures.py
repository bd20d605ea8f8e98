"""What a failure of AWS or Stripe means for the request that met it."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any


class Failure(Enum):
    """RETRY: nothing was done, and it will pass. UNKNOWN: it may have been done. FINAL: it will not pass."""

    RETRY = auto()
    UNKNOWN = auto()
    FINAL = auto()


# AWS refuses because of its load. Source: DynamoDB documentation, "Error handling"; botocore's throttling codes.
THROTTLED = {
    *("ThrottlingException", "ThrottlingError", "Throttling", "ThrottledException", "RequestThrottled"),
    *("RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded"),
    *("ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded"),
}
# Another request is writing the same item at this moment.
CONFLICTS = {"TransactionConflictException", "TransactionConflict"}
INTERRUPTED = {
    *("RequestTimeout", "RequestTimeoutException", "InternalServerError", "InternalFailure", "ServiceUnavailable"),
    "TransactionInProgressException",  # an earlier try of this very request is still running
}
CANCELLED = "TransactionCanceledException"
# The transaction's condition was not met: for the store, that is a lost race, and reading again decides.
CONDITION = "ConditionalCheckFailed"

# Errors without an answer, by their library's and their own name: importing the libraries would slow every cold start.
# Those of AWS's SDK are UNKNOWN even where nothing was sent: its first attempt may have been carried out.
BY_NAME = {
    "botocore.HTTPClientError": Failure.UNKNOWN,
    "botocore.ConnectionError": Failure.UNKNOWN,
    "stripe.APIConnectionError": Failure.UNKNOWN,
    "builtins.ConnectionError": Failure.UNKNOWN,
    "builtins.TimeoutError": Failure.UNKNOWN,
    "topup.Busy": Failure.RETRY,  # we ourselves sent nothing
    "topup.UnknownWrite": Failure.UNKNOWN,
}


def of(error: BaseException) -> Failure:
    """The class of a failure."""
    if answer := _answer_of_aws(error):
        return _of_aws(answer)
    names = [f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__]
    for name in names:
        if name in BY_NAME:
            return BY_NAME[name]
    return _of_stripe(getattr(error, "http_status", None)) if "stripe.StripeError" in names else Failure.FINAL


def code_of(error: BaseException) -> str:
    """The code that AWS answered with, or the name of the error: for logs and comparisons."""
    answer = _answer_of_aws(error) or {}
    return str(answer.get("Error", {}).get("Code") or type(error).__name__)


def is_answer(error: BaseException) -> bool:
    """Whether AWS has answered with this error."""
    return _answer_of_aws(error) is not None


def attempts_before(error: BaseException) -> int:
    """How many attempts of a request to AWS were made before the one that the error answers; 0 where nobody knows."""
    answer = _answer_of_aws(error) or {}
    return int(answer.get("ResponseMetadata", {}).get("RetryAttempts", 0))


def cancellation_reasons(error: BaseException) -> set[str]:
    """Why DynamoDB has cancelled a transaction, whatever the write; empty for any other error."""
    return _reasons(_answer_of_aws(error) or {})


def _reasons(answer: Mapping[str, Any]) -> set[str]:
    return {str(reason.get("Code", "None")) for reason in answer.get("CancellationReasons", ())} - {"None"}


def _answer_of_aws(error: BaseException) -> Mapping[str, Any] | None:
    answer = getattr(error, "response", None)
    return answer if isinstance(answer, Mapping) else None


def _of_aws(answer: Mapping[str, Any]) -> Failure:
    metadata = answer.get("ResponseMetadata", {})
    failure = _of_answer(answer, metadata.get("HTTPStatusCode", 0))
    # The SDK tries twice. An answer to its second attempt does not say what became of the first one.
    return Failure.UNKNOWN if failure is Failure.RETRY and metadata.get("RetryAttempts", 0) else failure


def _of_answer(answer: Mapping[str, Any], status: int) -> Failure:
    code = str(answer.get("Error", {}).get("Code", ""))
    if code == CANCELLED:
        return _of_cancellation(_reasons(answer))
    if code in THROTTLED or code in CONFLICTS:
        return Failure.RETRY
    # Also a gateway's page in place of JSON: then the status stands where the code should.
    return Failure.UNKNOWN if code in INTERRUPTED or status >= 500 else Failure.FINAL


def _of_cancellation(reasons: set[str]) -> Failure:
    """Throttled or in conflict, a transaction will pass; a condition that failed too is decided by reading again."""
    will_pass = reasons & (THROTTLED | CONFLICTS)
    return Failure.RETRY if will_pass and reasons <= THROTTLED | CONFLICTS | {CONDITION} else Failure.FINAL


def _of_stripe(status: int | None) -> Failure:
    """What an answer means; none at all where Stripe's library refused to send the request."""
    if status == 429:
        return Failure.RETRY
    # 409: Stripe is still working on the same request. 2xx: it was carried out, but the body cannot be read.
    is_refusal = status is None or (400 <= status < 500 and status != 409)
    return Failure.FINAL if is_refusal else Failure.UNKNOWN
