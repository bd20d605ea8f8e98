"""The credits table's stream, as the local stack hands it to the function."""

from datetime import UTC, datetime
from typing import Any

import pytest

from local.aws.stream_records import Record, Stream
from local.aws.streams import passes
from local.in_process.api import template

NOW = datetime(2026, 9, 1, 12, 0, 0, 700_000, tzinfo=UTC)


def a_deletion_by_ttl(record: str) -> Record:
    [table] = [table for table in template().tables if table.logical_id == "CreditsTable"]
    item = {"user_id": {"S": "user-1"}, "record": {"S": record}, "ttl": {"N": "1788264000"}}
    return Stream.of(table, NOW).removal(item, NOW)


@pytest.mark.parametrize(
    ("record", "changes", "is_passed"),
    [
        ("EXPIRY#lot", {}, True),
        ("EXPIRY#lot", {"userIdentity": None}, False),  # an application's own deletion
        (
            "EXPIRY#lot",
            {"userIdentity": {"type": "Service", "principalId": "replication.dynamodb.amazonaws.com"}},
            False,
        ),
        ("EXPIRY#lot", {"eventName": "INSERT"}, False),
        ("EXPIRY#lot", {"eventName": "MODIFY"}, False),
        ("IDEMPOTENCY#key", {}, False),
        ("LOT#2026-09-01T12:00:00Z#lot", {}, False),
    ],
)
def test_our_filter_passes_a_timers_deletion_by_ttl_and_nothing_else(
    record: str, changes: dict[str, Any], is_passed: bool
):
    [mapping] = template().streams

    changed = a_deletion_by_ttl(record) | changes
    present = {name: value for name, value in changed.items() if value is not None}

    assert passes(mapping.filters, present) is is_passed


def test_without_filters_every_record_passes():
    assert passes((), a_deletion_by_ttl("IDEMPOTENCY#key"))
