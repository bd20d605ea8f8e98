from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.lot_source import LotSource

T = TypeVar("T", bound="Lot")


@_attrs_define
class Lot:
    """Credits that came in together: by one payment, a grant or an adjustment.

    Attributes:
        payment_id (None | UUID): The payment that bought them; null where they were not bought
        lot_id (UUID): The id of these credits
        source (LotSource): How they came in
        package (None | str): A package's id, for pages to name it; it may be off sale by now
        granted (int): The credits that came in
        remaining (int): The credits that are left of them
        expires_at (datetime.datetime | None): When the credits expire, in UTC; null = never
    """

    payment_id: None | UUID
    lot_id: UUID
    source: LotSource
    package: None | str
    granted: int
    remaining: int
    expires_at: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        payment_id: None | str
        if isinstance(self.payment_id, UUID):
            payment_id = str(self.payment_id)
        else:
            payment_id = self.payment_id

        lot_id = str(self.lot_id)

        source = self.source.value

        package: None | str
        package = self.package

        granted = self.granted

        remaining = self.remaining

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "payment_id": payment_id,
                "lot_id": lot_id,
                "source": source,
                "package": package,
                "granted": granted,
                "remaining": remaining,
                "expires_at": expires_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_payment_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                payment_id_type_0 = UUID(data)

                return payment_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        payment_id = _parse_payment_id(d.pop("payment_id"))

        lot_id = UUID(d.pop("lot_id"))

        source = LotSource(d.pop("source"))

        def _parse_package(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        package = _parse_package(d.pop("package"))

        granted = d.pop("granted")

        remaining = d.pop("remaining")

        def _parse_expires_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        expires_at = _parse_expires_at(d.pop("expires_at"))

        lot = cls(
            payment_id=payment_id,
            lot_id=lot_id,
            source=source,
            package=package,
            granted=granted,
            remaining=remaining,
            expires_at=expires_at,
        )

        lot.additional_properties = d
        return lot

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
