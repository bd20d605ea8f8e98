"""Make the Stripe client, with limits that fit in a function's timeout, and translate its failures."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import stripe
from stripe import StripeClient

from topup.domain.errors import Busy, StripeFailed
from topup.runtime import config
from topup.runtime.telemetry import count, logger

API_VERSION = "2026-10-28.endive"  # the library's own; the webhook endpoint must have the same

# Seconds. The API's caller waits at most 30 s; Stripe's library would wait 80 s for one response. Two tries with a
# pause must fit, with the reads and writes around them.
CONNECT_TIMEOUT = 1
READ_TIMEOUT = 5
RETRIES = 1


def client(retries: int = RETRIES) -> StripeClient:
    """The client for the configured key."""
    return _client_of(config.stripe_secret_key(), config.settings().stripe_api_base, retries)


@cache
def _client_of(key: str, api_base: str, retries: int) -> StripeClient:
    return StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": api_base} if api_base else {},
        max_network_retries=retries,
        http_client=http_client(),
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


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise StripeFailed or Busy for every error of the library."""
    try:
        yield
    except stripe.RateLimitError as error:
        raise Busy("Stripe limits our requests; please retry") from error
    except stripe.APIConnectionError as error:
        logger.warning("Stripe did not answer", reason=type(error).__name__)
        raise StripeFailed("Stripe did not answer in time; retry with the same Idempotency-Key") from error
    except stripe.StripeError as error:
        if error.http_status == 409:  # Stripe is still working on the same request
            raise Busy("The same request is still under way; please retry") from error
        count("StripeError")
        logger.error("Stripe refused", status=error.http_status, code=error.code, stripe_request_id=error.request_id)
        raise _failed(error) from error


def _failed(error: stripe.StripeError) -> StripeFailed:
    is_refusal = 400 <= (error.http_status or 0) < 500
    # Stripe's codes are a fixed vocabulary; its messages may quote what was sent.
    reason = f" ({error.code})" if error.code else ""
    return StripeFailed(
        f"Stripe could not do this{reason}; please retry",
        is_final=True,
        is_refusal=is_refusal,
        stripe_code=error.code,
    )
