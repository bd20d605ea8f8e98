"""`person-export`: everything that is kept about a user, as one JSON document."""

import json
from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from ops import opened
from ops.errors import CannotRunError
from topup.domain import times
from topup.store import attributes, credit_items, hold_items, order_items, persons, scans
from topup.store.attributes import Item

# The parts of the document, by how the keys of their records begin.
PARTS = {
    "wallet": (credit_items.WALLET,),
    "ledger": (credit_items.ENTRY,),
    "lots": (credit_items.LOT, credit_items.EMPTY_LOT),
    "holds": (hold_items.OPEN_HOLD, hold_items.HOLD),
    "reversed_spends": (credit_items.REVERSED_SPEND,),
    "claw_backs": (credit_items.CLAWBACK,),
    "timers": (credit_items.TIMER,),
    "campaigns": (credit_items.CAMPAIGN,),
    "requests": (credit_items.MARKER, credit_items.PENDING),
}
ELSEWHERE = (
    "Stripe: customers, payments, refunds and disputes, with names, addresses and cards (Dashboard, Customers)",
    "the functions' logs, for as long as LogRetentionDays says: ids, and a hash of the user's id",
    "backups of the tables of the last 35 days, copies made with `make export`, and imported files",
    "failed expiries and events in the stack's buckets, for 90 days, and the event bus's archive if there is one",
    "your own systems: those that got events, and those that sent descriptions and metadata",
)


def run(options: Namespace) -> int:
    if not options.user:
        raise CannotRunError("name the user: --user ID (make: USER=)")
    with opened.stack(options, with_stripe=False) as now:
        found = document(options.user)
        moment = times.to_text(now())
    if not found["payments"] and not any(found[part] for part in (*PARTS, "others")):
        raise CannotRunError(f"nothing is stored about {options.user}: check the id, in capitals and small letters too")
    about = {"user_id": options.user, "exported_at": moment, **found, "also_kept": ELSEWHERE}
    print(json.dumps(about, indent=2, ensure_ascii=False))
    return 0


def document(user_id: str) -> dict[str, Any]:
    """Every record of the user's, in the order of its keys, by its kind; and every payment."""
    parts: dict[str, list[Any]] = {part: [] for part in (*PARTS, "others")}
    for item in persons.credits_of(user_id):
        parts[_part_of(item["record"]["S"])].append(attributes.from_item(item))
    payments = [_payment(scans.payment_records(payment_id)) for payment_id in persons.payments_of(user_id)]
    return {**parts, "payments": [payment for payment in payments if payment["order"].get("user_id") == user_id]}


def _part_of(record: str) -> str:
    return next((part for part, prefixes in PARTS.items() if record.startswith(prefixes)), "others")


def _payment(records: Iterable[Item]) -> dict[str, Any]:
    plain = [attributes.from_item(item) for item in records]
    is_order = [one for one in plain if one["record"] == order_items.ORDER]
    others = [one for one in plain if one["record"] != order_items.ORDER]
    return {"order": is_order[0] if is_order else {}, "refunds_and_disputes": others}
