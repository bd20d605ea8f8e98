from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.fulfil_quote import FulfilQuote
    from ..models.give_back_quote import GiveBackQuote


T = TypeVar("T", bound="ReleaseQuote")


@_attrs_define
class ReleaseQuote:
    """What each decision over a payment under review would do now; its amounts are of its own `currency`.

    Attributes:
        payment_intent (None | str): The payment intent that the decision is over; null where nobody knows it
        amount_paid (float): What the buyer has paid, in major units
        amount_returned (float): What of it has gone back: refunds that Stripe has accepted, and disputes that are lost
        currency (None | str): Of these amounts, ISO 4217; null where Stripe has no money of the payment
        fulfil (FulfilQuote): What a release with `fulfil` would do; `refused` says why it is not possible, and is null
            where it is.
        refund (GiveBackQuote): What a release with `refund` would do; `refused` says why it is not possible, and is
            null where it is.
    """

    payment_intent: None | str
    amount_paid: float
    amount_returned: float
    currency: None | str
    fulfil: FulfilQuote
    refund: GiveBackQuote
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        payment_intent: None | str
        payment_intent = self.payment_intent

        amount_paid = self.amount_paid

        amount_returned = self.amount_returned

        currency: None | str
        currency = self.currency

        fulfil = self.fulfil.to_dict()

        refund = self.refund.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "payment_intent": payment_intent,
                "amount_paid": amount_paid,
                "amount_returned": amount_returned,
                "currency": currency,
                "fulfil": fulfil,
                "refund": refund,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.fulfil_quote import FulfilQuote
        from ..models.give_back_quote import GiveBackQuote

        d = dict(src_dict)

        def _parse_payment_intent(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        payment_intent = _parse_payment_intent(d.pop("payment_intent"))

        amount_paid = d.pop("amount_paid")

        amount_returned = d.pop("amount_returned")

        def _parse_currency(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        currency = _parse_currency(d.pop("currency"))

        fulfil = FulfilQuote.from_dict(d.pop("fulfil"))

        refund = GiveBackQuote.from_dict(d.pop("refund"))

        release_quote = cls(
            payment_intent=payment_intent,
            amount_paid=amount_paid,
            amount_returned=amount_returned,
            currency=currency,
            fulfil=fulfil,
            refund=refund,
        )

        release_quote.additional_properties = d
        return release_quote

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
