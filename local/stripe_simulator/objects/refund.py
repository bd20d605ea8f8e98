"""The Refund object. Its status may be null (Stripe API, Refund object)."""

from local.stripe_simulator.objects.base import Json


def refund(
    refund_id: str, *, now: int, charge: Json, amount: int, status: str | None, reason: str | None, metadata: Json
) -> Json:
    fields = {
        "id": refund_id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "customer": None,
        "customer_account": None,
        "destination_details": destination(charge["payment_method_details"]["type"]),
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
    return {**fields, "pending_reason": "processing"} if status == "pending" else fields


def destination(method_type: str) -> Json:
    if method_type != "card":
        return {method_type: {}, "type": method_type}
    return {"card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card"}  # fmt: skip


def referenced(reference: str) -> Json:
    """The card network's reference of a refund, which becomes known later."""
    card = {
        "reference": reference,
        "reference_status": "available",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    return {"card": card, "type": "card"}
