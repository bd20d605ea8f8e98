from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RefundBody")


@_attrs_define
class RefundBody:
    """POST /api/payments/stripe/refund; `amount` in major units, null = all that is left.

    Attributes:
        payment_id (str): The payment to refund
        reason (None | str | Unset): Why, for your records; null where nobody said it
        amount (float | None | Unset): How much to refund, in major units of the payment's currency; null or absent =
            all that is left
        force (bool | Unset): true = refund also where the user has spent the credits, and will owe them; false where it
            is absent
        quote_token (None | str | Unset): Of a quote: refuse to do anything else than what it says; absent = do what is
            due now
    """

    payment_id: str
    reason: None | str | Unset = UNSET
    amount: float | None | Unset = UNSET
    force: bool | Unset = UNSET
    quote_token: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        payment_id = self.payment_id

        reason: None | str | Unset
        if isinstance(self.reason, Unset):
            reason = UNSET
        else:
            reason = self.reason

        amount: float | None | Unset
        if isinstance(self.amount, Unset):
            amount = UNSET
        else:
            amount = self.amount

        force = self.force

        quote_token: None | str | Unset
        if isinstance(self.quote_token, Unset):
            quote_token = UNSET
        else:
            quote_token = self.quote_token

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "payment_id": payment_id,
            }
        )
        if reason is not UNSET:
            field_dict["reason"] = reason
        if amount is not UNSET:
            field_dict["amount"] = amount
        if force is not UNSET:
            field_dict["force"] = force
        if quote_token is not UNSET:
            field_dict["quote_token"] = quote_token

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        payment_id = d.pop("payment_id")

        def _parse_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        reason = _parse_reason(d.pop("reason", UNSET))

        def _parse_amount(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        amount = _parse_amount(d.pop("amount", UNSET))

        force = d.pop("force", UNSET)

        def _parse_quote_token(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        quote_token = _parse_quote_token(d.pop("quote_token", UNSET))

        refund_body = cls(
            payment_id=payment_id,
            reason=reason,
            amount=amount,
            force=force,
            quote_token=quote_token,
        )

        return refund_body
