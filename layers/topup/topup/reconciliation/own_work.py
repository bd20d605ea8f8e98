"""The sweeps of our own records: refunds in flight, payments that nobody has reported, lots past their expiry.

The index that finds them may be behind, and records may have been deleted by hand: what is not there, or does not wait
any more, is left alone.
"""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from topup import expiry, fulfilment, payment_status, refunds, releases, store, stripe_gateway
from topup.domain import looks, order_updates
from topup.domain.errors import StripeFailed
from topup.domain.orders import Order, Status
from topup.domain.reversals import ReversalStatus
from topup.domain.updates import CheckoutExpired, PaymentFailed, PaymentProcessing, PaymentUpdate
from topup.reconciliation import questions
from topup.reconciliation.questions import Questions
from topup.reconciliation.reports import Part, Result
from topup.runtime.telemetry import logger
from topup.store.cursors import Cursor
from topup.stripe_gateway import SessionState

REFUND_AFTER = timedelta(minutes=2)  # the request that began it has ended long ago
SESSION_UNKNOWN = "Stripe does not know this checkout."


class Due(Protocol):
    """A record that an index has found, and where a walk goes on that ended before it."""

    @property
    def place(self) -> store.Place: ...


Found = TypeVar("Found", bound=Due)
Repair = Callable[[], Result]


def sweep_refunds(part: Part, cursor: Cursor) -> None:
    """Resume the refunds whose outcome is not known."""
    latest = part.begun_at - REFUND_AFTER
    _walk(
        part,
        cursor,
        lambda place: store.refunds_in_flight_since(latest, place),
        lambda found: partial(_resume, found, part),
    )


def sweep_payments(part: Part, cursor: Cursor) -> None:
    """Ask Stripe about the orders whose next look is due, about several at once."""
    with questions.opened() as asking:
        _walk(
            part,
            cursor,
            lambda place: store.orders_to_look_at(part.begun_at, place),
            lambda found: _begin_look(found.payment_id, asking, part.now),
            asking.at_once,
        )


def sweep_lots(part: Part, cursor: Cursor, sweep_after: timedelta) -> None:
    """Expire the lots whose timer's record the stream has lost."""
    _walk(
        part,
        cursor,
        lambda place: store.due_since(part.begun_at - sweep_after, place),
        lambda found: lambda: Result.REPAIRED if expiry.expire(found.key, part.now) else Result.NOTHING_TO_DO,
    )


def _walk(
    part: Part,
    cursor: Cursor,
    find: Callable[[store.Place | None], Iterator[Found]],
    begin: Callable[[Found], Repair],
    at_once: int = 1,
) -> None:
    """Look at what is due, from where the last run ended; so many repairs are begun before the first one is ended."""
    begun: deque[Repair] = deque()
    reached: Cursor = {}
    for found in find(cursor.get("place")):
        if not part.has_time():
            reached = {"place": found.place}
            break
        if repair := part.begin(lambda found=found: begin(found)):  # type: ignore[misc]
            begun.append(repair)
        if len(begun) == at_once:
            part.look_at(begun.popleft())
    for repair in begun:
        part.look_at(repair)
    if reached or cursor:
        store.save_cursor(part.name, reached)


# --------------------------------------------------------------------------------------------------------- refunds


def _resume(waiting: store.Waiting, part: Part) -> Result:
    payment = store.load_payment(waiting.payment_id)
    if payment is None:
        logger.warning("a refund waits without its order", payment_id=waiting.payment_id, refund_id=waiting.refund_id)
        return Result.NOTHING_TO_DO
    for known in payment.reversals:
        if known.status is ReversalStatus.IN_FLIGHT and known.reversal_id == waiting.refund_id:
            part.report.refunds_in_flight += 1  # until its outcome is known, also where asking fails
            resumed = refunds.resume(payment, known, part.now).refund
            if resumed.status is ReversalStatus.IN_FLIGHT:
                return Result.NOTHING_TO_DO
            part.report.refunds_in_flight -= 1
            return Result.REPAIRED
    return Result.NOTHING_TO_DO


# -------------------------------------------------------------------------------------------------------- payments


def _begin_look(payment_id: str, asking: Questions, now: datetime) -> Repair:
    """Claim the order's next look, and begin to ask Stripe for its session; returns what ends the look."""
    order = store.load_order(payment_id)
    if order is None or looks.due_at(order) > now:
        return lambda: Result.NOTHING_TO_DO
    claimed = store.claim_look(order, now, looks.next_look(order, now))
    if claimed is None:
        return lambda: Result.NOTHING_TO_DO  # another run looks at it
    if claimed.release_under_way or claimed.quarantine_reason or claimed.provider_order_id is None:
        return partial(_end_look, claimed, lambda: _resolve(claimed, now), now)
    answer = asking.ask(partial(stripe_gateway.read_session, claimed))
    return partial(_end_look, claimed, lambda: _apply(claimed, answer(), now), now)


def _end_look(claimed: Order, repair: Repair, now: datetime) -> Result:
    try:
        return repair()
    except Exception:
        # Nothing was learned, so the next look is soon.
        store.claim_look(claimed, now, now + looks.AFTER_A_FAILURE)
        raise


def _resolve(order: Order, now: datetime) -> Result:
    """Go on with an order of which more is to be known, or less, than what its session says."""
    if order.release_under_way:
        return Result.REPAIRED if releases.resume(order, now) else Result.NOTHING_TO_DO
    if order.quarantine_reason:
        return _end_session(order, now)
    return _abandon(order, now) if looks.is_abandoned(order, now) else Result.NOTHING_TO_DO


def _apply(order: Order, state: SessionState | None, now: datetime) -> Result:
    if state is None:
        return _forget_session(order, now)
    asked = payment_status.apply_session(order, state, now)
    return Result.NOTHING_TO_DO if asked.status is order.status else Result.REPAIRED


def _abandon(order: Order, now: datetime) -> Result:
    """End an order that never got a session, unless its request has come again."""
    return _ended(order_updates.abandoned(order), now)


def _forget_session(order: Order, now: datetime) -> Result:
    """End an order whose session Stripe does not know, as soon as that session would have ended anyway.

    Raises StripeFailed before: the key may be one of another account.
    """
    if not looks.is_abandoned(order, now):
        raise StripeFailed(SESSION_UNKNOWN)
    about: Any = {"payment_id": order.payment_id, "user_id": order.user_id, "livemode": order.livemode}
    if order.status is Status.PROCESSING:
        stripe_gateway.check_mode(order)  # its money is under way
        return _ended(PaymentFailed(**about, session_id=order.provider_order_id, reason=SESSION_UNKNOWN), now)
    return _ended(CheckoutExpired(**about, session_id=order.provider_order_id), now)


def _end_session(order: Order, now: datetime) -> Result:
    """See to it that nobody pays a quarantined order once more; a person decides over it.

    It is looked at again only while a payment of its own session is under way.
    """
    stripe_gateway.check_mode(order)  # else this would be the last look, and its session stay open
    state = stripe_gateway.end_session(order)
    update = state.update if state else None
    outcome = payment_status.apply(update, state.reversals, now) if state and update else None
    is_under_way = isinstance(update, PaymentProcessing)
    if not is_under_way and (outcome is None or outcome.order.is_unfinished):
        store.claim_look(outcome.order if outcome else order, now, looks.NEVER)
    if outcome is None or not outcome.is_changed:
        return Result.NOTHING_TO_DO
    return Result.REPAIRED if outcome.order.is_settled else Result.ENDED


def _ended(update: PaymentUpdate, now: datetime) -> Result:
    return Result.ENDED if fulfilment.apply(update, now).is_changed else Result.NOTHING_TO_DO
