from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.capture_body_metadata import CaptureBodyMetadata


T = TypeVar("T", bound="CaptureBody")


@_attrs_define
class CaptureBody:
    """POST /api/users/credits/holds/{hold_id}/capture; without a description the hold's own counts.

    Attributes:
        amount (int): How many credits were used
        final (bool | Unset): false = more captures will come; true or absent = the rest is available again
        description (None | str | Unset): What it was for, as the user reads it; absent = what the hold says
        metadata (CaptureBodyMetadata | Unset): What the caller has noted with it
    """

    amount: int
    final: bool | Unset = UNSET
    description: None | str | Unset = UNSET
    metadata: CaptureBodyMetadata | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount

        final = self.final

        description: None | str | Unset
        if isinstance(self.description, Unset):
            description = UNSET
        else:
            description = self.description

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "amount": amount,
            }
        )
        if final is not UNSET:
            field_dict["final"] = final
        if description is not UNSET:
            field_dict["description"] = description
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.capture_body_metadata import CaptureBodyMetadata

        d = dict(src_dict)
        amount = d.pop("amount")

        final = d.pop("final", UNSET)

        def _parse_description(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        description = _parse_description(d.pop("description", UNSET))

        _metadata = d.pop("metadata", UNSET)
        metadata: CaptureBodyMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = CaptureBodyMetadata.from_dict(_metadata)

        capture_body = cls(
            amount=amount,
            final=final,
            description=description,
            metadata=metadata,
        )

        return capture_body
