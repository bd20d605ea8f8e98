from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.hold_receipt_overrun import HoldReceiptOverrun
from ..models.hold_receipt_status import HoldReceiptStatus

if TYPE_CHECKING:
    from ..models.hold_receipt_metadata import HoldReceiptMetadata


T = TypeVar("T", bound="HoldReceipt")


@_attrs_define
class HoldReceipt:
    """A hold after the request, and what is available then.

    Attributes:
        hold_id (str): Opaque; it names the user too
        user_id (str): The user's id: the `sub` of their token
        amount (int): All that has been reserved by it
        held (int): What it reserves now
        captured (int): What captures have taken in all
        shortfall (int): What captures asked for and could not take
        status (HoldReceiptStatus): Where the hold stands
        overrun (HoldReceiptOverrun): What captures do about more than is held
        ends_at (datetime.datetime): When it ends by itself, in UTC
        created_at (datetime.datetime): When it began, in UTC
        description (str): What it was for, as the user reads it
        metadata (HoldReceiptMetadata): What the caller has noted with it
        available_after (int): What may be spent or held after this request, as it was then
    """

    hold_id: str
    user_id: str
    amount: int
    held: int
    captured: int
    shortfall: int
    status: HoldReceiptStatus
    overrun: HoldReceiptOverrun
    ends_at: datetime.datetime
    created_at: datetime.datetime
    description: str
    metadata: HoldReceiptMetadata
    available_after: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        hold_id = self.hold_id

        user_id = self.user_id

        amount = self.amount

        held = self.held

        captured = self.captured

        shortfall = self.shortfall

        status = self.status.value

        overrun = self.overrun.value

        ends_at = self.ends_at.isoformat()

        created_at = self.created_at.isoformat()

        description = self.description

        metadata = self.metadata.to_dict()

        available_after = self.available_after

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "hold_id": hold_id,
                "user_id": user_id,
                "amount": amount,
                "held": held,
                "captured": captured,
                "shortfall": shortfall,
                "status": status,
                "overrun": overrun,
                "ends_at": ends_at,
                "created_at": created_at,
                "description": description,
                "metadata": metadata,
                "available_after": available_after,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.hold_receipt_metadata import HoldReceiptMetadata

        d = dict(src_dict)
        hold_id = d.pop("hold_id")

        user_id = d.pop("user_id")

        amount = d.pop("amount")

        held = d.pop("held")

        captured = d.pop("captured")

        shortfall = d.pop("shortfall")

        status = HoldReceiptStatus(d.pop("status"))

        overrun = HoldReceiptOverrun(d.pop("overrun"))

        ends_at = datetime.datetime.fromisoformat(d.pop("ends_at"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        description = d.pop("description")

        metadata = HoldReceiptMetadata.from_dict(d.pop("metadata"))

        available_after = d.pop("available_after")

        hold_receipt = cls(
            hold_id=hold_id,
            user_id=user_id,
            amount=amount,
            held=held,
            captured=captured,
            shortfall=shortfall,
            status=status,
            overrun=overrun,
            ends_at=ends_at,
            created_at=created_at,
            description=description,
            metadata=metadata,
            available_after=available_after,
        )

        hold_receipt.additional_properties = d
        return hold_receipt

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
