"""`make events`: docs/events.json, a JSON Schema for each of our events, and an example of each in events/published/.

Both are made by the code that publishes. The stream records of events/publish_events.json are here, too.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from local import ROOT
from local.aws.event_bus import as_targets_get_it
from topup.api import event_details
from topup.api.event_schemas import DETAILS
from topup.domain import events, idempotency
from topup.domain.credits import STRIPE, SYSTEM, Cause, Entry, TransactionType
from topup.domain.events import Event, EventType, OrderChange
from topup.domain.holds import Hold, HoldChange, HoldStatus, Overrun
from topup.domain.lots import Funding, Lot, Source
from topup.domain.orders import Order, Status
from topup.runtime import event_bus
from topup.store import credit_items, order_items

SCHEMAS = ROOT / "docs" / "events.json"
EXAMPLES = ROOT / "events" / "published"

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
USER = "user-demo"
STACK = "123456789012/us-east-1/topup-prod"
LOW_BELOW = 1000

ORDER = Order(
    payment_id=idempotency.id_from_key(USER, "events-published"),
    user_id=USER,
    package_id="standard",
    package_name="标准包",
    credits_purchased=1100,
    amount_minor=10000,
    currency="CNY",
    livemode=False,
    return_url="http://localhost:3000/",
    request_fingerprint="0",
    created_at=NOW,
)
LOT = Lot(
    lot_id=ORDER.payment_id,
    user_id=USER,
    source=Source.PURCHASE,
    funding=Funding.PAID,
    name=ORDER.package_name,
    granted=1100,
    remaining=400,
    expires_at=NOW + timedelta(days=7),
    payment_id=ORDER.payment_id,
    paid_minor=10000,
    currency="CNY",
    package="standard",
)
HOLD = Hold(
    hold_id=idempotency.id_from_key(USER, "events-published-hold"),
    user_id=USER,
    amount=200,
    used=200,
    captured=230,
    shortfall=20,
    status=HoldStatus.CAPTURED,
    ends_at=NOW + timedelta(minutes=15),
    overrun=Overrun.AVAILABLE,
    actor="service:default",
    description="Summary of a report",
    created_at=NOW,
    metadata={"job": "4711"},
)
SERVICE = {"actor": "service:default", "description": "Translation of three pages"}
PAID = {"payment_id": ORDER.payment_id, "package": "standard", "currency": "CNY"}
# Why the credits of each kind of entry change, and by how much.
CAUSES: dict[TransactionType, tuple[int, dict[str, Any]]] = {
    TransactionType.PURCHASED: (1100, {"actor": STRIPE, "description": "Package 标准包", "money_minor": 10000, **PAID}),
    TransactionType.GRANTED: (50, {"actor": "admin:alice", "description": "Granted", "reason": "Sign-up bonus"}),
    TransactionType.SPENT: (-120, {**SERVICE, "metadata": {"job": "4711"}}),
    TransactionType.SPEND_REVERSED: (20, {**SERVICE, "reason": "One page failed", "spend": 3}),
    TransactionType.EXPIRED: (-400, {"actor": SYSTEM, "description": "Expired: 标准包", "package": "standard"}),
    TransactionType.REFUNDED: (-275, {"actor": "admin:alice", "description": "Refund", "money_minor": -2500, **PAID}),
    TransactionType.REFUND_REVERSED: (275, {"actor": STRIPE, "description": "Refund failed", **PAID}),
    TransactionType.DISPUTED: (-1100, {"actor": STRIPE, "description": "Dispute", "money_minor": -10000, **PAID}),
    TransactionType.DISPUTE_REVERSED: (1100, {"actor": STRIPE, "description": "Dispute won", **PAID}),
    TransactionType.ADJUSTED: (-5, {"actor": "admin:alice", "description": "Adjusted", "reason": "Counted twice"}),
}


def schemas() -> dict[str, Any]:
    """The JSON Schema of each event's detail, by its type."""
    return {kind.value: _schema(kind) for kind in EventType}


def _schema(kind: EventType) -> dict[str, Any]:
    made = DETAILS[kind].model_json_schema(mode="serialization")
    fields = {name: _without_title(field) for name, field in made["properties"].items()}
    fields["type"] = {"const": kind.value, "description": "What has happened; also the detail-type that rules match"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.value,
        "description": made["description"],
        "type": "object",
        "properties": fields,
        "required": made["required"],  # and others may come: a listener ignores what it does not know
    }


def _without_title(field: dict[str, Any]) -> dict[str, Any]:
    """Pydantic's titles only repeat the names."""
    return {name: value for name, value in field.items() if name != "title"}


def examples() -> dict[str, dict[str, Any]]:
    """An event of each type, as EventBridge delivers it to a target, by its type."""
    return {event.event_type.value: _delivered(event) for event in _events()}


def _events() -> Iterator[Event]:
    for kind, (amount, cause) in CAUSES.items():
        yield events.of_entry(_entry(kind, amount, cause), 0)[0]
    yield events.of_entry(_entry(TransactionType.SPENT, -120, SERVICE), LOW_BELOW)[1]
    yield events.of_expiring_lot(LOT, 7, NOW)
    yield from events.of_hold(HoldChange(before=None, after=HOLD), NOW)
    for order in _orders():
        yield from events.of_order(OrderChange(before=None, after=order), NOW)


def _orders() -> Iterator[Order]:
    yield ORDER
    yield replace(ORDER, status=Status.PROCESSING)
    yield replace(ORDER, status=Status.SUCCEEDED, paid_minor=11900, tax_minor=1900)
    yield replace(ORDER, status=Status.DECLINED, error_code="card_declined")
    yield replace(ORDER, status=Status.EXPIRED)
    reason = "the session's amount is 5000, and the order's is 10000"
    yield replace(ORDER, quarantine_reason=reason, rejected_intent="pi_3Example")


def _entry(kind: TransactionType, amount: int, cause: dict[str, Any]) -> Entry:
    return Entry(
        user_id=USER,
        number=7,
        cause=Cause(transaction_type=kind, **cause),
        amount=amount,
        balance_after=1050 + amount,
        created_at=NOW,
        expires_at=LOT.expires_at if kind is TransactionType.PURCHASED else None,
    )


def _delivered(event: Event) -> dict[str, Any]:
    entry = {
        "DetailType": event.event_type.value,
        "Source": event_bus.SOURCE,
        "Resources": [STACK],
        "Time": NOW.timestamp(),
        "Detail": event_details.detail(event).model_dump_json(),
    }
    return as_targets_get_it(entry) | {"id": "17793124-05d4-b198-2fde-7ededc63b103"}


def stream_records(user_id: str, number: int, payment_id: str) -> list[dict[str, Any]]:
    """What the tables' streams say of the user's entry with this number, and of a payment that has succeeded.

    Shape: AWS Lambda, "Using Lambda with Amazon DynamoDB".
    """
    entry = credit_items.keys(user_id, [credit_items.entry_record(number)])[0]
    order = replace(ORDER, payment_id=payment_id, user_id=user_id)
    images = {
        "NewImage": order_items.order_to_item(replace(order, status=Status.SUCCEEDED, paid_minor=10000)),
        "OldImage": order_items.order_to_item(order),
    }
    return [
        _record("credits", "INSERT", 1, "OLD_IMAGE", {"Keys": entry}),
        _record("orders", "MODIFY", 2, "NEW_AND_OLD_IMAGES", {"Keys": order_items.order_key(payment_id), **images}),
    ]


def _record(table: str, name: str, number: int, view: str, change: dict[str, Any]) -> dict[str, Any]:
    return {
        "eventID": f"5d5ef36c6a4a4e3f9f3a9e0d7c7d1e{number:02}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": int(NOW.timestamp()),
            **change,
            "SequenceNumber": str(4421584500000000017450439090 + number),
            "SizeBytes": 220,
            "StreamViewType": view,
        },
        "eventSourceARN": f"arn:aws:dynamodb:us-east-1:123456789012:table/{table}/stream/2026-03-01T00:00:00.000",
    }


def as_text(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    SCHEMAS.write_text(as_text(schemas()), encoding="utf-8")
    EXAMPLES.mkdir(exist_ok=True)
    for name, event in examples().items():
        (EXAMPLES / f"{name}.json").write_text(as_text(event), encoding="utf-8")
    print(f"{SCHEMAS.relative_to(ROOT)}, {EXAMPLES.relative_to(ROOT)}/")
