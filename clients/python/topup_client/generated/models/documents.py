from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Documents")


@_attrs_define
class Documents:
    """The addresses of Stripe's pages for the buyer.

    Attributes:
        receipt_url (None | str): The receipt; null where nothing was charged
        invoice_url (None | str): The invoice, where the catalogue asks Stripe for invoices
    """

    receipt_url: None | str
    invoice_url: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        receipt_url: None | str
        receipt_url = self.receipt_url

        invoice_url: None | str
        invoice_url = self.invoice_url

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "receipt_url": receipt_url,
                "invoice_url": invoice_url,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_receipt_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        receipt_url = _parse_receipt_url(d.pop("receipt_url"))

        def _parse_invoice_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        invoice_url = _parse_invoice_url(d.pop("invoice_url"))

        documents = cls(
            receipt_url=receipt_url,
            invoice_url=invoice_url,
        )

        documents.additional_properties = d
        return documents

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
