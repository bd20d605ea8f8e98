"""What is to be said of a payment in one sentence, and what to do next."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ops import layout, make
from ops.find.story import Story
from topup.domain.orders import Order, Status
from topup.domain.reversals import Kind, ReversalStatus


@dataclass(frozen=True)
class Verdict:
    """`is_well`: nothing is to be repaired or decided."""

    says: str
    next: str
    is_well: bool = True


@dataclass(frozen=True)
class Case:
    """What the rules decide by; `stack` is the deployed one, None for the local one."""

    story: Story
    now: datetime
    stack: str | None

    @property
    def order(self) -> Order:
        return self.story.payment.order

    def again(self) -> str:
        """Look at the payment again."""
        return make.command("find", self.stack, WHAT=self.order.payment_id)

    def others(self) -> str:
        """Look at what else the user has bought."""
        return make.command("find", self.stack, WHAT=self.order.user_id)


def of(story: Story, now: datetime, stack: str | None) -> Verdict:
    """The first rule that has something to say."""
    case = Case(story, now, stack)
    found = next(verdict for rule in RULES if (verdict := rule(case)))
    if story.stripe.failure:
        return Verdict(f"{found.says} Stripe was not asked: {story.stripe.failure}.", found.next, is_well=False)
    return found


def _being_given_back(case: Case) -> Verdict | None:
    if case.order.release_under_way is None:
        return None
    return Verdict("Its quarantine has ended, and its money is on its way back.", _reconcile(case), is_well=False)


def _quarantined(case: Case) -> Verdict | None:
    if case.order.quarantine_reason is None:
        return None
    what = "It has its credits, and was paid once more" if case.order.is_settled else "Paid, but not as ordered"
    says = f"{what} ({case.order.quarantine_reason}): an administrator must decide."
    return Verdict(says, make.command("quarantine", case.stack), is_well=False)


def _refund_in_flight(case: Case) -> Verdict | None:
    flying = [one for one in case.story.payment.reversals if one.status is ReversalStatus.IN_FLIGHT]
    if not flying:
        return None
    age = layout.age(case.now - flying[0].created_at)
    says = (
        f"A refund of {_money(case.order, flying[0].amount_minor)} is in flight for {age}: Stripe has not answered yet."
    )
    return Verdict(says, _reconcile(case), is_well=False)


def _differs(case: Case) -> Verdict | None:
    """Something was lost on the way."""
    differs = case.story.stripe.differs
    if not differs:
        return None
    since = min(moment for _, moment in differs)
    says = f"Stripe has something else than we do: {'; '.join(says for says, _ in differs)}."
    return Verdict(says, make.reconcile_since(since, case.now, case.stack), is_well=False)


def _settled(case: Case) -> Verdict | None:
    order = case.order
    if not order.is_settled:
        return None
    granted = f"Paid, and its {order.credits_purchased} credits came"
    parts = [f"{granted}, of which {order.credits_to_debt} paid a debt" if order.credits_to_debt else granted]
    if order.reversed_minor:
        whole = "all" if order.reversed_minor == order.charged_minor else _money(order, order.reversed_minor)
        parts.append(f"{whole} of its money went back, and {order.clawed_back} credits with it")
    parts.append(f"{sum(lot.remaining for lot in case.story.lots if not lot.is_expired(case.now))} of them are left")
    expired = sum(lot.lost_to_expiry(case.now) for lot in case.story.lots)
    parts += [f"{expired} have expired"] if expired else []
    says = "; ".join(parts)
    return Verdict(f"{says}.{_dispute(case)}", make.command("explain", case.stack, USER=order.user_id))


def _dispute(case: Case) -> str:
    disputes = [one for one in case.story.payment.reversals if one.kind is Kind.DISPUTE]
    return f" It is disputed: {disputes[-1].stripe_status or disputes[-1].status.value}." if disputes else ""


def _processing(case: Case) -> Verdict | None:
    if case.order.status is not Status.PROCESSING:
        return None
    age = layout.age(case.now - case.order.open_since)
    says = f"The buyer has done their part, at most {age} ago, and the bank has not confirmed it."
    return Verdict(f"{says} The credits come by themselves then: look again later.", case.again())


def _open(case: Case) -> Verdict | None:
    order = case.order
    if not order.is_unfinished:
        return None
    if order.provider_order_id is None:
        return Verdict("Nobody could pay it: no Checkout Session was opened for it.", case.others())
    if not case.story.stripe.is_open and not case.story.stripe.failure:
        return Verdict("Nobody has paid, and its session has ended: it expires by itself.", case.others())
    if order.status is Status.DECLINED:
        reason = order.error_message or "without a reason"
        return Verdict(
            f"The last try failed: {reason} The buyer may try again at the same pay page: look again later.",
            case.again(),
        )
    return Verdict(f"Nobody has paid yet. The buyer may still do so at {order.payment_url}", case.again())


def _over(case: Case) -> Verdict:
    order = case.order
    why = f": {order.error_message}" if order.error_message else "."
    return Verdict(f"It has {order.status}, and no money of its buyer is here{why}", case.others())


def _unknown(case: Case) -> Verdict | None:
    if case.order.status is not Status.UNKNOWN:
        return None
    return Verdict(
        "A newer version wrote a status that this one does not know: update this checkout.",
        make.command("doctor", case.stack),
        is_well=False,
    )


def _reconcile(case: Case) -> str:
    return make.command("reconcile", case.stack)


def _money(order: Order, minor: int) -> str:
    return layout.amount(minor, order.currency)


RULES: tuple[Callable[[Case], Verdict | None], ...] = (
    _being_given_back,
    _quarantined,
    _refund_in_flight,
    _differs,
    _settled,
    _processing,
    _open,
    _unknown,
    _over,
)
