from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.moved_lot import MovedLot
    from ..models.transaction_metadata import TransactionMetadata


T = TypeVar("T", bound="Transaction")


@_attrs_define
class Transaction:
    """One change of a user's credits; `actor` and `reason` are for services, administrators and support staff alone.

    Attributes:
        id (UUID): The id of this change
        transaction_type (str): Why a user's credits changed.
        amount (int): The change: positive for credits that came in, negative for those that left
        balance_after (int): The balance after this change, as it was then
        payment_order_id (None | UUID): The payment that it belongs to; null where there is none
        description (str): What it was for, as the user reads it
        package (None | str): A package's id, for pages to name it; it may be off sale by now
        metadata (TransactionMetadata): What the caller has noted with it
        hold_id (None | str): Opaque; it names the user too
        reverses (None | UUID): The spend that this entry gives back
        expires_at (datetime.datetime | None): When the credits that came in expire, in UTC; null for other changes, and
            for never
        is_expired (bool): Whether `expires_at` is past
        created_at (datetime.datetime): When it happened, in UTC
        actor (str | Unset): Who changed the credits: `user:…`, `admin:…`, `service:…`, `stripe` or `system`. For staff
        reason (None | str | Unset): Why, as an administrator said it; null where nobody did. For staff
        lots (list[MovedLot] | Unset): Only with `explain=true`: which lots the credits were taken from or came to,
            soonest expiry first. Their amounts add up to `amount`, but for what became debt or paid some
        package_name (None | str | Unset): The package's name in the language `lang`; absent without `lang`, null
            without a payment
    """

    id: UUID
    transaction_type: str
    amount: int
    balance_after: int
    payment_order_id: None | UUID
    description: str
    package: None | str
    metadata: TransactionMetadata
    hold_id: None | str
    reverses: None | UUID
    expires_at: datetime.datetime | None
    is_expired: bool
    created_at: datetime.datetime
    actor: str | Unset = UNSET
    reason: None | str | Unset = UNSET
    lots: list[MovedLot] | Unset = UNSET
    package_name: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        transaction_type = self.transaction_type

        amount = self.amount

        balance_after = self.balance_after

        payment_order_id: None | str
        if isinstance(self.payment_order_id, UUID):
            payment_order_id = str(self.payment_order_id)
        else:
            payment_order_id = self.payment_order_id

        description = self.description

        package: None | str
        package = self.package

        metadata = self.metadata.to_dict()

        hold_id: None | str
        hold_id = self.hold_id

        reverses: None | str
        if isinstance(self.reverses, UUID):
            reverses = str(self.reverses)
        else:
            reverses = self.reverses

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        is_expired = self.is_expired

        created_at = self.created_at.isoformat()

        actor = self.actor

        reason: None | str | Unset
        if isinstance(self.reason, Unset):
            reason = UNSET
        else:
            reason = self.reason

        lots: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.lots, Unset):
            lots = []
            for lots_item_data in self.lots:
                lots_item = lots_item_data.to_dict()
                lots.append(lots_item)

        package_name: None | str | Unset
        if isinstance(self.package_name, Unset):
            package_name = UNSET
        else:
            package_name = self.package_name

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "transaction_type": transaction_type,
                "amount": amount,
                "balance_after": balance_after,
                "payment_order_id": payment_order_id,
                "description": description,
                "package": package,
                "metadata": metadata,
                "hold_id": hold_id,
                "reverses": reverses,
                "expires_at": expires_at,
                "is_expired": is_expired,
                "created_at": created_at,
            }
        )
        if actor is not UNSET:
            field_dict["actor"] = actor
        if reason is not UNSET:
            field_dict["reason"] = reason
        if lots is not UNSET:
            field_dict["lots"] = lots
        if package_name is not UNSET:
            field_dict["package_name"] = package_name

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.moved_lot import MovedLot
        from ..models.transaction_metadata import TransactionMetadata

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        transaction_type = d.pop("transaction_type")

        amount = d.pop("amount")

        balance_after = d.pop("balance_after")

        def _parse_payment_order_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                payment_order_id_type_0 = UUID(data)

                return payment_order_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        payment_order_id = _parse_payment_order_id(d.pop("payment_order_id"))

        description = d.pop("description")

        def _parse_package(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        package = _parse_package(d.pop("package"))

        metadata = TransactionMetadata.from_dict(d.pop("metadata"))

        def _parse_hold_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        hold_id = _parse_hold_id(d.pop("hold_id"))

        def _parse_reverses(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                reverses_type_0 = UUID(data)

                return reverses_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        reverses = _parse_reverses(d.pop("reverses"))

        def _parse_expires_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        expires_at = _parse_expires_at(d.pop("expires_at"))

        is_expired = d.pop("is_expired")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        actor = d.pop("actor", UNSET)

        def _parse_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        reason = _parse_reason(d.pop("reason", UNSET))

        _lots = d.pop("lots", UNSET)
        lots: list[MovedLot] | Unset = UNSET
        if _lots is not UNSET:
            lots = []
            for lots_item_data in _lots:
                lots_item = MovedLot.from_dict(lots_item_data)

                lots.append(lots_item)

        def _parse_package_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        package_name = _parse_package_name(d.pop("package_name", UNSET))

        transaction = cls(
            id=id,
            transaction_type=transaction_type,
            amount=amount,
            balance_after=balance_after,
            payment_order_id=payment_order_id,
            description=description,
            package=package,
            metadata=metadata,
            hold_id=hold_id,
            reverses=reverses,
            expires_at=expires_at,
            is_expired=is_expired,
            created_at=created_at,
            actor=actor,
            reason=reason,
            lots=lots,
            package_name=package_name,
        )

        transaction.additional_properties = d
        return transaction

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
