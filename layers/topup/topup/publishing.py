"""Tell other systems what has happened to credits, holds and payments: each event at least once, on the stack's bus."""

from collections.abc import Sequence
from typing import Any

from topup import store
from topup.api import event_details
from topup.domain import events
from topup.domain.credits import Entry
from topup.domain.errors import Busy
from topup.domain.events import Event
from topup.domain.holds import HoldChange
from topup.runtime import config, event_bus
from topup.runtime.event_bus import Message
from topup.runtime.telemetry import count, logger


def publish_records(records: Sequence[Any]) -> list[str]:
    """Publish what the records of the tables' streams tell; the numbers of those that have to be delivered again."""
    try:
        items = store.load_written_items(records)
    except Busy:
        return [store.record_number(record) for record in records]
    told: list[tuple[str, Message]] = []
    failed: dict[str, None] = {}
    for record in records:
        number = store.record_number(record)
        try:
            told += [(number, _message(event)) for event in _events_of(record, items)]
        except Exception as error:  # a poison record must not keep the others back
            # Without the error's message, which may quote what the record is about.
            logger.error("a stream record cannot be told of", reason=type(error).__name__, record_number=number)
            failed[number] = None
    is_taken = _put([message for _, message in told])
    failed |= {number: None for (number, _), taken in zip(told, is_taken, strict=True) if not taken}
    return list(failed)


def publish(found: Sequence[Event]) -> list[bool]:
    """Put events on the bus; whether it has taken each."""
    return _put([_message(event) for event in found])


def _message(event: Event) -> Message:
    return Message(event.event_type.value, event.occurred_at, event_details.detail(event).model_dump_json())


def _put(messages: Sequence[Message]) -> list[bool]:
    is_taken = event_bus.put(messages)
    if any(is_taken):
        count("EventsPublished", sum(is_taken))
    return is_taken


def _events_of(record: Any, items: store.Stored) -> list[Event]:
    match store.what_was_written(record, items):
        case Entry() as entry:
            return events.of_entry(entry, config.low_balance())
        case HoldChange() as change:
            return events.of_hold(change, store.written_at(record))
        case events.OrderChange() as change:
            return events.of_order(change, store.written_at(record))
    return []
