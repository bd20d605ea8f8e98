from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RefundResult")


@_attrs_define
class RefundResult:
    """A refund that has been requested.

    Attributes:
        success (bool): Whether Stripe has made or accepted the refund; false while that is not known
        refund_id (str): Stripe's id of the refund; ours until Stripe has one
        amount (float): What was refunded, in major units
        credits_refunded (int): The credits that were taken back
        message (str): What has happened, for people
    """

    success: bool
    refund_id: str
    amount: float
    credits_refunded: int
    message: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        success = self.success

        refund_id = self.refund_id

        amount = self.amount

        credits_refunded = self.credits_refunded

        message = self.message

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "success": success,
                "refund_id": refund_id,
                "amount": amount,
                "credits_refunded": credits_refunded,
                "message": message,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        success = d.pop("success")

        refund_id = d.pop("refund_id")

        amount = d.pop("amount")

        credits_refunded = d.pop("credits_refunded")

        message = d.pop("message")

        refund_result = cls(
            success=success,
            refund_id=refund_id,
            amount=amount,
            credits_refunded=credits_refunded,
            message=message,
        )

        refund_result.additional_properties = d
        return refund_result

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
