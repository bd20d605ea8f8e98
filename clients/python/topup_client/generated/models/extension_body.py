from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ExtensionBody")


@_attrs_define
class ExtensionBody:
    """POST /api/users/credits/holds/{hold_id}/extend; `ttl_seconds` from now on, `add` credits.

    Attributes:
        ttl_seconds (int | Unset): How many seconds from now the hold is to last at least; absent = 900
        add (int | Unset): How many more credits to reserve; absent = none
    """

    ttl_seconds: int | Unset = UNSET
    add: int | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        ttl_seconds = self.ttl_seconds

        add = self.add

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if ttl_seconds is not UNSET:
            field_dict["ttl_seconds"] = ttl_seconds
        if add is not UNSET:
            field_dict["add"] = add

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        ttl_seconds = d.pop("ttl_seconds", UNSET)

        add = d.pop("add", UNSET)

        extension_body = cls(
            ttl_seconds=ttl_seconds,
            add=add,
        )

        return extension_body
