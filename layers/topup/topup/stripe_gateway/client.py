"""Make the Stripe client, with limits that fit in a function's timeout, and translate its failures.

The first question loads Stripe's library, which takes long: most webhooks and reads ask Stripe nothing. A function that
always asks calls `load` while it starts.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from topup.domain.errors import Refusal, StripeFailed
from topup.domain.orders import Order
from topup.runtime import config, start

if TYPE_CHECKING:
    import stripe
    from stripe import StripeClient

API_VERSION = "2026-10-28.endive"  # the library's own; the webhook endpoint must have the same

# Seconds. The API's caller waits at most 30 s; Stripe's library would wait 80 s for one response. Two tries with a
# pause must fit, with the reads and writes around them.
CONNECT_TIMEOUT = 1
READ_TIMEOUT = 5
RETRIES = 1
LONGEST_PAUSE = 0.5  # before the only retry: the library's own


def longest_request(retries: int) -> float:
    """How many seconds a request takes at most."""
    return (1 + retries) * (CONNECT_TIMEOUT + READ_TIMEOUT) + retries * LONGEST_PAUSE


def load(use: Callable[["StripeClient"], object]) -> None:
    """Load the library and the services that `use` names, while a function starts: without a key or a request."""
    start.prepare(lambda: _load(use))


def _load(use: Callable[["StripeClient"], object]) -> None:
    use(_made("sk_of_no_account", "", 0))
    import stripe._object_classes  # noqa: F401, PLC0415 - the library imports it for its first answer


def client(retries: int = RETRIES) -> "StripeClient":
    """The client for the configured key. It raises Busy for a request that could not end in time."""
    return _client_of(config.stripe_secret_key(), config.settings().stripe_api_base, retries)


def check_mode(order: Order) -> None:
    """Raise StripeFailed where the order is of real money and the configured key is a test key.

    Stripe answers such a key that nothing of the order's is there: no session, no payment, no refund. A refund that was
    refused on that would be made once more. The other way round no money is lost. A checkout may end on it: its payment
    is among the events that the right key finds, and settles it all the same.
    """
    if order.livemode and not config.is_livemode():
        raise StripeFailed(
            "The payment is one of Stripe's live mode, and STRIPE_SECRET_KEY is a test key", refusal=Refusal.OF_ACCESS
        )


def own_key(*parts: str | int) -> str:
    """An idempotency key of this deployment: another stage in the same Stripe account may have the same ids."""
    return f"{config.settings().stack_name}/{'-'.join(str(part) for part in parts)}"


@cache
def _client_of(key: str, api_base: str, retries: int) -> "StripeClient":
    return _made(key, api_base, retries)


def _made(key: str, api_base: str, retries: int) -> "StripeClient":
    from stripe import StripeClient  # noqa: PLC0415 - see above

    from topup.stripe_gateway.in_time import InTime  # noqa: PLC0415

    return StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": api_base} if api_base else {},
        max_network_retries=retries,
        http_client=InTime(http_client(), longest_request),
    )


def own_account() -> str:
    """The id of the account that the configured key belongs to, asked for once. Raises StripeFailed, Busy."""
    return _account_of(client(retries=0))


@cache
def _account_of(asked: "StripeClient") -> str:
    with translate_errors():
        return asked.v1.accounts.retrieve_current().id


def http_client() -> "stripe.HTTPClient":
    """What carries requests to Stripe."""
    from topup.stripe_gateway.http_client import PooledClient  # noqa: PLC0415 - see above

    return PooledClient(CONNECT_TIMEOUT, READ_TIMEOUT)


def retrieved(ask: Callable[["StripeClient"], "stripe.StripeObject"]) -> Mapping[str, Any] | None:
    """The object that the question is about; None if Stripe does not know it. Raises StripeFailed, Busy.

    Without retries: whoever asks is asked again, by Stripe or by reconcile.
    """
    import stripe  # noqa: PLC0415 - see above

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
    import stripe  # noqa: PLC0415 - see above

    try:
        yield
    except stripe.StripeError as error:
        from topup.stripe_gateway.stripe_errors import translated  # noqa: PLC0415

        raise translated(error) from error
