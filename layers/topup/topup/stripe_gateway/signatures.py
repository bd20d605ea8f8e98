"""Verify webhook signatures, as Stripe's library does (docs.stripe.com/webhooks, "Verify webhook signatures manually").

Without the library: loading it takes longer than everything else that a webhook does. tests/properties compares both.
"""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from topup.domain.errors import InvalidEvent, InvalidJson, InvalidSignature
from topup.runtime import config
from topup.runtime.telemetry import count, logger
from topup.stripe_gateway import parsing

SIGNATURE_TOLERANCE = 300  # seconds, to either side
SCHEME = "v1"


def verified_event(body: bytes, signature: str | None, now: datetime) -> Mapping[str, Any]:
    """The event in a webhook's exact bytes, if Stripe signed it; raises InvalidSignature, InvalidJson, InvalidEvent."""
    header = signature or ""
    if not _is_signed_by_stripe(body, header) or not _is_recent(header, now):
        count("InvalidSignature")
        raise InvalidSignature
    try:
        event = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise InvalidJson("The event is not valid JSON") from None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise InvalidEvent
    if event.get("object") != "event":
        raise _no_snapshot(event)
    return event


def _no_snapshot(event: Mapping[str, Any]) -> InvalidEvent:
    """The error for an event without the object that it is about, which is what some destinations send."""
    name = parsing.message(event.get("object"))
    logger.error("not a snapshot event", event_id=parsing.message(event.get("id")), object=name)
    return InvalidEvent(f"The body is a {name}, not an event: the destination must send snapshot payloads")


def _is_signed_by_stripe(body: bytes, header: str) -> bool:
    """A secret that is not known may have been stored a moment ago, so that the stored ones are read again."""
    known = config.webhook_secrets()
    return any(is_signed(body, header, secret) for secret in known) or any(
        is_signed(body, header, secret) for secret in config.webhook_secrets(look_again=True) if secret not in known
    )


def is_signed(body: bytes, header: str, secret: str) -> bool:
    """Whether one of the header's signatures is this secret's, of the body and the header's date: `t=…,v1=…,v1=…`."""
    try:
        body.decode()  # what Stripe sends is UTF-8
        parts = _parts(header)
        signed = f"{_signed_at(parts)}.".encode() + body
        made = hmac.new(secret.encode(), signed, "sha256").hexdigest()
        signatures = [part[1] for part in parts if part[0] == SCHEME]
        return any(hmac.compare_digest(made, signature) for signature in signatures)
    except (ValueError, IndexError, TypeError):
        # Bytes that are no UTF-8; a part without a value, or a date that is no number; a signature with other letters.
        return False


def _is_recent(header: str, now: datetime) -> bool:
    """Stripe's library refuses only what is too old, by its own clock; this refuses a date in the future as well."""
    return abs(_signed_at(_parts(header)) - now.timestamp()) <= SIGNATURE_TOLERANCE


def _parts(header: str) -> list[list[str]]:
    return [part.split("=", 2) for part in header.split(",")]


def _signed_at(parts: list[list[str]]) -> int:
    """Epoch seconds; the first date counts. Raises IndexError, ValueError."""
    dates = [part[1] for part in parts if part[0] == "t"]
    return int(dates[0])
