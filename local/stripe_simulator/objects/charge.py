"""The Charge object."""

from local.stripe_simulator.core.cards import Decline
from local.stripe_simulator.objects.base import Json, snapshot, words

UNUSED: Json = {
    **dict.fromkeys(
        words(
            "application application_fee application_fee_amount balance_transaction customer "
            "failure_balance_transaction failure_code failure_message on_behalf_of outcome receipt_number receipt_url "
            "review source source_transfer statement_descriptor statement_descriptor_suffix transfer_data "
            "transfer_group"
        )
    ),
    "amount_captured": 0,
    "amount_refunded": 0,
    "captured": False,
    "disputed": False,
    "fraud_details": {},
    "livemode": False,
    "paid": False,
    "refunded": False,
    "status": "pending",
}


def charge(charge_id: str, *, now: int, intent: Json, method: Json) -> Json:
    """A pending charge; `approved` and `declined` hold the fields of its outcome."""
    return {
        "id": charge_id,
        "object": "charge",
        **snapshot(UNUSED),
        "amount": intent["amount"],
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "STRIPE SIMULATOR",
        "created": now,
        "currency": intent["currency"],
        "description": intent["description"],
        "metadata": dict(intent["metadata"]),
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": method_details(method, intent["amount"]),
        "receipt_email": intent["receipt_email"],
        "shipping": intent["shipping"],
        **{name: value for name, value in intent.items() if name == "presentment_details"},
    }


def approved(amount: int, receipt_url: str) -> Json:
    """The fields that change when a charge succeeds."""
    return {
        "amount_captured": amount,
        "captured": True,
        "outcome": outcome("approved_by_network", None, "Payment complete.", "authorized"),
        "paid": True,
        "receipt_url": receipt_url,
        "status": "succeeded",
    }


def declined(decline: Decline) -> Json:
    """The fields that change when a charge fails."""
    seller_message = "The bank did not return any further details with this decline."
    return {
        "failure_code": decline.code,
        "failure_message": decline.message,
        "outcome": outcome("declined_by_network", decline.decline_code, seller_message, "issuer_declined"),
        "status": "failed",
    }


def outcome(network_status: str, reason: str | None, seller_message: str, outcome_type: str) -> Json:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": network_status,
        "reason": reason,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": seller_message,
        "type": outcome_type,
    }


def method_details(method: Json, amount: int) -> Json:
    kind = method["type"]
    return {kind: card_details(method["card"], amount) if kind == "card" else {}, "type": kind}


def card_details(card: Json, amount: int) -> Json:
    unavailable = {"status": "unavailable"}
    return {
        "amount_authorized": amount,
        "authorization_code": None,
        "brand": card["brand"],
        "checks": card["checks"],
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "incremental_authorization": unavailable,
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "multicapture": unavailable,
        "network": "visa",
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": card["regulated_status"],
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
    }
