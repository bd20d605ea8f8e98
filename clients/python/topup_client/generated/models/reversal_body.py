from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ReversalBody")


@_attrs_define
class ReversalBody:
    """POST /api/users/credits/spend/reverse; `amount` null = all that is left of the spend.

    Attributes:
        user_id (str): The user's id: the `sub` of their token
        transaction_id (str): The spend's `transaction_id`
        reason (str): Why; administrators read it with the entry
        amount (int | None | Unset): How many credits to give back; null or absent = all that is left of the spend
    """

    user_id: str
    transaction_id: str
    reason: str
    amount: int | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        user_id = self.user_id

        transaction_id = self.transaction_id

        reason = self.reason

        amount: int | None | Unset
        if isinstance(self.amount, Unset):
            amount = UNSET
        else:
            amount = self.amount

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user_id": user_id,
                "transaction_id": transaction_id,
                "reason": reason,
            }
        )
        if amount is not UNSET:
            field_dict["amount"] = amount

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        user_id = d.pop("user_id")

        transaction_id = d.pop("transaction_id")

        reason = d.pop("reason")

        def _parse_amount(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        amount = _parse_amount(d.pop("amount", UNSET))

        reversal_body = cls(
            user_id=user_id,
            transaction_id=transaction_id,
            reason=reason,
            amount=amount,
        )

        return reversal_body
