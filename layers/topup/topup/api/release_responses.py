"""What `expand=release_quote` adds to a payment; see `responses`."""

from typing import TYPE_CHECKING

from topup.api.responses import number
from topup.domain.errors import NotReleasable
from topup.domain.release_quotes import FulfilQuote, ReleaseQuote

if TYPE_CHECKING:
    from topup.api import schemas


def quoted(quote: ReleaseQuote | None) -> "schemas.ReleaseQuote | None":
    """What each decision would do; None where there is none to make."""
    if quote is None:
        return None
    currency, back = quote.currency, quote.refund_minor
    return {
        "payment_intent": quote.intent,
        "amount_paid": _amount(quote.paid_minor, currency),
        "amount_returned": _amount(quote.returned_minor, currency),
        "currency": currency,
        "fulfil": _fulfil(quote.fulfil),
        "refund": {
            "amount": 0.0 if isinstance(back, NotReleasable) else _amount(back, currency),
            "refused": back.detail if isinstance(back, NotReleasable) else None,
        },
    }


def _amount(minor: int, currency: str | None) -> float:
    return number(minor, currency) if currency else 0.0


def _fulfil(quote: FulfilQuote | NotReleasable) -> "schemas.FulfilQuote":
    if isinstance(quote, NotReleasable):
        return {"credits": 0, "credits_to_debt": 0, "credits_taken_back": 0, "refused": quote.detail}
    return {
        "credits": quote.credits,
        "credits_to_debt": quote.to_debt,
        "credits_taken_back": quote.taken_back,
        "refused": None,
    }
