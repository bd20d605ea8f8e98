"""Stripe's test cards and the outcome of each."""

import re
from dataclasses import dataclass
from datetime import datetime

from local.stripe_simulator.core.errors import Refused


@dataclass(frozen=True)
class Decline:
    """Why a payment failed. `code` and `decline_code`: see Stripe's list of decline codes."""

    code: str
    message: str
    decline_code: str | None = None
    advice_code: str | None = None


GENERIC = Decline("card_declined", "Your card was declined.", "generic_decline", "try_again_later")
INSUFFICIENT_FUNDS = Decline(
    "card_declined", "Your card has insufficient funds.", "insufficient_funds", "try_again_later"
)
AUTHENTICATION_FAILED = Decline(
    "payment_intent_authentication_failure",
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
)
DELAYED_METHOD_FAILED = Decline(
    "payment_intent_payment_attempt_failed",
    "The payment failed: the provider of the payment method did not complete it.",
)


@dataclass(frozen=True)
class Card:
    number: str
    decline: Decline | None = None
    needs_3d_secure: bool = False
    disputed_as: str | None = None  # the status of the dispute that its bank opens as soon as it has paid

    @property
    def last4(self) -> str:
        return self.number[-4:]


SUCCEEDS = Card("4242424242424242")
DISPUTED = Card("4000000000000259", disputed_as="needs_response")
INQUIRED = Card("4000000000001976", disputed_as="warning_needs_response")
TEST_CARDS = {
    card.number: card
    for card in (
        SUCCEEDS,
        Card("4000000000009995", decline=INSUFFICIENT_FUNDS),
        Card("4000000000000002", decline=GENERIC),
        Card("4000002500003155", needs_3d_secure=True),
        DISPUTED,
        INQUIRED,
    )
}

# The API's names of these cards, which `stripe trigger` sends.
NUMBER_BY_NAME = {
    "pm_card_visa": SUCCEEDS.number,
    "tok_visa": SUCCEEDS.number,
    "pm_card_chargeDeclined": "4000000000000002",
    "tok_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_authenticationRequired": "4000002500003155",
    "pm_card_threeDSecure2Required": "4000002500003155",
    "tok_threeDSecure2Required": "4000002500003155",
    "pm_card_createDispute": DISPUTED.number,
    "tok_createDispute": DISPUTED.number,
    "pm_card_createDisputeInquiry": INQUIRED.number,
    "tok_createDisputeInquiry": INQUIRED.number,
}


def card_by_number(number: str) -> Card:
    """raises Refused unless it is a test card; Stripe refuses others before it creates a payment."""
    digits = re.sub(r"[ -]", "", number)
    if card := TEST_CARDS.get(digits):
        return card
    if not passes_luhn(digits):
        raise Refused(422, "Your card number is incorrect.", "card", "incorrect_number")
    message = "Your card was declined. Your request was in test mode, but used a non test card."
    raise Refused(422, message, "card", "card_declined")


def passes_luhn(digits: str) -> bool:
    if not re.fullmatch(r"[0-9]{12,19}", digits):
        return False
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def check_expiry(expiry: str, now: datetime) -> None:
    """raises Refused unless the card is valid in the month of `now`."""
    match = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*/?\s*(20)?([0-9]{2})\s*", expiry)
    if match is None:
        raise Refused(422, "Your card's expiration date is incomplete.", "expiry", "invalid_expiry")
    if (2000 + int(match[3]), int(match[1])) < (now.year, now.month):
        raise Refused(422, "Your card's expiration date is in the past.", "expiry", "expired_card")


def check_cvc(cvc: str) -> None:
    if not re.fullmatch(r"[0-9]{3}", cvc.strip()):
        raise Refused(422, "Your card's security code is incomplete.", "cvc", "incorrect_cvc")
