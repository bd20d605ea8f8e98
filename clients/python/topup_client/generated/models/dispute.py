from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Dispute")


@_attrs_define
class Dispute:
    """A dispute that the card holder opened at the bank: an inquiry (`warning_…`), or a chargeback.

    Attributes:
        dispute_id (str): Stripe's id of the dispute
        amount (float): What the card holder disputes, in major units
        status (str): Stripe's word; it may be one that is not among the examples
        reason (None | str): Stripe's word for why; null where it gave none
        created_at (datetime.datetime): When the dispute was opened, in UTC
        currency (str | Unset): ISO 4217; only where it is not the payment's currency
    """

    dispute_id: str
    amount: float
    status: str
    reason: None | str
    created_at: datetime.datetime
    currency: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dispute_id = self.dispute_id

        amount = self.amount

        status = self.status

        reason: None | str
        reason = self.reason

        created_at = self.created_at.isoformat()

        currency = self.currency

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dispute_id": dispute_id,
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
        dispute_id = d.pop("dispute_id")

        amount = d.pop("amount")

        status = d.pop("status")

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        currency = d.pop("currency", UNSET)

        dispute = cls(
            dispute_id=dispute_id,
            amount=amount,
            status=status,
            reason=reason,
            created_at=created_at,
            currency=currency,
        )

        dispute.additional_properties = d
        return dispute

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
