"""Expire a lot: delete its timer, and let the deployed mapping and function do the rest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any

from local.aws.stream_records import FIRST_SEQUENCE_NUMBER, Record, Stream
from local.aws.streams import passes
from local.aws.template import Table
from local.client import expect, poll
from tools.deploy_local.stack import Stack

A_DAY = timedelta(days=1)  # DynamoDB deletes late
NONE_PROCESSED = "No records processed"  # what a new mapping reports
PROBE = "EXPIRY#probe"


@dataclass(frozen=True)
class Expiry:
    """The timers of one user of a deployed stack."""

    stack: Stack
    user_id: str

    @cached_property
    def table(self) -> Mapping[str, Any]:
        """The credits table, as DynamoDB describes it."""
        name = self.stack.outputs["CreditsTableName"]
        found: Mapping[str, Any] = self.stack.client("dynamodb").describe_table(TableName=name)["Table"]
        return found

    def mapping(self) -> Mapping[str, Any]:
        """The deployed mapping from the table's stream to its function."""
        found = self.stack.client("lambda").list_event_source_mappings(EventSourceArn=self.table["LatestStreamArn"])
        (only,) = [one for one in found["EventSourceMappings"] if "ExpireCredits" in one["FunctionArn"]]
        mapping: Mapping[str, Any] = only
        return mapping

    def delete_timers(self) -> list[Record]:
        """Delete the user's timers by hand; the stream records that TTL's deletion would have caused."""
        client = self.stack.client("dynamodb")
        timers = client.query(
            TableName=self.table["TableName"],
            KeyConditionExpression="user_id = :user AND begins_with(#record, :timer)",
            ExpressionAttributeNames={"#record": "record"},
            ExpressionAttributeValues={":user": {"S": self.user_id}, ":timer": {"S": "EXPIRY#"}},
        )["Items"]
        for timer in timers:
            self._delete(timer["record"])
        stream = self._stream()
        return [stream.removal(timer, _moment_of(timer) + A_DAY) for timer in timers]

    def passes(self, record: Record) -> bool:
        """True if the deployed mapping's filter passes the record."""
        filters = self.mapping()["FilterCriteria"]["Filters"]
        return passes([json.loads(one["Pattern"]) for one in filters], record)

    def probe_mapping(self) -> None:
        """Let the mapping pass one deletion by hand: this shows that stream, mapping and function are connected.

        The function itself ignores the record, because TTL did not delete it.
        """
        client, mapping = self.stack.client("lambda"), self.mapping()
        expect(mapping["LastProcessingResult"] == NONE_PROCESSED, "the mapping's filter has passed nothing so far")
        the_probe = {"eventName": ["REMOVE"], "dynamodb": {"Keys": {"record": {"S": [PROBE]}}}}
        probe_only = {"Filters": [{"Pattern": json.dumps(the_probe)}]}
        client.update_event_source_mapping(UUID=mapping["UUID"], FilterCriteria=probe_only)
        self.stack.client("dynamodb").put_item(
            TableName=self.table["TableName"], Item={"user_id": {"S": self.user_id}, "record": {"S": PROBE}}
        )
        self._delete({"S": PROBE})
        poll(
            lambda: str(self.mapping()["LastProcessingResult"]),
            lambda seen: seen == "OK - 1 records",
            "the mapping gives that one record to the function",
        )
        client.update_event_source_mapping(UUID=mapping["UUID"], FilterCriteria=mapping["FilterCriteria"])

    def deliver(self, records: list[Record]) -> Any:
        """Invoke the mapping's function with records, as the mapping does; the function's result."""
        return self.stack.invoke(self.mapping()["FunctionArn"], {"Records": records})

    def _delete(self, record: Mapping[str, str]) -> None:
        key = {"user_id": {"S": self.user_id}, "record": record}
        self.stack.client("dynamodb").delete_item(TableName=self.table["TableName"], Key=key)

    def _stream(self) -> Stream:
        described = Table("CreditsTable", self.table["TableName"], self.table, ttl_attribute="ttl")
        return Stream(described, self.table["LatestStreamArn"], count(FIRST_SEQUENCE_NUMBER))


def _moment_of(timer: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(timer["ttl"]["N"]), UTC)
