from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Package")


@_attrs_define
class Package:
    """A package that is on sale for one price.

    Attributes:
        name (str): Its name, in the language that was asked for
        credits_ (int): The credits that it buys
        price (str): What it costs, in major units with all decimals, as text
        currency (str): ISO 4217
        unit_price (float): The price of one credit, in major units
        valid_months (int | None | Unset): For how many months its credits are valid; null: for ever
    """

    name: str
    credits_: int
    price: str
    currency: str
    unit_price: float
    valid_months: int | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        credits_ = self.credits_

        price = self.price

        currency = self.currency

        unit_price = self.unit_price

        valid_months: int | None | Unset
        if isinstance(self.valid_months, Unset):
            valid_months = UNSET
        else:
            valid_months = self.valid_months

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "credits": credits_,
                "price": price,
                "currency": currency,
                "unit_price": unit_price,
            }
        )
        if valid_months is not UNSET:
            field_dict["valid_months"] = valid_months

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        name = d.pop("name")

        credits_ = d.pop("credits")

        price = d.pop("price")

        currency = d.pop("currency")

        unit_price = d.pop("unit_price")

        def _parse_valid_months(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        valid_months = _parse_valid_months(d.pop("valid_months", UNSET))

        package = cls(
            name=name,
            credits_=credits_,
            price=price,
            currency=currency,
            unit_price=unit_price,
            valid_months=valid_months,
        )

        package.additional_properties = d
        return package

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
