from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.batch_item_body import BatchItemBody


T = TypeVar("T", bound="BatchBody")


@_attrs_define
class BatchBody:
    """POST /api/users/credits/spend/batch: all of the spends or none.

    Attributes:
        user_id (str): The user's id: the `sub` of their token
        items (list[BatchItemBody]): The spends: 1 to 40
    """

    user_id: str
    items: list[BatchItemBody]

    def to_dict(self) -> dict[str, Any]:
        user_id = self.user_id

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user_id": user_id,
                "items": items,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.batch_item_body import BatchItemBody

        d = dict(src_dict)
        user_id = d.pop("user_id")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = BatchItemBody.from_dict(items_item_data)

            items.append(items_item)

        batch_body = cls(
            user_id=user_id,
            items=items,
        )

        return batch_body
