from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.catalogue_packages import CataloguePackages


T = TypeVar("T", bound="Catalogue")


@_attrs_define
class Catalogue:
    """What is on sale, by package id.

    Attributes:
        packages (CataloguePackages): The packages on sale, by their id
        credit_value_rmb (float): What one credit is worth, in CNY
    """

    packages: CataloguePackages
    credit_value_rmb: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        packages = self.packages.to_dict()

        credit_value_rmb = self.credit_value_rmb

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "packages": packages,
                "credit_value_rmb": credit_value_rmb,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.catalogue_packages import CataloguePackages

        d = dict(src_dict)
        packages = CataloguePackages.from_dict(d.pop("packages"))

        credit_value_rmb = d.pop("credit_value_rmb")

        catalogue = cls(
            packages=packages,
            credit_value_rmb=credit_value_rmb,
        )

        catalogue.additional_properties = d
        return catalogue

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
