from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.any_amount_package import AnyAmountPackage
    from ..models.package import Package


T = TypeVar("T", bound="CataloguePackages")


@_attrs_define
class CataloguePackages:
    """The packages on sale, by their id"""

    additional_properties: dict[str, AnyAmountPackage | Package] = _attrs_field(
        init=False, factory=dict
    )

    def to_dict(self) -> dict[str, Any]:
        from ..models.package import Package

        field_dict: dict[str, Any] = {}
        for prop_name, prop in self.additional_properties.items():
            if isinstance(prop, Package):
                field_dict[prop_name] = prop.to_dict()
            else:
                field_dict[prop_name] = prop.to_dict()

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.any_amount_package import AnyAmountPackage
        from ..models.package import Package

        d = dict(src_dict)
        catalogue_packages = cls()

        additional_properties = {}
        for prop_name, prop_dict in d.items():

            def _parse_additional_property(data: object) -> AnyAmountPackage | Package:
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    additional_property_type_0 = Package.from_dict(data)

                    return additional_property_type_0
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                if not isinstance(data, dict):
                    raise TypeError()
                additional_property_type_1 = AnyAmountPackage.from_dict(data)

                return additional_property_type_1

            additional_property = _parse_additional_property(prop_dict)

            additional_properties[prop_name] = additional_property

        catalogue_packages.additional_properties = additional_properties
        return catalogue_packages

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> AnyAmountPackage | Package:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: AnyAmountPackage | Package) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
