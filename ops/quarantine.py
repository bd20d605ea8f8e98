"""`quarantine`: the payments that wait for a decision; and the decision itself, by the code of release_payment."""

import getpass
import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime

from ops import layout, make, opened
from ops.errors import CannotRunError
from topup import finding, payment_status, release_quotes, releases, store
from topup.api import responses
from topup.api.requests import LONGEST_DESCRIPTION
from topup.api.staff_responses import StaffView
from topup.domain.errors import NotReleasable, PaymentNotFound, TopupError
from topup.domain.orders import Order, ReleaseAction
from topup.domain.payments import Payment
from topup.domain.release_quotes import FulfilQuote
from topup.domain.releases import check
from topup.domain.searches import State

PAGE = 100
WHAT_IT_DOES = {
    ReleaseAction.FULFIL: "grants the credits of what was really paid, at most {credits}, to {user}",
    ReleaseAction.REFUND: "gives back all that is left of the money of {intent}",
}
DONE = {
    ReleaseAction.FULFIL: "its credits have been granted: {credits}",
    ReleaseAction.REFUND: "its money has gone back",
}


def run(options: Namespace) -> int:
    given = [name for name in ("action", "reason", "by") if getattr(options, name)]
    if not options.release:
        if given:
            raise CannotRunError(f"--{given[0]} belongs to --release PAYMENT (make: RELEASE=)")
        return _list(options)
    if not options.action:
        raise CannotRunError("say how to end it: --action fulfil or --action refund (make: ACTION=)")
    return _release(options)


# ------------------------------------------------------------------------------------------------------------ the list


def _list(options: Namespace) -> int:
    with opened.stack(options, with_stripe=False) as now:
        waiting = sorted(_quarantined(), key=lambda payment: payment.order.created_at)
        moment = now()
        staff = StaffView(store.load_own_lots(one.order for one in waiting), moment)
    if options.json:
        print(json.dumps(responses.payments(waiting, None, staff=staff), indent=2, ensure_ascii=False))
        return 1 if waiting else 0
    for payment in waiting:
        print(*_lines(payment.order, moment, options.stack), "", sep="\n")
    waits = "payment waits" if len(waiting) == 1 else "payments wait"
    print(f"{len(waiting) or 'no'} {waits} for a decision; all times are UTC, and it is {layout.moment(moment)}")
    return 1 if waiting else 0


def _quarantined() -> Iterator[Payment]:
    after = None
    while True:
        found = finding.by_state(State.QUARANTINED, PAGE, after)
        yield from found.payments
        if not found.after:
            return
        after = found.after


def _lines(order: Order, now: datetime, stack: str | None) -> Iterator[str]:
    yield f"payment {order.payment_id}"
    steps = [("  or" if n else "  next", step) for n, step in enumerate(_next_steps(order, stack))]
    yield from layout.columns([*_facts(order, now), *steps])


def _facts(order: Order, now: datetime) -> Iterator[tuple[str, str]]:
    price = layout.amount(order.amount_minor, order.currency)
    yield "  why", str(order.quarantine_reason)
    yield "  user", order.user_id
    yield "  order", f"{order.package_name}, {order.credits_purchased} credits for {price}: {order.status}"
    yield "  placed", f"{layout.age(now - order.created_at)} ago, on {layout.moment(order.created_at)}"
    yield "  paid by", order.rejected_intent or "unknown"
    yield from (("  then", f"{one.intent}: {one.reason}") for one in order.refused_besides)


def _next_steps(order: Order, stack: str | None) -> Iterator[str]:
    """The decisions that are possible, or why there is none."""
    if order.release_under_way:
        yield f"{make.command('reconcile', stack)}: its money is on its way back"
        return
    refusals = []
    for action in ReleaseAction:
        try:
            check(order, action, order.rejected_intent)
        except NotReleasable as refused:
            refusals.append(refused.detail)
        else:
            command = make.command("quarantine", stack, RELEASE=order.payment_id, ACTION=action.value)
            yield f"{command}: {_what_it_does(order, action)}"
    if len(refusals) == len(ReleaseAction):
        yield refusals[0]


def _what_it_does(order: Order, action: ReleaseAction) -> str:
    said = WHAT_IT_DOES[action]
    return said.format(credits=order.credits_purchased, user=order.user_id, intent=order.rejected_intent)


# -------------------------------------------------------------------------------------------------------- the decision


def _release(options: Namespace) -> int:
    action = ReleaseAction(options.action)
    with opened.stack(options) as now:
        order = _found(options.release)
        if order.quarantine_reason and not order.release_under_way:
            _show(order, action, now())
        reason = options.reason or _ask("Why? ")
        if not 0 < len(reason) <= LONGEST_DESCRIPTION:
            raise CannotRunError(f"say why, in 1 to {LONGEST_DESCRIPTION} characters: --reason TEXT (make: REASON=)")
        if order.quarantine_reason and not order.release_under_way and _ask("To do it, type yes: ").lower() != "yes":
            print("nothing was changed")
            return 1
        request = releases.ReleaseRequest(
            payment_id=order.payment_id,
            action=action,
            reason=reason,
            actor=f"admin:{options.by or getpass.getuser()}",
            intent=order.release_under_way.intent if order.release_under_way else order.rejected_intent,
        )
        try:
            result = releases.release(request, now())
        except TopupError as refused:
            raise CannotRunError(f"payment {order.payment_id}: {refused.detail}") from refused
        after = result.payment
        staff = StaffView(store.load_own_lots([after.order]), now())
    if options.json:
        print(json.dumps(responses.payment(after.order, after.reversals, staff=staff), indent=2, ensure_ascii=False))
    else:
        print(*_outcome(result, action, options.stack), sep="\n")
    return 0 if result.is_known else 1


def _found(payment_id: str) -> Order:
    try:
        return payment_status.find(payment_id).order
    except PaymentNotFound as error:
        raise CannotRunError(f"there is no payment {payment_id}: `make quarantine` lists those that wait") from error


def _show(order: Order, action: ReleaseAction, now: datetime) -> None:
    """Print what the decision is about and would do; raises CannotRunError where it is not possible."""
    with opened.stripe_explained():
        quote = release_quotes.quote(order.payment_id, now)
    if quote is None:
        raise CannotRunError(f"payment {order.payment_id}: This payment is not under review")
    would = quote.fulfil if action is ReleaseAction.FULFIL else quote.refund_minor
    if isinstance(would, NotReleasable):
        raise CannotRunError(f"payment {order.payment_id}: {would.detail}")
    assert quote.currency, "Bug! without money no decision is possible"
    came, returned = (layout.amount(minor, quote.currency) for minor in (quote.paid_minor, quote.returned_minor))
    print(f"payment {order.payment_id}", *layout.columns(list(_facts(order, now))), sep="\n", file=sys.stderr)
    print(f"at Stripe: {came} came, of which {returned} have gone back", file=sys.stderr)
    if isinstance(would, FulfilQuote):
        print(f"this {'; '.join(_granting(would, order.user_id))}", file=sys.stderr)
    else:
        print(f"this gives back {layout.amount(would, quote.currency)} of {order.rejected_intent}", file=sys.stderr)


def _granting(quote: FulfilQuote, user_id: str) -> Iterator[str]:
    if quote.credits:
        yield f"grants {quote.credits} credits to {user_id}"
    else:
        yield f"settles the payment, and grants {user_id} nothing more: a lost record has granted its credits"
    if quote.to_debt:
        yield f"{quote.to_debt} of them pay what is owed"
    if quote.taken_back:
        yield f"{quote.taken_back} go again at once, for refunds and disputes"


def _ask(question: str) -> str:
    """What the operator types; nothing where there is no operator."""
    try:
        return input(question).strip()
    except EOFError:
        return ""


def _outcome(result: releases.ReleaseResult, action: ReleaseAction, stack: str | None) -> Iterator[str]:
    order = result.payment.order
    if not result.is_known:
        yield f"payment {order.payment_id}: it is not known yet whether its money has gone back"
        yield f"next: {make.command('reconcile', stack)}"
        return
    before = " (it had been decided before)" if result.is_replay else ""
    yield f"payment {order.payment_id}: {DONE[action].format(credits=order.credits_purchased)}{before}"
    yield f"next: {make.command('find', stack, WHAT=order.payment_id)}"
