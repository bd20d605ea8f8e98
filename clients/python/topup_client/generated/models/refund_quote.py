from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RefundQuote")


@_attrs_define
class RefundQuote:
    """What a refund would do.

    Attributes:
        amount (float): What would be refunded, in major units
        credits_refunded (int): The credits that would be taken back: from lots, and as debt
        from_own_lot (int): How many of them would come from what this payment has bought
        from_other_lots (int): How many of them would come from other purchases and grants of the user
        debt (int): How many of them the user would owe, because they are spent; not 0 = only with `force`
        holds_uncovered (int): How many credits that open holds reserve it would take; not 0 = only with `force`
        largest_refundable (str): The most that can be refunded without `force`, in major units
        quote_token (str): Send it with the refund, so that it does this or nothing
    """

    amount: float
    credits_refunded: int
    from_own_lot: int
    from_other_lots: int
    debt: int
    holds_uncovered: int
    largest_refundable: str
    quote_token: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount

        credits_refunded = self.credits_refunded

        from_own_lot = self.from_own_lot

        from_other_lots = self.from_other_lots

        debt = self.debt

        holds_uncovered = self.holds_uncovered

        largest_refundable = self.largest_refundable

        quote_token = self.quote_token

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "amount": amount,
                "credits_refunded": credits_refunded,
                "from_own_lot": from_own_lot,
                "from_other_lots": from_other_lots,
                "debt": debt,
                "holds_uncovered": holds_uncovered,
                "largest_refundable": largest_refundable,
                "quote_token": quote_token,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        amount = d.pop("amount")

        credits_refunded = d.pop("credits_refunded")

        from_own_lot = d.pop("from_own_lot")

        from_other_lots = d.pop("from_other_lots")

        debt = d.pop("debt")

        holds_uncovered = d.pop("holds_uncovered")

        largest_refundable = d.pop("largest_refundable")

        quote_token = d.pop("quote_token")

        refund_quote = cls(
            amount=amount,
            credits_refunded=credits_refunded,
            from_own_lot=from_own_lot,
            from_other_lots=from_other_lots,
            debt=debt,
            holds_uncovered=holds_uncovered,
            largest_refundable=largest_refundable,
            quote_token=quote_token,
        )

        refund_quote.additional_properties = d
        return refund_quote

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
