from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.refund_status import RefundStatus
from ..types import UNSET, Unset

T = TypeVar("T", bound="Refund")


@_attrs_define
class Refund:
    """A refund of a payment.

    Attributes:
        refund_id (str): Stripe's id of the refund; ours until Stripe has one
        amount (float): What was refunded, in major units
        status (RefundStatus): Where the refund stands; a pending one has taken the credits already
        reason (None | str): Why, for your records; null where nobody said it
        created_at (datetime.datetime): When the refund was asked for, in UTC
        currency (str | Unset): ISO 4217; only where it is not the payment's currency
    """

    refund_id: str
    amount: float
    status: RefundStatus
    reason: None | str
    created_at: datetime.datetime
    currency: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        refund_id = self.refund_id

        amount = self.amount

        status = self.status.value

        reason: None | str
        reason = self.reason

        created_at = self.created_at.isoformat()

        currency = self.currency

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "refund_id": refund_id,
                "amount": amount,
                "status": status,
                "reason": reason,
                "created_at": created_at,
            }
        )
        if currency is not UNSET:
            field_dict["currency"] = currency

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        refund_id = d.pop("refund_id")

        amount = d.pop("amount")

        status = RefundStatus(d.pop("status"))

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        currency = d.pop("currency", UNSET)

        refund = cls(
            refund_id=refund_id,
            amount=amount,
            status=status,
            reason=reason,
            created_at=created_at,
            currency=currency,
        )

        refund.additional_properties = d
        return refund

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
