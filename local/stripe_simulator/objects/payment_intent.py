"""The PaymentIntent and PaymentMethod objects."""

from local.stripe_simulator.core.cards import Decline
from local.stripe_simulator.objects.base import NO_ADDRESS, Json, snapshot, words

ECHOED = words(
    "allowed_payment_method_types description receipt_email setup_future_usage shipping statement_descriptor "
    "statement_descriptor_suffix"
)
UNUSED: Json = {
    **dict.fromkeys(
        words(
            "application application_fee_amount automatic_payment_methods canceled_at cancellation_reason customer "
            "customer_account excluded_payment_method_types last_payment_error latest_charge next_action on_behalf_of "
            "payment_method payment_method_configuration_details processing review source transfer_data transfer_group"
        )
    ),
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "amount_received": 0,
    "capture_method": "automatic_async",
    "confirmation_method": "automatic",
    "livemode": False,
    "managed_payments": {"enabled": False},
    "payment_method_options": {"card": {"installments": None, "request_three_d_secure": "automatic"}},
}


def payment_intent(
    intent_id: str, *, secret: str, now: int, amount: int, currency: str, methods: list[str], data: Json
) -> Json:
    """data: the hash `payment_intent_data`, or the parameters of /v1/payment_intents."""
    return {
        "id": intent_id,
        "object": "payment_intent",
        **snapshot(UNUSED),
        **{name: data.get(name) for name in ECHOED},
        "amount": amount,
        "client_secret": f"{intent_id}_secret_{secret}",
        "created": now,
        "currency": currency,
        "metadata": data.get("metadata", {}),
        "payment_method_types": methods,
        "status": "requires_payment_method",
    }


def payment_error(decline: Decline, *, charge_id: str | None, method: Json) -> Json:
    """The error in `last_payment_error` and in the 402 of a declined card."""
    error = {
        "advice_code": decline.advice_code,
        "charge": charge_id,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": f"https://stripe.com/docs/error-codes/{decline.code.replace('_', '-')}",
        "message": decline.message,
        "payment_method": method,
        "type": "card_error" if method["type"] == "card" else "invalid_request_error",
    }
    return {name: value for name, value in error.items() if value is not None}


def three_d_secure_challenge(url: str, return_url: str) -> Json:
    return {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}


def card_method(method_id: str, *, now: int, last4: str, billing: Json) -> Json:
    card = {
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": "visa",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"simulator{last4}",
        "funding": "credit",
        "generated_from": None,
        "last4": last4,
        "networks": {"available": ["visa"], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
    return {**method_of("card", method_id, now, billing), "card": card}


def delayed_method(method_id: str, method_type: str, *, now: int, billing: Json) -> Json:
    """Alipay, WeChat Pay and bank debits, which settle later."""
    return {**method_of(method_type, method_id, now, billing), method_type: {}}


def method_of(method_type: str, method_id: str, now: int, billing: Json) -> Json:
    return {
        "id": method_id,
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": billing_details(billing),
        "created": now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": method_type,
    }


def billing_details(given: Json) -> Json:
    return {
        "address": {**NO_ADDRESS, **given.get("address", {})},
        "email": given.get("email"),
        "name": given.get("name"),
        "phone": given.get("phone"),
        "tax_id": None,
    }
