from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RefusedPayment")


@_attrs_define
class RefusedPayment:
    """One more payment that was refused: it waits until the one before it was decided over.

    Attributes:
        payment_intent (str): Its payment intent
        quarantine_reason (str): Why it was refused
    """

    payment_intent: str
    quarantine_reason: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        payment_intent = self.payment_intent

        quarantine_reason = self.quarantine_reason

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "payment_intent": payment_intent,
                "quarantine_reason": quarantine_reason,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        payment_intent = d.pop("payment_intent")

        quarantine_reason = d.pop("quarantine_reason")

        refused_payment = cls(
            payment_intent=payment_intent,
            quarantine_reason=quarantine_reason,
        )

        refused_payment.additional_properties = d
        return refused_payment

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
