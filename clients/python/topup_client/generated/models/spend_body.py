from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.spend_body_metadata import SpendBodyMetadata


T = TypeVar("T", bound="SpendBody")


@_attrs_define
class SpendBody:
    """POST /api/users/credits/spend.

    Attributes:
        user_id (str): The user's id: the `sub` of their token
        amount (int): How many credits to spend
        description (str): What it was for, as the user reads it
        metadata (SpendBodyMetadata | Unset): What the caller has noted with it
    """

    user_id: str
    amount: int
    description: str
    metadata: SpendBodyMetadata | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        user_id = self.user_id

        amount = self.amount

        description = self.description

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user_id": user_id,
                "amount": amount,
                "description": description,
            }
        )
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.spend_body_metadata import SpendBodyMetadata

        d = dict(src_dict)
        user_id = d.pop("user_id")

        amount = d.pop("amount")

        description = d.pop("description")

        _metadata = d.pop("metadata", UNSET)
        metadata: SpendBodyMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = SpendBodyMetadata.from_dict(_metadata)

        spend_body = cls(
            user_id=user_id,
            amount=amount,
            description=description,
            metadata=metadata,
        )

        return spend_body
