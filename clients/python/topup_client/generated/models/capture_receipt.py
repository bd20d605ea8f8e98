from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.capture_receipt_overrun import CaptureReceiptOverrun
from ..models.capture_receipt_status import CaptureReceiptStatus

if TYPE_CHECKING:
    from ..models.capture_receipt_metadata import CaptureReceiptMetadata


T = TypeVar("T", bound="CaptureReceipt")


@_attrs_define
class CaptureReceipt:
    """A capture that has happened; `shortfall` is what this one could not take, `late` says that the hold was over.

    Attributes:
        hold_id (str): Opaque; it names the user too
        user_id (str): The user's id: the `sub` of their token
        amount (int): All that has been reserved by it
        held (int): What it reserves now
        captured (int): What captures have taken in all
        shortfall (int): What this capture asked for and could not take
        status (CaptureReceiptStatus): Where the hold stands
        overrun (CaptureReceiptOverrun): What captures do about more than is held
        ends_at (datetime.datetime): When it ends by itself, in UTC
        created_at (datetime.datetime): When it began, in UTC
        description (str): What it was for, as the user reads it
        metadata (CaptureReceiptMetadata): What the caller has noted with it
        available_after (int): What may be spent or held after this request, as it was then
        transaction_id (None | UUID): The id of the ledger entry; null where nothing was taken
        amount_captured (int): What this capture has taken
        balance_after (int): The balance after this change, as it was then
        late (bool): Whether the hold was over, so that what was taken was not reserved any more
    """

    hold_id: str
    user_id: str
    amount: int
    held: int
    captured: int
    shortfall: int
    status: CaptureReceiptStatus
    overrun: CaptureReceiptOverrun
    ends_at: datetime.datetime
    created_at: datetime.datetime
    description: str
    metadata: CaptureReceiptMetadata
    available_after: int
    transaction_id: None | UUID
    amount_captured: int
    balance_after: int
    late: bool
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

        transaction_id: None | str
        if isinstance(self.transaction_id, UUID):
            transaction_id = str(self.transaction_id)
        else:
            transaction_id = self.transaction_id

        amount_captured = self.amount_captured

        balance_after = self.balance_after

        late = self.late

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
                "transaction_id": transaction_id,
                "amount_captured": amount_captured,
                "balance_after": balance_after,
                "late": late,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.capture_receipt_metadata import CaptureReceiptMetadata

        d = dict(src_dict)
        hold_id = d.pop("hold_id")

        user_id = d.pop("user_id")

        amount = d.pop("amount")

        held = d.pop("held")

        captured = d.pop("captured")

        shortfall = d.pop("shortfall")

        status = CaptureReceiptStatus(d.pop("status"))

        overrun = CaptureReceiptOverrun(d.pop("overrun"))

        ends_at = datetime.datetime.fromisoformat(d.pop("ends_at"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        description = d.pop("description")

        metadata = CaptureReceiptMetadata.from_dict(d.pop("metadata"))

        available_after = d.pop("available_after")

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

        amount_captured = d.pop("amount_captured")

        balance_after = d.pop("balance_after")

        late = d.pop("late")

        capture_receipt = cls(
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
            transaction_id=transaction_id,
            amount_captured=amount_captured,
            balance_after=balance_after,
            late=late,
        )

        capture_receipt.additional_properties = d
        return capture_receipt

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
