"""What an order's reversals have out, as a DynamoDB item beside its user's lots, and the writes of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from topup.domain import times
from topup.domain.takings import Clawback, ClawbackAddition, Taking
from topup.runtime import config
from topup.store.attributes import Item, from_item, to_item
from topup.store.credit_items import CLAWBACK, NEVER

SECOND = timedelta(seconds=1)
NO_END = -1  # the life that a lot without expiry had left


def clawback_record(payment_id: str) -> str:
    return f"{CLAWBACK}{payment_id}"


def clawback_from_item(item: Mapping[str, Any]) -> Clawback:
    fields = from_item(item)
    return Clawback(
        payment_id=fields["record"].removeprefix(CLAWBACK),
        takings=tuple(_taking_from_fields(taking) for taking in fields.get("takings", ())),
        owed=fields.get("owed", 0),
        continued_by={one["lot_id"]: _moment(one["expires_at"]) for one in fields.get("continued_by", ())},
        reversed_minor=fields.get("reversed_minor"),
        # The order's own changes begin it; another order's change may have written what continues its lot before that.
        is_whole="takings" in fields,
    )


def set_clawback(user_id: str, clawback: Clawback) -> Any:
    """The write of all that is out; the wallet's condition implies that it is as it was read."""
    values = {
        ":takings": _takings(clawback.takings),
        ":owed": clawback.owed,
        ":continued_by": _continued_by(clawback.continued_by),
        ":reversed_minor": clawback.reversed_minor,
    }
    return {
        "Update": {
            "TableName": config.settings().credits_table,
            "Key": _key(user_id, clawback.payment_id),
            "UpdateExpression": "SET takings = :takings, owed = :owed, continued_by = :continued_by,"
            " reversed_minor = :reversed_minor",
            "ExpressionAttributeValues": to_item(values),
        }
    }


def add_to_clawback(user_id: str, addition: ClawbackAddition) -> Any:
    """The write that adds to an order's claw-back what another order's change does to it.

    A debt that is paid has been recorded, together with all that the order has out. Lots that continue the order's own
    may come without that.
    """
    updates: list[str] = []
    values: dict[str, Any] = {":none": []}
    if addition.continued_by:
        updates.append("continued_by = list_append(if_not_exists(continued_by, :none), :continued_by)")
        values |= {":continued_by": _continued_by(addition.continued_by)}
    if addition.repaid:
        # A record that is not there must not keep anybody from buying: the audit finds that it is wrong.
        updates.append("takings = list_append(if_not_exists(takings, :none), :repaid)")
        updates.append("owed = if_not_exists(owed, :zero) - :credits")
        values |= {":zero": 0, ":repaid": _takings(addition.repaid), ":credits": addition.credits}
    return {
        "Update": {
            "TableName": config.settings().credits_table,
            "Key": _key(user_id, addition.payment_id),
            "UpdateExpression": "SET " + ", ".join(updates),
            "ExpressionAttributeValues": to_item(values),
        }
    }


def _key(user_id: str, payment_id: str) -> Item:
    return to_item({"user_id": user_id, "record": clawback_record(payment_id)})


def _takings(takings: Sequence[Taking]) -> list[Any]:
    return [
        {
            "lot_id": taking.lot_id,
            "expires_at": _text(taking.expires_at),
            "credits": taking.credits,
            "life": NO_END if taking.life is None else -(-taking.life // SECOND),  # whole seconds, rounded up
        }
        for taking in takings
    ]


def _taking_from_fields(fields: Mapping[str, Any]) -> Taking:
    life = fields["life"]
    return Taking(
        lot_id=fields["lot_id"],
        expires_at=_moment(fields["expires_at"]),
        credits=fields["credits"],
        life=None if life == NO_END else life * SECOND,
    )


def _continued_by(lots: Mapping[str, datetime | None]) -> list[Any]:
    return [{"lot_id": lot_id, "expires_at": _text(expires_at)} for lot_id, expires_at in lots.items()]


def _text(expires_at: datetime | None) -> str:
    return times.to_text(expires_at) if expires_at else NEVER


def _moment(text: str) -> datetime | None:
    return None if text == NEVER else times.from_text(text)
