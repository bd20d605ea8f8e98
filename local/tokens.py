"""Tokens and keys that the local API accepts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt

from topup.runtime.secret_values import DEFAULT_SCOPES, api_keys, listed

LIFETIME = timedelta(days=30)


def mint(values: Mapping[str, str], user_id: str, now: datetime, **claims: Any) -> str:
    """A token signed with the first JWT_SECRET; `claims` add to or replace its own."""
    payload: dict[str, Any] = {"sub": user_id, "iat": now, "exp": now + LIFETIME}
    if values.get("JWT_ISSUER"):
        payload["iss"] = values["JWT_ISSUER"]
    if audiences := listed(values.get("JWT_AUDIENCE", "")):
        payload["aud"] = audiences[0]
    return jwt.encode(payload | claims, listed(values["JWT_SECRET"])[0], algorithm="HS256")


def mint_admin(values: Mapping[str, str], user_id: str, now: datetime, **claims: Any) -> str:
    return _mint_with_role(values, user_id, now, values.get("ADMIN_VALUE") or "admin", **claims)


def mint_support(values: Mapping[str, str], user_id: str, now: datetime, **claims: Any) -> str:
    return _mint_with_role(values, user_id, now, values.get("SUPPORT_VALUE") or "support", **claims)


def _mint_with_role(values: Mapping[str, str], user_id: str, now: datetime, role: str, **claims: Any) -> str:
    """The claim is at the top, also where ADMIN_CLAIM is a path: a claim of that name is looked for first."""
    is_list = values.get("ADMIN_CLAIM_IS_LIST") == "true"
    return mint(values, user_id, now, **claims, **{values.get("ADMIN_CLAIM") or "role": [role] if is_list else role})


def service_key(values: Mapping[str, str]) -> str:
    """The first key of PROXY_API_KEY that may do what one without a name may, else the first; empty without one."""
    keys = api_keys(values["PROXY_API_KEY"])
    return next((one.key for one in keys if one.scopes >= DEFAULT_SCOPES), keys[0].key if keys else "")
