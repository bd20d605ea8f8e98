"""The Checkout Session object (Stripe API: checkout.session)."""

from local.stripe_simulator.objects.base import NO_ADDRESS, Json, snapshot, words

# Parameters that the session returns unchanged.
ECHOED = words(
    "allow_promotion_codes allowed_payment_method_types billing_address_collection cancel_url client_reference_id "
    "customer_email excluded_payment_method_types locale submit_type"
)
UNUSED: Json = {
    **dict.fromkeys(
        words(
            "after_expiration client_secret collected_information consent consent_collection currency_conversion "
            "customer customer_account integration_identifier invoice origin_context payment_link "
            "payment_method_configuration_details permissions recovered_from saved_payment_method_options "
            "setup_intent shipping_address_collection shipping_cost subscription wallet_options"
        )
    ),
    "custom_fields": [],
    "custom_text": dict.fromkeys(words("after_submit shipping_address submit terms_of_service_acceptance")),
    "discounts": [],
    "livemode": False,
    "managed_payments": {"enabled": False},
    "mode": "payment",
    "payment_method_collection": "if_required",
    "phone_number_collection": {"enabled": False},
    "shipping_options": [],
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    "ui_mode": "hosted_page",
}
DEFAULT_OPTIONS: Json = {"card": {"request_three_d_secure": "automatic"}}


def checkout_session(
    session_id: str, *, url: str, now: int, params: Json, amount: int, currency: str, methods: list[str]
) -> Json:
    """An open, unpaid session. params: those of the request, with `expires_at`."""
    session = {
        "id": session_id,
        "object": "checkout.session",
        **snapshot(UNUSED),
        **{name: params.get(name) for name in ECHOED},
        "adaptive_pricing": params.get("adaptive_pricing", {"enabled": False}),
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": automatic_tax(params.get("automatic_tax", {}).get("enabled", False)),
        "created": now,
        "currency": currency,
        "customer_creation": params.get("customer_creation", "if_required"),
        "customer_details": details_of(params.get("customer_email")),
        "expires_at": params["expires_at"],
        "invoice_creation": invoice_creation(**params.get("invoice_creation", {"enabled": False})),
        "metadata": params.get("metadata", {}),
        "payment_intent": None,  # created when the buyer first tries to pay
        "payment_method_options": params.get("payment_method_options", snapshot(DEFAULT_OPTIONS)),
        "payment_method_types": methods,
        "payment_status": "unpaid",
        "status": "open",
        "success_url": params["success_url"],
        "url": url,
    }
    if "tax_id_collection" in params:
        session["tax_id_collection"] = {"required": "never", **params["tax_id_collection"]}
    return session


def automatic_tax(enabled: bool, *, is_located: bool = False) -> Json:
    """is_located: whether the buyer's country is known, so that the tax could be calculated."""
    if not enabled:
        return dict.fromkeys(("liability", "provider", "status")) | {"enabled": False}
    status = "complete" if is_located else "requires_location_inputs"
    return {"enabled": True, "liability": {"type": "self"}, "provider": "stripe", "status": status}


def invoice_creation(enabled: bool, invoice_data: Json | None = None) -> Json:
    unused = words("account_tax_ids custom_fields description footer issuer rendering_options")
    data = {**dict.fromkeys(unused), "metadata": {}, **(invoice_data or {})}
    return {"enabled": enabled, "invoice_data": data | ({"issuer": {"type": "self"}} if enabled else {})}


def details_of(email: str | None, *, name: str | None = None, country: str | None = None) -> Json | None:
    if email is None:
        return None
    return {
        "address": {**NO_ADDRESS, "country": country},
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
