"""Make the Stripe client, with limits that fit in a function's timeout, and translate its failures."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from typing import Any

import stripe
from stripe import StripeClient

from topup.domain.errors import Busy, Refusal, StripeFailed
from topup.runtime import config, deadline, failures
from topup.runtime.failures import Failure
from topup.runtime.telemetry import count, logger

API_VERSION = "2026-10-28.endive"  # the library's own; the webhook endpoint must have the same

# Seconds. The API's caller waits at most 30 s; Stripe's library would wait 80 s for one response. Two tries with a
# pause must fit, with the reads and writes around them.
CONNECT_TIMEOUT = 1
READ_TIMEOUT = 5
RETRIES = 1
LONGEST_PAUSE = stripe.HTTPClient.INITIAL_DELAY  # before the only retry


def longest_request(retries: int) -> float:
    """How many seconds a request takes at most."""
    return (1 + retries) * (CONNECT_TIMEOUT + READ_TIMEOUT) + retries * LONGEST_PAUSE


# Stripe's words for a refund that does not fit to what is left of the payment (Stripe documentation, "Error codes").
_OF_FIGURES = {"amount_too_large", "charge_already_refunded", "charge_disputed"}


def client(retries: int = RETRIES) -> StripeClient:
    """The client for the configured key. It raises Busy for a request that could not end in time."""
    return _client_of(config.stripe_secret_key(), config.settings().stripe_api_base, retries)


def own_key(*parts: str | int) -> str:
    """An idempotency key of this deployment: another stage in the same Stripe account may have the same ids."""
    return f"{config.settings().stack_name}/{'-'.join(str(part) for part in parts)}"


@cache
def _client_of(key: str, api_base: str, retries: int) -> StripeClient:
    return StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": api_base} if api_base else {},
        max_network_retries=retries,
        http_client=_InTime(http_client()),
    )


def own_account() -> str:
    """The id of the account that the configured key belongs to, asked for once. Raises StripeFailed, Busy."""
    return _account_of(client(retries=0))


@cache
def _account_of(asked: StripeClient) -> str:
    with translate_errors():
        return asked.v1.accounts.retrieve_current().id


def http_client() -> stripe.HTTPClient:
    """What carries requests to Stripe."""
    return stripe.RequestsClient(timeout=(CONNECT_TIMEOUT, READ_TIMEOUT))


def retrieved(ask: Callable[[StripeClient], stripe.StripeObject]) -> Mapping[str, Any] | None:
    """The object that the question is about; None if Stripe does not know it. Raises StripeFailed, Busy.

    Without retries: whoever asks is asked again, by Stripe or by reconcile.
    """
    with translate_errors():
        try:
            return ask(client(retries=0)).to_dict()
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
            return None


class _InTime(stripe.HTTPClient):
    """Sends nothing, and raises Busy, where the answer could come after this invocation's deadline."""

    name = "in_time"

    def __init__(self, sends: stripe.HTTPClient) -> None:
        super().__init__()
        self._sends = sends

    def request_with_retries(self, *request: Any, **options: Any) -> Any:
        # Of all tries at once: after a first try without an answer nobody could say that nothing was sent.
        deadline.require(longest_request(options.get("max_network_retries") or 0))
        return super().request_with_retries(*request, **options)

    def request(self, *request: Any, **options: Any) -> Any:
        return self._sends.request(*request, **options)

    def close(self) -> None:
        self._sends.close()  # type: ignore[no-untyped-call]


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise StripeFailed or Busy for every error of the library."""
    try:
        yield
    except stripe.StripeError as error:
        raise _translated(error) from error


def _translated(error: stripe.StripeError) -> Busy | StripeFailed:
    failure, status = failures.of(error), error.http_status
    if failure is Failure.RETRY:
        return Busy("Stripe limits our requests; please retry")
    if status == HTTPStatus.CONFLICT:
        return Busy("The same request is still under way; please retry")
    if failure is Failure.UNKNOWN and (status is None or status < HTTPStatus.BAD_REQUEST):
        logger.warning("Stripe did not answer", reason=type(error).__name__)
        return StripeFailed("Stripe did not answer in time; retry with the same Idempotency-Key")
    count("StripeError")
    logger.error("Stripe refused", status=status, code=error.code, stripe_request_id=error.request_id)
    # Stripe's codes are a fixed vocabulary; its messages may quote what was sent.
    reason = f" ({error.code})" if error.code else ""
    return StripeFailed(
        f"Stripe could not do this{reason}; please retry",
        is_final=True,
        refusal=_refusal(error),
        stripe_code=error.code,
    )


def _refusal(error: stripe.StripeError) -> Refusal | None:
    """What a refusal says of the request; None where Stripe may have done it, under this key or by another request."""
    if failures.of(error) is not Failure.FINAL or isinstance(error, stripe.IdempotencyError):
        return None
    if error.http_status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Refusal.OF_ACCESS
    # "Refund amount is greater than unrefunded amount on charge" comes without a code.
    is_amount_refused = error.code is None and getattr(error, "param", None) == "amount"
    return Refusal.OF_FIGURES if is_amount_refused or error.code in _OF_FIGURES else Refusal.OF_REQUEST
