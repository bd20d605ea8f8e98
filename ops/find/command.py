"""Look for what a person has at hand, and print what became of it."""

import json
from argparse import Namespace
from datetime import datetime

from ops import opened
from ops.errors import CannotRunError
from ops.find import answers, kinds, story
from ops.find.answers import Answer
from topup import finding, store
from topup.api.endpoint import LONGEST_USER_ID
from topup.domain.errors import Busy, StripeFailed
from topup.domain.payments import Payment

PAGE = 100  # payments


def run(options: Namespace) -> int:
    what = kinds.cleaned(options.what or "")
    if not 0 < len(what) <= LONGEST_USER_ID or not what.isprintable():
        raise CannotRunError(
            "say what to look for: a payment's id, cs_…, pi_…, ch_…, an e-mail or a user (make: WHAT=)"
        )
    if kinds.OTHERS.fullmatch(what):
        raise CannotRunError(
            f"{what} names no payment: find it in Stripe's Dashboard, and take its payment intent, pi_…"
        )
    with opened.stack(options) as now:
        answer = _answer(what, now(), options.stack)
    print(json.dumps(answer.document, indent=2, ensure_ascii=False) if options.json else "\n".join(answer.lines))
    return 0 if answer.is_well else 1


def _answer(what: str, now: datetime, stack: str | None) -> Answer:
    kind = kinds.kind_of(what)
    payments = _search(kind, what)
    if kind != kinds.USER and len(payments) == 1:
        return answers.of_payment(kind, what, story.of(payments[0], now), now, stack)
    if payments:
        return answers.of_payments(kind, what, payments, now, stack)
    # Users' ids may have the form of a payment's id or of an address.
    user = store.load_credits(what, now)
    orders, _ = store.list_orders(what, PAGE, None)
    if orders or user.wallet.last_entry:
        return answers.of_user(user, store.with_reversals(orders), now, stack)
    return answers.nothing(kind, what, stack)


def _search(kind: str, what: str) -> list[Payment]:
    """The payments that are found by it; raises CannotRunError where Stripe had to be asked, and failed."""
    try:
        match kind:
            case "payment_id":
                return finding.by_id(what.lower()).payments
            case "session":
                return finding.by_session(what).payments
            case "payment_intent":
                return finding.by_intent(what).payments
            case "charge":
                return finding.by_charge(what).payments
            case kinds.EMAIL:
                return finding.by_email(what, PAGE, None).payments
            case _:
                return []
    except (StripeFailed, Busy) as error:
        raise CannotRunError(f"Stripe: {error.detail}: {opened.words(error)}") from error
