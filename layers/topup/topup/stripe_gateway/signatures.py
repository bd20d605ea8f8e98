"""Verify webhook signatures."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stripe import SignatureVerificationError, WebhookSignature

from topup.domain.errors import InvalidEvent, InvalidJson, InvalidSignature
from topup.runtime import config
from topup.runtime.telemetry import count, logger
from topup.stripe_gateway import parsing

SIGNATURE_TOLERANCE = 300  # seconds, to either side


def verified_event(body: bytes, signature: str | None, now: datetime) -> Mapping[str, Any]:
    """The event in a webhook's exact bytes, if Stripe signed it; raises InvalidSignature, InvalidJson, InvalidEvent."""
    if not _is_signed_by_stripe(body, signature) or not _is_recent(signature or "", now):
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


def _is_signed_by_stripe(body: bytes, signature: str | None) -> bool:
    """A secret that is not known may have been stored a moment ago, so that the stored ones are read again."""
    known = config.webhook_secrets()
    return any(_is_signed(body, signature, secret) for secret in known) or any(
        _is_signed(body, signature, secret) for secret in config.webhook_secrets(look_again=True) if secret not in known
    )


def _is_signed(body: bytes, signature: str | None, secret: str) -> bool:
    try:
        return bool(WebhookSignature.verify_header(body, signature, secret))
    except (SignatureVerificationError, UnicodeDecodeError, TypeError):
        # The library expects a UTF-8 body and an ASCII header, and raises these for anything else.
        return False


def _is_recent(signature: str, now: datetime) -> bool:
    """The library refuses only what is too old, by its own clock; this refuses a date in the future as well.

    The header is split as the library splits it, so that this is the date that was signed.
    """
    parts = [part.split("=", 2) for part in signature.split(",")]
    signed_at = int(next(part[1] for part in parts if part[0] == "t"))
    return abs(signed_at - now.timestamp()) <= SIGNATURE_TOLERANCE
