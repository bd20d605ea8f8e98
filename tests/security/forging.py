"""An attacker's tokens and webhooks: any content, signed with any key."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Mapping
from typing import Any

from local.client import session_of

_numbers = itertools.count(1)


def segment(value: Any) -> str:
    """One part of a token: bytes and text as they are, anything else as JSON."""
    raw = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(header: Any, claims: Any, key: bytes, digest: str = "sha256") -> str:
    """A token with any header and claims and a valid HMAC signature."""
    signed_part = f"{segment(header)}.{segment(claims)}"
    return f"{signed_part}.{segment(hmac.digest(key, signed_part.encode(), digest))}"


def signed(body: bytes, *secrets: str, age: float = 0, scheme: str = "v1") -> str:
    """A Stripe-Signature `age` seconds old, with one signature for each secret (Stripe docs, "Verify manually")."""
    at = int(time.time() - age)
    digests = [hmac.new(key.encode(), b"%d." % at + body, hashlib.sha256).hexdigest() for key in secrets]
    return ",".join([f"t={at}", *(f"{scheme}={digest}" for digest in digests)])


def as_stripe_writes(value: Any) -> bytes:
    """JSON as Stripe formats it: indented, with non-ASCII letters unescaped."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def event(kind: str, subject: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Stripe API: event object."""
    return {
        "id": f"evt_attack_{next(_numbers)}",
        "object": "event",
        "type": kind,
        "livemode": subject.get("livemode", False),
        "data": {"object": dict(subject)},
    } | changes


def session(payment: Mapping[str, Any], user_id: str, stack_name: str, **changes: Any) -> dict[str, Any]:
    """Stripe API: a paid Checkout Session for a payment that was just created."""
    return {
        "id": session_of(payment),
        "object": "checkout.session",
        "status": "complete",
        "payment_status": "paid",
        "amount_subtotal": round(float(payment["amount"]) * 100),
        "amount_total": round(float(payment["amount"]) * 100),
        "currency": str(payment["currency"]).lower(),
        "livemode": False,
        "client_reference_id": payment["payment_id"],
        "payment_intent": f"pi_attack_{next(_numbers)}",
        "metadata": {"order_id": payment["payment_id"], "user_id": user_id, "topup_stack": stack_name},
    } | changes
