from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="FraudWarning")


@_attrs_define
class FraudWarning:
    """What the card's issuer says of a payment.

    Attributes:
        warning_id (str): Stripe's id of the warning
        fraud_type (str): Stripe's word for what kind of fraud it is:
            https://docs.stripe.com/api/radar/early_fraud_warnings
        created_at (datetime.datetime): When, in UTC
    """

    warning_id: str
    fraud_type: str
    created_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        warning_id = self.warning_id

        fraud_type = self.fraud_type

        created_at = self.created_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "warning_id": warning_id,
                "fraud_type": fraud_type,
                "created_at": created_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        warning_id = d.pop("warning_id")

        fraud_type = d.pop("fraud_type")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        fraud_warning = cls(
            warning_id=warning_id,
            fraud_type=fraud_type,
            created_at=created_at,
        )

        fraud_warning.additional_properties = d
        return fraud_warning

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
