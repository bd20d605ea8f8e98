from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="QuoteBody")


@_attrs_define
class QuoteBody:
    """POST /api/payments/stripe/refund/quote; `amount` in major units, null = all that is left.

    Attributes:
        payment_id (str): The payment to refund
        amount (float | None | Unset): How much to refund, in major units of the payment's currency; null or absent =
            all that is left
    """

    payment_id: str
    amount: float | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        payment_id = self.payment_id

        amount: float | None | Unset
        if isinstance(self.amount, Unset):
            amount = UNSET
        else:
            amount = self.amount

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "payment_id": payment_id,
            }
        )
        if amount is not UNSET:
            field_dict["amount"] = amount

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        payment_id = d.pop("payment_id")

        def _parse_amount(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        amount = _parse_amount(d.pop("amount", UNSET))

        quote_body = cls(
            payment_id=payment_id,
            amount=amount,
        )

        return quote_body
