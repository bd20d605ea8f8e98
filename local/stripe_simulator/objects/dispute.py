"""The Dispute object."""

from local.stripe_simulator.objects.base import Json, words

DAYS_TO_RESPOND = 9
EVIDENCE = words(
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal "
    "customer_communication customer_email_address customer_name customer_purchase_ip customer_signature "
    "duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt "
    "refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation "
    "shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number "
    "uncategorized_file uncategorized_text"
)


def dispute(dispute_id: str, *, now: int, charge: Json, amount: int, reason: str, status: str) -> Json:
    inquiry = status == "warning_needs_response"
    return {
        "id": dispute_id,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + DAYS_TO_RESPOND * 86_400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        # An inquiry may still be refunded; a chargeback has already withdrawn the money.
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": method_details(charge["payment_method_details"], inquiry=inquiry),
        "reason": reason,
        "status": status,
    }


def balance_transaction(dispute: Json, amount: int, *, now: int) -> Json:
    """The record of money that a dispute moved; Stripe keeps the fee apart from `amount`."""
    number = len(dispute["balance_transactions"]) + 1
    return {
        "id": f"txn_{dispute['id'].removeprefix('du_')}{number}",
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now,
        "balance_type": "payments",
        "created": now,
        "currency": dispute["currency"],
        "description": f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {dispute['charge']}",
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": amount,
        "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
        "source": dispute["id"],
        "status": "available",
        "type": "adjustment",
    }


def method_details(details: Json, *, inquiry: bool) -> Json:
    if details["type"] != "card":
        return {"type": details["type"]}
    case_type = "inquiry" if inquiry else "chargeback"
    card = {"brand": "visa", "case_type": case_type, "network": "visa", "network_reason_code": "10.4"}
    return {"card": card, "type": "card"}
