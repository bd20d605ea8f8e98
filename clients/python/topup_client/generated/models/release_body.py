from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.release_body_action import ReleaseBodyAction
from ..types import UNSET, Unset

T = TypeVar("T", bound="ReleaseBody")


@_attrs_define
class ReleaseBody:
    """POST /api/admin/payments/{payment_id}/release; `payment_intent` where more than one payment was refused.

    Attributes:
        action (ReleaseBodyAction): Grant the credits of what was really paid, or give the money back
        reason (str): Why; it stays with the payment, and with the entry of the credits
        payment_intent (None | str | Unset): Which payment is meant, where more than one was refused:
            `stripe.rejected_intent`
    """

    action: ReleaseBodyAction
    reason: str
    payment_intent: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        action = self.action.value

        reason = self.reason

        payment_intent: None | str | Unset
        if isinstance(self.payment_intent, Unset):
            payment_intent = UNSET
        else:
            payment_intent = self.payment_intent

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "action": action,
                "reason": reason,
            }
        )
        if payment_intent is not UNSET:
            field_dict["payment_intent"] = payment_intent

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        action = ReleaseBodyAction(d.pop("action"))

        reason = d.pop("reason")

        def _parse_payment_intent(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        payment_intent = _parse_payment_intent(d.pop("payment_intent", UNSET))

        release_body = cls(
            action=action,
            reason=reason,
            payment_intent=payment_intent,
        )

        return release_body
