from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ReversalReceipt")


@_attrs_define
class ReversalReceipt:
    """A spend that has been given back: `amount` credits came back, `lapsed` did not, since their lots had expired.

    Attributes:
        transaction_id (None | UUID): The id of the ledger entry; null where nothing came back
        amount (int): The credits that came back
        lapsed (int): The credits that did not, because their lot has expired
        balance_after (int): The balance after this change, as it was then
        available_after (int): What may be spent or held after this request, as it was then
    """

    transaction_id: None | UUID
    amount: int
    lapsed: int
    balance_after: int
    available_after: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        transaction_id: None | str
        if isinstance(self.transaction_id, UUID):
            transaction_id = str(self.transaction_id)
        else:
            transaction_id = self.transaction_id

        amount = self.amount

        lapsed = self.lapsed

        balance_after = self.balance_after

        available_after = self.available_after

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "transaction_id": transaction_id,
                "amount": amount,
                "lapsed": lapsed,
                "balance_after": balance_after,
                "available_after": available_after,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_transaction_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                transaction_id_type_0 = UUID(data)

                return transaction_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        transaction_id = _parse_transaction_id(d.pop("transaction_id"))

        amount = d.pop("amount")

        lapsed = d.pop("lapsed")

        balance_after = d.pop("balance_after")

        available_after = d.pop("available_after")

        reversal_receipt = cls(
            transaction_id=transaction_id,
            amount=amount,
            lapsed=lapsed,
            balance_after=balance_after,
            available_after=available_after,
        )

        reversal_receipt.additional_properties = d
        return reversal_receipt

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
