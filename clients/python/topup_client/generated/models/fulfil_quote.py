from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="FulfilQuote")


@_attrs_define
class FulfilQuote:
    """What a release with `fulfil` would do; `refused` says why it is not possible, and is null where it is.

    Attributes:
        credits_ (int): How many credits it would grant; 0 where a lost record says that they have been granted already
        credits_to_debt (int): How many of them would pay what the user owes
        credits_taken_back (int): How many would go again at once, for refunds and disputes of the payment that stand
        refused (None | str): Why it is not possible; null where it is
    """

    credits_: int
    credits_to_debt: int
    credits_taken_back: int
    refused: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        credits_ = self.credits_

        credits_to_debt = self.credits_to_debt

        credits_taken_back = self.credits_taken_back

        refused: None | str
        refused = self.refused

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "credits": credits_,
                "credits_to_debt": credits_to_debt,
                "credits_taken_back": credits_taken_back,
                "refused": refused,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        credits_ = d.pop("credits")

        credits_to_debt = d.pop("credits_to_debt")

        credits_taken_back = d.pop("credits_taken_back")

        def _parse_refused(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        refused = _parse_refused(d.pop("refused"))

        fulfil_quote = cls(
            credits_=credits_,
            credits_to_debt=credits_to_debt,
            credits_taken_back=credits_taken_back,
            refused=refused,
        )

        fulfil_quote.additional_properties = d
        return fulfil_quote

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
