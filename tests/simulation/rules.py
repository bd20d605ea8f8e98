"""Rules about one change, which a single state of the tables cannot show; they share no code with the product."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.simulation.invocations import Invocation
from topup.domain.audit import Account
from topup.domain.credits import Entry, TransactionType, Wallet
from topup.domain.lots import Lot
from topup.domain.order_updates import RANK
from topup.domain.orders import Order
from topup.domain.payments import Payment

A_MOMENT = 10**12  # in milliseconds, of 2001


class Violation(BaseException):
    """Something that must always hold does not: the run ends here. Not an Exception, so no handler can catch it."""


def is_adjustment_down(entry: Entry) -> bool:
    return entry.transaction_type is TransactionType.ADJUSTED and entry.amount < 0


def check_version(before: Wallet, after: Wallet) -> None:
    """Every change of a wallet raises its version by one, whether or not it has an entry; the first one begins anew."""
    goes_on = before.version > 0 or after.moves_to is not None
    is_right = after.version == before.version + 1 if goes_on else after.version > A_MOMENT
    if after != before and not is_right:
        raise Violation(
            f"user {after.user_id}: the wallet changed, its version went {before.version} → {after.version}"
        )


def check_campaign(before: Account, entry: Entry) -> None:
    """A campaign gives each user credits once."""
    campaign = entry.cause.metadata.get("campaign")
    if campaign and any(earlier.cause.metadata.get("campaign") == campaign for earlier in before.entries):
        raise Violation(f"{name_of(entry)}: the campaign {campaign} has given this user credits before")


def check_answer(refund: Invocation, payment: Payment | None) -> None:
    """Who has begun a refund is never told to try again, not even where the answer came before the refund."""
    begun = refund.about.get("begun")
    if begun and payment and refund.about.get("status", 0) >= 500:
        standing = [one for one in payment.reversals if one.reversal_id == begun and one.reversed_minor]
        if standing:
            raise Violation(f"refund {begun} is under way, and its request was answered {refund.about['status']}")


def check_bounds(order: Order) -> None:
    """Refunds and disputes of the same money take its credits once: at most their share, rounded down."""
    most = _due(order)
    if not 0 <= order.clawed_back <= most:
        raise Violation(
            f"payment {order.payment_id}: {order.clawed_back} credits were clawed back, at most {most} are due"
        )


def check_taken_once(before: Order, after: Order, account: Account) -> None:
    """Nobody is asked for credits that have expired before: a claw-back takes at most what is due beyond them."""
    lost = sum(lot.expired_credits for lot in account.lots if lot.payment_id == after.payment_id)
    if before.clawed_back < after.clawed_back and after.clawed_back > _due(after) - lost:
        taken = f"{after.clawed_back} credits were clawed back"
        raise Violation(f"payment {after.payment_id}: {taken}, {_due(after)} are due and {lost} had expired")


def _due(order: Order) -> int:
    """The share of the order's credits that its reversed money stands for, rounded down."""
    reversed_minor = min(order.charged_minor, order.refunded_minor + order.disputed_minor)
    return order.credits_purchased * reversed_minor // max(1, order.charged_minor)


def open_lots(account: Account, now: datetime) -> list[Lot]:
    """The lots that may be spent, in order."""
    found = [lot for lot in account.lots if lot.remaining > 0 and (lot.expires_at is None or lot.expires_at > now)]
    return sorted(found, key=lambda lot: (lot.expires_at is None, str(lot.expires_at), lot.lot_id))


def check_forward(before: Order, after: Order) -> None:
    """A status never goes back, except for a new attempt at the checkout."""
    if RANK[after.status] < RANK[before.status] and after.attempt == before.attempt:
        raise Violation(f"payment {after.payment_id} went back from {before.status} to {after.status}")
    frozen = (
        "user_id",  # an erasure gives it a pseudonym, see rules_of_erasures
        "amount_minor",
        "currency",
        "credits_purchased",
        "package_id",
        "created_at",
        "livemode",
        "valid_months",
    )
    # An administrator may grant the credits of what was really paid.
    is_fulfilled = len(after.releases) > len(before.releases) and after.credits_purchased <= before.credits_purchased
    paid_for = after.charged_minor + after.discount_minor
    if is_fulfilled and after.credits_purchased * after.amount_minor > before.credits_purchased * paid_for:
        raise Violation(f"payment {after.payment_id} granted more than was paid for: {after.credits_purchased}")
    for name in frozen:
        if getattr(before, name) != getattr(after, name) and not (name == "credits_purchased" and is_fulfilled):
            raise Violation(f"payment {after.payment_id}: {name} changed after creation")
    if before.provider_order_id not in (None, after.provider_order_id):
        raise Violation(f"payment {after.payment_id} got another Checkout Session")


def check_end(before: Order, after: Order, sessions: Mapping[str, Any]) -> None:
    """No order ends while its buyer can still pay: nobody looks at one that has ended. `sessions`: at Stripe, by id."""
    has_ended = before.is_unfinished and not (after.is_unfinished or after.is_settled)
    if has_ended and sessions.get(after.provider_order_id or "", {}).get("status") == "open":
        raise Violation(f"payment {after.payment_id} is {after.status}, and its buyer can still pay")


def check_draw_order(entry: Entry, spendable: list[Lot]) -> None:
    """A spend empties each lot before it draws on the next, and draws on no expired one; a capture may owe the rest."""
    missing = -entry.amount - entry.debt_change
    for lot in spendable:
        taken = min(lot.remaining, missing)
        if -entry.moves.get(lot.lot_id, 0) != taken:
            raise Violation(
                f"{name_of(entry)}: took {-entry.moves.get(lot.lot_id, 0)} of lot {lot.lot_id}, not {taken}"
            )
        missing -= taken
    if missing:
        raise Violation(f"{name_of(entry)}: {missing} credits came from lots that were not open at {entry.created_at}")


def name_of(entry: Entry) -> str:
    return f"user {entry.user_id}, entry {entry.number} ({entry.transaction_type})"
