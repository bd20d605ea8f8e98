"""What `find` answers, as lines for a person and as JSON for a script."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ops import layout, make
from ops.find import story, verdict
from ops.find.at_stripe import AtStripe
from ops.find.kinds import IN_WORDS, USER
from ops.find.story import Story
from topup import store
from topup.api import refund_responses, responses
from topup.api.staff_responses import StaffView
from topup.domain import times
from topup.domain.comparison import RecordKind
from topup.domain.credits import UserCredits
from topup.domain.lots import Lot, spendable
from topup.domain.orders import Order
from topup.domain.payments import Payment
from topup.domain.quotes import Quote


@dataclass(frozen=True)
class Answer:
    """`is_well`: something was found, and nothing is to be repaired or decided."""

    lines: Sequence[str]
    document: Mapping[str, Any]
    is_well: bool = True


def nothing(kind: str, what: str, stack: str | None) -> Answer:
    """Nobody knows it."""
    looked_for = IN_WORDS[kind] + ("" if kind == USER else f", and {IN_WORDS[USER]}")
    then = make.command("doctor", stack)
    advice = "ids are compared exactly; try the buyer's e-mail address, or the pi_… of the receipt"
    if kind in ("session", "payment_intent", "charge"):
        advice = "is it of this stack's Stripe account, and of its mode?"
    says = f"Nothing was found for {what}: {advice}"
    lines = [f"looked for {looked_for}", "", says, f"next: {then}"]
    return Answer(lines, {"looked_for": {kind: what}, "payments": [], "verdict": says, "next": then}, is_well=False)


# --------------------------------------------------------------------------------------------------------- one payment


def of_payment(kind: str, what: str, found: Story, now: datetime, stack: str | None) -> Answer:
    """Its whole story."""
    payment, steps = found.payment, story.time_line(found)
    judged = verdict.of(found, now, stack)
    parts = [
        _heading(payment.order),
        list(layout.columns([(layout.moment(step.at), step.source, step.what) for step in steps])),
        list(layout.columns([*_at_stripe(found), *(("lot", _lot(lot, now)) for lot in found.lots), *_refund(found)])),
        [judged.says, f"next: {judged.next}"],
    ]
    document = {
        "looked_for": {kind: what},
        "payments": [{**row, "receipt": responses.documents(found.stripe.documents)} for row in _rows([payment], now)],
        "refund": refund_responses.quoted(found.refund) if isinstance(found.refund, Quote) else None,
        "time_line": [{**asdict(step), "at": times.to_text(step.at)} for step in steps],
        "at_stripe": found.stripe.failure or found.stripe.session,
        "differences": [says for says, _ in found.stripe.differs],
        "verdict": judged.says,
        "next": judged.next,
    }
    return Answer("\n\n".join("\n".join(part) for part in parts if part).splitlines(), document, judged.is_well)


def _heading(order: Order) -> list[str]:
    under_review = " (under review)" if order.is_under_review else ""
    return [f"payment {order.payment_id} of user {order.user_id}: {order.status}{under_review}; all times are UTC"]


def _at_stripe(found: Story) -> Iterator[tuple[str, str]]:
    """What Stripe has now."""
    stripe = found.stripe
    if stripe.failure:
        yield "Stripe", f"was not asked: {stripe.failure}"
    if stripe.session:
        yield "Stripe", f"session {stripe.session}"
    yield from (("Stripe", f"{name} {url}") for name, url in _documents(stripe).items() if url)
    for record in stripe.money:
        money = layout.amount(record.amount_minor, record.currency)
        has_gone = record.kind is RecordKind.PAYMENT and record.reversed_minor
        back = f", {layout.amount(record.reversed_minor, record.currency)} went back" if has_gone else ""
        yield "Stripe", f"{record.kind} {record.stripe_id}: {record.status}, {money}{back}"
    if stripe.events_until:
        yield "Stripe", f"sent more events than were looked through: those after {layout.moment(stripe.events_until)}"
    if found.is_part:
        yield "credits", f"only the last {story.MOST_ENTRIES} entries of the user's ledger were searched"


def _documents(stripe: AtStripe) -> Mapping[str, str | None]:
    return {"receipt": stripe.documents.receipt_url, "invoice": stripe.documents.invoice_url}


def _refund(found: Story) -> Iterator[tuple[str, str]]:
    """What a refund of all that is left would do."""
    if isinstance(found.refund, str):
        yield "refund", f"none: {found.refund}"
    elif found.refund:
        quote, order = found.refund, found.payment.order
        parts = [
            f"{quote.from_own_lot} of its own",
            *([f"{quote.from_other_lots} of others"] if quote.from_other_lots else []),
            *([f"{quote.debt} as debt"] if quote.debt else []),
        ]
        money = layout.amount(quote.change.after.amount_minor, order.currency)
        does = f"of {money} would take {layout.counted(quote.credits, 'credit')}: {', '.join(parts)}"
        largest = f"; at most {quote.largest_refundable} {order.currency} can go back without debt or held credits"
        yield "refund", does + (largest if quote.debt or quote.held else "")


def _lot(lot: Lot, now: datetime) -> str:
    until = f"until {layout.moment(lot.expires_at)}" if lot.expires_at else "never expires"
    over = ", expired" if lot.is_expired(now) else ""
    return f"{lot.remaining} of {lot.granted} credits left, {until}{over} ({lot.lot_id})"


# ------------------------------------------------------------------------------------------------- several, and a user


def of_payments(kind: str, what: str, payments: Sequence[Payment], now: datetime, stack: str | None) -> Answer:
    """One line each; the newest is what the next command looks at."""
    says = f"{layout.counted(len(payments), 'payment')}; all times are UTC"
    then = make.command("find", stack, WHAT=payments[0].order.payment_id)
    lines = [f"looked for {IN_WORDS[kind]}", "", *_table(payments), "", says, f"next: {then}"]
    return Answer(lines, {"looked_for": {kind: what}, "payments": _rows(payments, now), "verdict": says, "next": then})


def of_user(user: UserCredits, payments: Sequence[Payment], now: datetime, stack: str | None) -> Answer:
    """What the user has, and has bought."""
    says, then = _of_credits(user, now), make.command("explain", stack, USER=user.wallet.user_id)
    waiting = [payment for payment in payments if payment.order.quarantine_reason]
    if waiting:
        says += f" {layout.counted(len(waiting), 'payment')} of theirs is quarantined."
        then = make.command("find", stack, WHAT=waiting[0].order.payment_id)
    lots = [("lot", _lot(lot, now)) for lot in spendable(user.lots, now)]
    tables = [list(layout.columns(lots)) if lots else [], _table(payments) if payments else []]
    parts = [[f"user {user.wallet.user_id}; all times are UTC"], *tables, [says, f"next: {then}"]]
    document = {
        "looked_for": {USER: user.wallet.user_id},
        "credits": responses.user_credits(user, now),
        "payments": _rows(payments, now),
        "verdict": says,
        "next": then,
    }
    return Answer("\n\n".join("\n".join(part) for part in parts if part).splitlines(), document, is_well=not waiting)


def _of_credits(user: UserCredits, now: datetime) -> str:
    held = f", {user.held(now)} of them held" if user.held(now) else ""
    owed = f"; {user.wallet.debt} are owed" if user.wallet.debt else ""
    return f"{user.balance(now)} credits{held}{owed}; {user.available(now)} may be spent."


def _table(payments: Sequence[Payment]) -> list[str]:
    rows: list[tuple[str, ...]] = [("placed", "payment", "status", "paid", "credits", "back", "user")]
    rows += [_row(payment.order) for payment in payments]
    return list(layout.columns(rows, right=(3, 4, 5)))


def _row(order: Order) -> tuple[str, ...]:
    status = "under review" if order.is_under_review else order.status.value
    paid = layout.amount(order.charged_minor, order.currency) if order.is_settled else "-"
    back = layout.amount(order.reversed_minor, order.currency) if order.reversed_minor else "-"
    credits = str(order.credits_purchased)
    return layout.moment(order.created_at), order.payment_id, status, paid, credits, back, order.user_id


def _rows(payments: Sequence[Payment], now: datetime) -> Sequence[Any]:
    """As the API answers staff."""
    staff = StaffView(store.load_own_lots(payment.order for payment in payments), now)
    return responses.payments(payments, None, staff=staff)["payments"]
