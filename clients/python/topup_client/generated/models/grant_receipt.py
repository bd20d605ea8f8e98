from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="GrantReceipt")


@_attrs_define
class GrantReceipt:
    """A grant that has been made.

    Attributes:
        transaction_id (UUID): The id of the ledger entry, which the user's transactions list
        lot_id (UUID): The id of these credits
        balance_after (int): The balance after this change, as it was then
    """

    transaction_id: UUID
    lot_id: UUID
    balance_after: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        transaction_id = str(self.transaction_id)

        lot_id = str(self.lot_id)

        balance_after = self.balance_after

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "transaction_id": transaction_id,
                "lot_id": lot_id,
                "balance_after": balance_after,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        transaction_id = UUID(d.pop("transaction_id"))

        lot_id = UUID(d.pop("lot_id"))

        balance_after = d.pop("balance_after")

        grant_receipt = cls(
            transaction_id=transaction_id,
            lot_id=lot_id,
            balance_after=balance_after,
        )

        grant_receipt.additional_properties = d
        return grant_receipt

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
