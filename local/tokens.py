"""Tokens that the local API accepts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt

LIFETIME = timedelta(days=30)


def mint(values: Mapping[str, str], user_id: str, now: datetime, **claims: Any) -> str:
    """A token signed with JWT_SECRET; `claims` add to or replace its own."""
    payload: dict[str, Any] = {"sub": user_id, "iat": now, "exp": now + LIFETIME}
    for claim, setting in (("iss", "JWT_ISSUER"), ("aud", "JWT_AUDIENCE")):
        if values.get(setting):
            payload[claim] = values[setting]
    return jwt.encode(payload | claims, values["JWT_SECRET"], algorithm="HS256")


def mint_admin(values: Mapping[str, str], user_id: str, now: datetime) -> str:
    claim = values.get("ADMIN_CLAIM", "role")
    return mint(values, user_id, now, **{claim: values.get("ADMIN_VALUE", "admin")})


def mint_support(values: Mapping[str, str], user_id: str, now: datetime) -> str:
    claim = values.get("ADMIN_CLAIM", "role")
    return mint(values, user_id, now, **{claim: values.get("SUPPORT_VALUE", "support")})
