"""The EarlyFraudWarning object (Stripe API: radar.early_fraud_warning)."""

from local.stripe_simulator.objects.base import Json


def early_fraud_warning(warning_id: str, *, now: int, charge: Json, fraud_type: str) -> Json:
    return {
        "id": warning_id,
        "object": "radar.early_fraud_warning",
        "actionable": is_actionable(charge),
        "charge": charge["id"],
        "created": now,
        "fraud_type": fraud_type,
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }


def is_actionable(charge: Json) -> bool:
    """A refund may still prevent the dispute: there is none yet, and not everything has been refunded."""
    return not charge["disputed"] and not charge["refunded"]
