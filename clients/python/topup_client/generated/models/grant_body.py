from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="GrantBody")


@_attrs_define
class GrantBody:
    """POST /api/admin/credits/grant; `expires_at` null = never, absent = the configured months.

    Attributes:
        user_id (str): The user's id: the `sub` of their token
        credits_ (int): How many credits to give
        reason (str): Why; administrators read it with the entry
        expires_at (datetime.datetime | None | Unset): When they expire (RFC 3339 with its offset); null = never, absent
            = after the configured months
        campaign (None | str | Unset): With it, a user gets these credits once, whatever the key: the campaign's name
    """

    user_id: str
    credits_: int
    reason: str
    expires_at: datetime.datetime | None | Unset = UNSET
    campaign: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        user_id = self.user_id

        credits_ = self.credits_

        reason = self.reason

        expires_at: None | str | Unset
        if isinstance(self.expires_at, Unset):
            expires_at = UNSET
        elif isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        campaign: None | str | Unset
        if isinstance(self.campaign, Unset):
            campaign = UNSET
        else:
            campaign = self.campaign

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user_id": user_id,
                "credits": credits_,
                "reason": reason,
            }
        )
        if expires_at is not UNSET:
            field_dict["expires_at"] = expires_at
        if campaign is not UNSET:
            field_dict["campaign"] = campaign

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        user_id = d.pop("user_id")

        credits_ = d.pop("credits")

        reason = d.pop("reason")

        def _parse_expires_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        expires_at = _parse_expires_at(d.pop("expires_at", UNSET))

        def _parse_campaign(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        campaign = _parse_campaign(d.pop("campaign", UNSET))

        grant_body = cls(
            user_id=user_id,
            credits_=credits_,
            reason=reason,
            expires_at=expires_at,
            campaign=campaign,
        )

        return grant_body
