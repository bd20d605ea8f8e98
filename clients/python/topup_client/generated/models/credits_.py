from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.lot import Lot


T = TypeVar("T", bound="Credits")


@_attrs_define
class Credits:
    """What a user may spend, and until when; of an earlier moment it may not be known what holds reserved.

    Attributes:
        user_id (str): The user's id: the `sub` of their token
        balance (int): What there is now; negative where more is owed than there is
        held (int | None): What open holds reserve; null only with `as_of`, of an earlier moment of which that is not
            known
        available (int | None): What may be spent or held now: balance - held; null only with `as_of`, of an earlier
            moment of which that is not known
        debt (int): Credits that are owed because a refund or a dispute found too few left; the next credits pay it
            first
        total_credits_earned (int): All credits that the user has ever been given
        lots (list[Lot]): The credits that are left, soonest expiry first
    """

    user_id: str
    balance: int
    held: int | None
    available: int | None
    debt: int
    total_credits_earned: int
    lots: list[Lot]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user_id = self.user_id

        balance = self.balance

        held: int | None
        held = self.held

        available: int | None
        available = self.available

        debt = self.debt

        total_credits_earned = self.total_credits_earned

        lots = []
        for lots_item_data in self.lots:
            lots_item = lots_item_data.to_dict()
            lots.append(lots_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user_id": user_id,
                "balance": balance,
                "held": held,
                "available": available,
                "debt": debt,
                "total_credits_earned": total_credits_earned,
                "lots": lots,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.lot import Lot

        d = dict(src_dict)
        user_id = d.pop("user_id")

        balance = d.pop("balance")

        def _parse_held(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        held = _parse_held(d.pop("held"))

        def _parse_available(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        available = _parse_available(d.pop("available"))

        debt = d.pop("debt")

        total_credits_earned = d.pop("total_credits_earned")

        lots = []
        _lots = d.pop("lots")
        for lots_item_data in _lots:
            lots_item = Lot.from_dict(lots_item_data)

            lots.append(lots_item)

        credits_ = cls(
            user_id=user_id,
            balance=balance,
            held=held,
            available=available,
            debt=debt,
            total_credits_earned=total_credits_earned,
            lots=lots,
        )

        credits_.additional_properties = d
        return credits_

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
