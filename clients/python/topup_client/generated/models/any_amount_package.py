from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.tier import Tier


T = TypeVar("T", bound="AnyAmountPackage")


@_attrs_define
class AnyAmountPackage:
    """A package that is bought for any amount: a multiple of `step`, from `min` to `max`.

    It grants `amount / unit_price × (100 + bonus_percent) / 100` credits, rounded down once; the bonus is that of the
    highest tier whose `from` the amount reaches, else 0.

        Attributes:
            name (str): Its name, in the language that was asked for
            min_ (str): The smallest amount, in major units with all decimals, as text
            max_ (str): The largest amount, in major units with all decimals, as text
            step (str): The amount is a multiple of this
            currency (str): ISO 4217
            unit_price (float): The price of one credit without a bonus, in major units
            tiers (list[Tier]): More credits from an amount on, the smallest amount first
            valid_months (int | None | Unset): For how many months its credits are valid; null: for ever
    """

    name: str
    min_: str
    max_: str
    step: str
    currency: str
    unit_price: float
    tiers: list[Tier]
    valid_months: int | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        min_ = self.min_

        max_ = self.max_

        step = self.step

        currency = self.currency

        unit_price = self.unit_price

        tiers = []
        for tiers_item_data in self.tiers:
            tiers_item = tiers_item_data.to_dict()
            tiers.append(tiers_item)

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
                "min": min_,
                "max": max_,
                "step": step,
                "currency": currency,
                "unit_price": unit_price,
                "tiers": tiers,
            }
        )
        if valid_months is not UNSET:
            field_dict["valid_months"] = valid_months

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.tier import Tier

        d = dict(src_dict)
        name = d.pop("name")

        min_ = d.pop("min")

        max_ = d.pop("max")

        step = d.pop("step")

        currency = d.pop("currency")

        unit_price = d.pop("unit_price")

        tiers = []
        _tiers = d.pop("tiers")
        for tiers_item_data in _tiers:
            tiers_item = Tier.from_dict(tiers_item_data)

            tiers.append(tiers_item)

        def _parse_valid_months(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        valid_months = _parse_valid_months(d.pop("valid_months", UNSET))

        any_amount_package = cls(
            name=name,
            min_=min_,
            max_=max_,
            step=step,
            currency=currency,
            unit_price=unit_price,
            tiers=tiers,
            valid_months=valid_months,
        )

        any_amount_package.additional_properties = d
        return any_amount_package

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
