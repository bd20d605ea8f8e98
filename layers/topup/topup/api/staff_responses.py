"""What administrators and support staff see of a payment besides what its owner sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from topup.domain import times
from topup.domain.lots import Lot
from topup.domain.orders import FraudWarning, Order, Release

if TYPE_CHECKING:
    from topup.api import schemas


@dataclass(frozen=True)
class StaffView:
    """The lots that payments granted, by the payments' ids; `now` is when staff look."""

    lots: Mapping[str, Lot]
    now: datetime

    def add_to(self, body: "schemas.Payment", order: Order) -> None:
        """Add to a payment's answer what is for staff."""
        body["user_id"] = order.user_id
        body["quarantine_reason"] = order.quarantine_reason
        body["stripe"] = {
            "session": order.provider_order_id,
            "payment_intent": order.transaction_id,
            "rejected_intent": order.rejected_intent,
        }
        if body["status"] == "processing":
            body["age_seconds"] = int((self.now - order.created_at).total_seconds())
        if order.payment_id in self.lots:
            body["lot"] = self._lot(self.lots[order.payment_id])
        if order.refused_besides:
            body["refused_besides"] = [
                {"payment_intent": one.intent, "quarantine_reason": one.reason} for one in order.refused_besides
            ]
        if order.releases:
            body["releases"] = [_release(one) for one in order.releases]
        if order.fraud_warning:
            body["fraud_warning"] = _fraud_warning(order.fraud_warning)

    def _lot(self, lot: Lot) -> "schemas.LotOfPayment":
        return {
            "granted": lot.granted,
            # From its expiry on it has nothing left, even if that is written later.
            "remaining": lot.remaining if lot.is_open(self.now) else 0,
            "expires_at": times.to_text(lot.expires_at) if lot.expires_at else None,
        }


def _release(release: Release) -> "schemas.Release":
    return {
        "action": release.action.value,
        "status": "done" if release.is_done else "in_flight",
        "payment_intent": release.intent,
        "quarantine_reason": release.quarantine_reason,
        "credits_ordered": release.credits_ordered,
        "reason": release.reason,
        "actor": release.actor,
        "released_at": times.to_text(release.released_at),
    }


def _fraud_warning(warning: FraudWarning) -> "schemas.FraudWarning":
    return {
        "warning_id": warning.warning_id,
        "fraud_type": warning.fraud_type,
        "created_at": times.to_text(warning.created_at),
    }
