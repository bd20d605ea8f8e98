from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_item_body_metadata import BatchItemBodyMetadata


T = TypeVar("T", bound="BatchItemBody")


@_attrs_define
class BatchItemBody:
    """One spend of a batch; `key` is its Idempotency-Key.

    Attributes:
        key (str): The Idempotency-Key of this spend
        amount (int): How many credits to spend
        description (str): What it was for, as the user reads it
        metadata (BatchItemBodyMetadata | Unset): What the caller has noted with it
    """

    key: str
    amount: int
    description: str
    metadata: BatchItemBodyMetadata | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        key = self.key

        amount = self.amount

        description = self.description

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "key": key,
                "amount": amount,
                "description": description,
            }
        )
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.batch_item_body_metadata import BatchItemBodyMetadata

        d = dict(src_dict)
        key = d.pop("key")

        amount = d.pop("amount")

        description = d.pop("description")

        _metadata = d.pop("metadata", UNSET)
        metadata: BatchItemBodyMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = BatchItemBodyMetadata.from_dict(_metadata)

        batch_item_body = cls(
            key=key,
            amount=amount,
            description=description,
            metadata=metadata,
        )

        return batch_item_body
