from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="AdjustmentBody")


@_attrs_define
class AdjustmentBody:
    """POST /api/admin/credits/adjust; `amount` credits up (positive) or down (negative).

    Attributes:
        user_id (str): The user's id: the `sub` of their token
        amount (int): Credits up (positive) or down (negative, never more than there are)
        reason (str): Why; administrators read it with the entry
    """

    user_id: str
    amount: int
    reason: str

    def to_dict(self) -> dict[str, Any]:
        user_id = self.user_id

        amount = self.amount

        reason = self.reason

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user_id": user_id,
                "amount": amount,
                "reason": reason,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        user_id = d.pop("user_id")

        amount = d.pop("amount")

        reason = d.pop("reason")

        adjustment_body = cls(
            user_id=user_id,
            amount=amount,
            reason=reason,
        )

        return adjustment_body
