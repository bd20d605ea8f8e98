from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="StripeIds")


@_attrs_define
class StripeIds:
    """What a payment is called at Stripe; null where there is none.

    Attributes:
        session (None | str): Its Checkout Session
        payment_intent (None | str): The payment intent that paid it
        rejected_intent (None | str): The payment intent of a payment that was refused: see `quarantine_reason`
    """

    session: None | str
    payment_intent: None | str
    rejected_intent: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        session: None | str
        session = self.session

        payment_intent: None | str
        payment_intent = self.payment_intent

        rejected_intent: None | str
        rejected_intent = self.rejected_intent

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "session": session,
                "payment_intent": payment_intent,
                "rejected_intent": rejected_intent,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_session(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        session = _parse_session(d.pop("session"))

        def _parse_payment_intent(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        payment_intent = _parse_payment_intent(d.pop("payment_intent"))

        def _parse_rejected_intent(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        rejected_intent = _parse_rejected_intent(d.pop("rejected_intent"))

        stripe_ids = cls(
            session=session,
            payment_intent=payment_intent,
            rejected_intent=rejected_intent,
        )

        stripe_ids.additional_properties = d
        return stripe_ids

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
