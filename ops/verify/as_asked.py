"""Ask Stripe what the stack's functions have asked it: with their own code, and so with the same requests.

The idempotency keys are theirs too. So Stripe does nothing again, and answers what it answered then.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest import mock

import stripe

from local.client import expect
from topup import store
from topup.domain.orders import Order
from topup.domain.reversals import Reversal
from topup.stripe_gateway import client as stripe_client
from topup.stripe_gateway import refunds, sessions


@contextmanager
def carried_by(carrier: stripe.HTTPClient) -> Iterator[None]:
    """Inside the block the gateway's requests go this way."""
    with mock.patch.object(stripe_client, "http_client", return_value=carrier):
        _forget_clients()
        yield
    _forget_clients()


def _forget_clients() -> None:
    stripe_client._client_of.cache_clear()  # noqa: SLF001 - the next client must use the current http_client
    stripe_client._account_of.cache_clear()  # noqa: SLF001


def order_of(payment_id: str) -> Order:
    """Raises BrokenPromiseError where the tables have no such payment."""
    order = store.load_order(payment_id)
    expect(order is not None, f"the payment {payment_id} is in the tables")
    assert order is not None
    return order


def open_session(payment_id: str, session_id: str) -> None:
    """As create_checkout has done. Raises BrokenPromiseError where another session comes of it."""
    opened = sessions.open_session(order_of(payment_id))
    expect(
        opened.id == session_id, "this checkout opens the session that the stack has opened: is it the same version?"
    )


def create_refund(payment_id: str) -> None:
    """As refund_payment has done, for the payment's only refund. Raises BrokenPromiseError where it is another one."""
    [refund] = reversals_of(payment_id)
    made = refunds.create_refund(order_of(payment_id), refund)
    expect(made.reversal.stripe_id == refund.stripe_id, "this checkout makes the refund that the stack has made")


def reversals_of(payment_id: str) -> Sequence[Reversal]:
    """The payment's refunds and disputes in the tables."""
    payment = store.load_payment(payment_id)
    return payment.reversals if payment else ()
