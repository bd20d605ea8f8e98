"""Holds as DynamoDB items: an open one is read with the lots by every spend, one that has ended is out of the way."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from topup.domain import times
from topup.domain.holds import Hold, HoldStatus, Overrun, Terms
from topup.store import attributes
from topup.store.attributes import Item

# Between LOT# and WALLET.
OPEN_HOLD = "OPENHOLD#"
HOLD = "HOLD#"

_KEYS = {"user_id", "record", "due_shard", "due_at"}


def hold_record(hold: Hold) -> str:
    """Where a hold is stored: by its end while nobody has ended it, by its id afterwards."""
    if hold.status is HoldStatus.OPEN:
        return f"{OPEN_HOLD}{times.to_text(hold.ends_at)}#{hold.hold_id}"
    return ended_hold_record(hold.hold_id)


def ended_hold_record(hold_id: str) -> str:
    return f"{HOLD}{hold_id}"


def hold_key(hold: Hold) -> Item:
    return attributes.to_item({"user_id": hold.user_id, "record": hold_record(hold)})


def hold_to_item(hold: Hold) -> Item:
    return dict(hold.unknown) | hold_key(hold) | attributes.to_item(hold_fields(hold))


def hold_fields(hold: Hold) -> dict[str, Any]:
    """All fields of a hold's item but its key."""
    is_open = hold.status is HoldStatus.OPEN
    return {
        "hold_id": hold.hold_id,
        "status": hold.status.value,
        "amount": hold.amount,
        "used": hold.used,
        "captured": hold.captured,
        "shortfall": hold.shortfall or None,
        "is_closed": hold.is_closed or None,
        "earlier": [_terms_fields(terms) for terms in hold.earlier] or None,
        "overrun": hold.overrun.value,
        "ends_at": times.to_text(hold.ends_at),
        "actor": hold.actor,
        "description": hold.description,
        "metadata": dict(hold.metadata) or None,
        "created_at": times.to_sortable_text(hold.created_at),
        # What puts the hold into the index `due`, as for lots.
        "due_shard": hold.hold_id[0] if is_open else None,
        "due_at": times.to_text(hold.ends_at) if is_open else None,
    }


def hold_from_item(item: Mapping[str, Any]) -> Hold:
    fields = attributes.from_item(item)
    hold = hold_from_fields(fields["user_id"], fields)
    known = _KEYS | hold_fields(hold).keys()
    unknown = {name: value for name, value in item.items() if name not in known}
    return replace(hold, unknown=unknown)


def hold_from_fields(user_id: str, fields: Mapping[str, Any]) -> Hold:
    return Hold(
        hold_id=fields["hold_id"],
        user_id=user_id,
        status=HoldStatus(fields["status"]),
        amount=fields["amount"],
        used=fields["used"],
        captured=fields["captured"],
        shortfall=fields.get("shortfall", 0),
        is_closed=fields.get("is_closed", False),
        earlier=tuple(_terms_from_fields(terms) for terms in fields.get("earlier", ())),
        overrun=Overrun(fields["overrun"]),
        ends_at=times.from_text(fields["ends_at"]),
        actor=fields["actor"],
        description=fields["description"],
        metadata=fields.get("metadata", {}),
        created_at=times.from_text(fields["created_at"]),
    )


def _terms_fields(terms: Terms) -> dict[str, Any]:
    until, ends_at = times.to_sortable_text(terms.until), times.to_text(terms.ends_at)
    return {"until": until, "left": terms.left, "ends_at": ends_at}


def _terms_from_fields(fields: Mapping[str, Any]) -> Terms:
    until, ends_at = times.from_text(fields["until"]), times.from_text(fields["ends_at"])
    return Terms(until=until, left=fields["left"], ends_at=ends_at)
