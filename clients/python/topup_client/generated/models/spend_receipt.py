from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SpendReceipt")


@_attrs_define
class SpendReceipt:
    """A spend that has happened.

    Attributes:
        transaction_id (UUID): The id of the ledger entry, which the user's transactions list
        amount (int): The credits that were spent
        balance_after (int): The balance after this change, as it was then
        available_after (int): What may be spent or held after this request, as it was then
    """

    transaction_id: UUID
    amount: int
    balance_after: int
    available_after: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        transaction_id = str(self.transaction_id)

        amount = self.amount

        balance_after = self.balance_after

        available_after = self.available_after

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "transaction_id": transaction_id,
                "amount": amount,
                "balance_after": balance_after,
                "available_after": available_after,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        transaction_id = UUID(d.pop("transaction_id"))

        amount = d.pop("amount")

        balance_after = d.pop("balance_after")

        available_after = d.pop("available_after")

        spend_receipt = cls(
            transaction_id=transaction_id,
            amount=amount,
            balance_after=balance_after,
            available_after=available_after,
        )

        spend_receipt.additional_properties = d
        return spend_receipt

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
