from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.release_action import ReleaseAction
from ..models.release_status import ReleaseStatus

T = TypeVar("T", bound="Release")


@_attrs_define
class Release:
    """A decision over a payment that was under review.

    Attributes:
        action (ReleaseAction): `fulfil`: its credits were granted; `refund`: its money went back
        status (ReleaseStatus): `in_flight` while it is not known whether the money has gone back, then `done`
        payment_intent (str): The payment intent that had been refused
        quarantine_reason (str): Why it had been refused
        credits_ordered (int): The credits that the order was for; `credits_purchased` is what was granted of them
        reason (str): Why it was decided so
        actor (str): Who decided: `admin:…`
        released_at (datetime.datetime): When, in UTC
    """

    action: ReleaseAction
    status: ReleaseStatus
    payment_intent: str
    quarantine_reason: str
    credits_ordered: int
    reason: str
    actor: str
    released_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        action = self.action.value

        status = self.status.value

        payment_intent = self.payment_intent

        quarantine_reason = self.quarantine_reason

        credits_ordered = self.credits_ordered

        reason = self.reason

        actor = self.actor

        released_at = self.released_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "action": action,
                "status": status,
                "payment_intent": payment_intent,
                "quarantine_reason": quarantine_reason,
                "credits_ordered": credits_ordered,
                "reason": reason,
                "actor": actor,
                "released_at": released_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        action = ReleaseAction(d.pop("action"))

        status = ReleaseStatus(d.pop("status"))

        payment_intent = d.pop("payment_intent")

        quarantine_reason = d.pop("quarantine_reason")

        credits_ordered = d.pop("credits_ordered")

        reason = d.pop("reason")

        actor = d.pop("actor")

        released_at = datetime.datetime.fromisoformat(d.pop("released_at"))

        release = cls(
            action=action,
            status=status,
            payment_intent=payment_intent,
            quarantine_reason=quarantine_reason,
            credits_ordered=credits_ordered,
            reason=reason,
            actor=actor,
            released_at=released_at,
        )

        release.additional_properties = d
        return release

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
