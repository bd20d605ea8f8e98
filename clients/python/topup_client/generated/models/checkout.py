from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.checkout_status import CheckoutStatus
from ..types import UNSET, Unset

T = TypeVar("T", bound="Checkout")


@_attrs_define
class Checkout:
    """A payment that waits for its buyer at `payment_url`.

    Attributes:
        payment_id (UUID): The payment's id
        status (CheckoutStatus): `pending`, until the buyer pays; a repeated request gets what it is by now
        amount (str): The price in major units, as text; the payment's status has it as a number
        currency (str): ISO 4217
        credits_purchased (int): The credits that this payment buys; fixed when it was created
        payment_url (None | str): Stripe's page where the buyer pays; it names the session when the payment has ended
        under_review (bool | Unset): A payment arrived that does not match the order, and somebody checks it: `status`
            is processing, there is no `payment_url`, and the buyer must not pay again
    """

    payment_id: UUID
    status: CheckoutStatus
    amount: str
    currency: str
    credits_purchased: int
    payment_url: None | str
    under_review: bool | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        payment_id = str(self.payment_id)

        status = self.status.value

        amount = self.amount

        currency = self.currency

        credits_purchased = self.credits_purchased

        payment_url: None | str
        payment_url = self.payment_url

        under_review = self.under_review

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "payment_id": payment_id,
                "status": status,
                "amount": amount,
                "currency": currency,
                "credits_purchased": credits_purchased,
                "payment_url": payment_url,
            }
        )
        if under_review is not UNSET:
            field_dict["under_review"] = under_review

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        payment_id = UUID(d.pop("payment_id"))

        status = CheckoutStatus(d.pop("status"))

        amount = d.pop("amount")

        currency = d.pop("currency")

        credits_purchased = d.pop("credits_purchased")

        def _parse_payment_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        payment_url = _parse_payment_url(d.pop("payment_url"))

        under_review = d.pop("under_review", UNSET)

        checkout = cls(
            payment_id=payment_id,
            status=status,
            amount=amount,
            currency=currency,
            credits_purchased=credits_purchased,
            payment_url=payment_url,
            under_review=under_review,
        )

        checkout.additional_properties = d
        return checkout

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
