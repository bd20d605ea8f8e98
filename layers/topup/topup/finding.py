"""Find payments by what somebody knows of them: an id of ours or of Stripe's, an e-mail address, a state."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from topup import store
from topup.domain import idempotency
from topup.domain.errors import FieldError, StripeFailed, ValidationFailed
from topup.domain.orders import Status
from topup.domain.payments import Payment
from topup.domain.reversals import ReversalStatus
from topup.domain.searches import State


@dataclass(frozen=True)
class Found:
    """A page of payments, and where the next one begins; None on the last page."""

    payments: list[Payment]
    after: tuple[str, ...] | None = None


def by_id(payment_id: str) -> Found:
    """The payment with this id, if there is one."""
    return _loaded([payment_id])


def by_session(session_id: str) -> Found:
    """The payment of Stripe's Checkout Session. Raises StripeFailed, Busy; so do the next ones."""
    from topup import stripe_gateway  # noqa: PLC0415 - most searches do not need Stripe

    return _loaded([stripe_gateway.order_of_session(session_id)])


def by_intent(intent_id: str) -> Found:
    """The payment of Stripe's payment intent."""
    from topup import stripe_gateway  # noqa: PLC0415

    return _loaded([stripe_gateway.order_of_intent(intent_id)])


def by_charge(charge_id: str) -> Found:
    """The payment of Stripe's charge."""
    from topup import stripe_gateway  # noqa: PLC0415

    return _loaded([stripe_gateway.order_of_charge(charge_id)])


def by_email(email: str, limit: int, after: Sequence[str] | None) -> Found:
    """The payments whose buyer gave this address on the pay page; a page may have fewer than `limit`, or none.

    `after` is what the page before said. Raises ValidationFailed for anything else.
    """
    from topup import stripe_gateway  # noqa: PLC0415

    return _listed(lambda last: stripe_gateway.orders_by_email(email, limit, last), after)


def by_open_dispute(limit: int, after: Sequence[str] | None) -> Found:
    """The payments with a dispute that is not decided yet, the newest dispute first; as `by_email` does."""
    from topup import stripe_gateway  # noqa: PLC0415

    return _listed(lambda last: stripe_gateway.orders_with_open_disputes(limit, last), after)


def by_state(state: State, limit: int, after: Sequence[str] | None, placed_until: datetime | None = None) -> Found:
    """The payments that are in this state; only those that were placed by then, where a time is given.

    A page may have fewer than `limit`, or none: the index does not know when they were placed, and may be behind.
    `after` is what the page before said. Raises ValidationFailed for anything else.
    """
    if after is not None and not store.is_position(state, after):
        raise _not_its_cursor()
    ids, last = store.list_waiting(state, limit, after)
    found = [one for one in _loaded(ids).payments if IS_IN[state](one)]
    return Found([one for one in found if placed_until is None or one.order.created_at <= placed_until], last)


IS_IN: Mapping[State, Callable[[Payment], bool]] = {
    State.QUARANTINED: lambda payment: payment.order.quarantine_reason is not None,
    State.PROCESSING: lambda payment: payment.order.status is Status.PROCESSING,
    State.IN_FLIGHT: lambda payment: any(one.status is ReversalStatus.IN_FLIGHT for one in payment.reversals),
}


def _listed(ask: Callable[[str | None], tuple[list[str], str | None]], after: Sequence[str] | None) -> Found:
    """A page of one of Stripe's lists; `after` is the last object of the page before."""
    try:
        orders, last = ask(after[0] if after else None)
    except StripeFailed as error:
        if after and error.stripe_code == "resource_missing":
            raise _not_its_cursor() from None
        raise
    return Found(_loaded(orders).payments, (last,) if last else None)


def _not_its_cursor() -> ValidationFailed:
    return ValidationFailed(FieldError("cursor", "must be the next_cursor of the same search"))


def _loaded(ids: Iterable[str | None]) -> Found:
    found = (store.load_payment(payment_id) for payment_id in ids if payment_id and idempotency.is_id(payment_id))
    return Found([payment for payment in found if payment])
