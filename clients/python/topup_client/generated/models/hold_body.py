from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

from ..models.hold_body_overrun import HoldBodyOverrun
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.hold_body_metadata import HoldBodyMetadata


T = TypeVar("T", bound="HoldBody")


@_attrs_define
class HoldBody:
    """POST /api/users/credits/holds.

    Attributes:
        user_id (str): The user's id: the `sub` of their token
        amount (int): How many credits to reserve
        description (str): What it was for, as the user reads it
        ttl_seconds (int | Unset): How many seconds the credits are reserved; absent = 900
        overrun (HoldBodyOverrun | Unset): What a capture does about more than is held: take what is `available` besides
            (which is so where this is absent), `refuse`, or take that and let the user owe the rest (`debt`)
        metadata (HoldBodyMetadata | Unset): What the caller has noted with it
    """

    user_id: str
    amount: int
    description: str
    ttl_seconds: int | Unset = UNSET
    overrun: HoldBodyOverrun | Unset = UNSET
    metadata: HoldBodyMetadata | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        user_id = self.user_id

        amount = self.amount

        description = self.description

        ttl_seconds = self.ttl_seconds

        overrun: str | Unset = UNSET
        if not isinstance(self.overrun, Unset):
            overrun = self.overrun.value

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
        if ttl_seconds is not UNSET:
            field_dict["ttl_seconds"] = ttl_seconds
        if overrun is not UNSET:
            field_dict["overrun"] = overrun
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.hold_body_metadata import HoldBodyMetadata

        d = dict(src_dict)
        user_id = d.pop("user_id")

        amount = d.pop("amount")

        description = d.pop("description")

        ttl_seconds = d.pop("ttl_seconds", UNSET)

        _overrun = d.pop("overrun", UNSET)
        overrun: HoldBodyOverrun | Unset
        if isinstance(_overrun, Unset):
            overrun = UNSET
        else:
            overrun = HoldBodyOverrun(_overrun)

        _metadata = d.pop("metadata", UNSET)
        metadata: HoldBodyMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = HoldBodyMetadata.from_dict(_metadata)

        hold_body = cls(
            user_id=user_id,
            amount=amount,
            description=description,
            ttl_seconds=ttl_seconds,
            overrun=overrun,
            metadata=metadata,
        )

        return hold_body
