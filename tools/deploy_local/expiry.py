"""The end of a lot's time: its timer goes, and the deployed mapping and function do the rest."""

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
NOTHING_YET = "No records processed"
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
        """The deployed mapping of the table's stream."""
        found = self.stack.client("lambda").list_event_source_mappings(EventSourceArn=self.table["LatestStreamArn"])
        (only,) = found["EventSourceMappings"]
        mapping: Mapping[str, Any] = only
        return mapping

    def delete_timers(self) -> list[Record]:
        """Delete the user's timers by hand; the records that the stream would have got, had TTL deleted them."""
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
        """Whether the deployed mapping's filter lets a record through."""
        filters = self.mapping()["FilterCriteria"]["Filters"]
        return passes([json.loads(one["Pattern"]) for one in filters], record)

    def probe_mapping(self) -> None:
        """Let one deletion by hand through the mapping, which shows that stream, mapping and function are connected.

        The function itself refuses it, since it was not TTL that deleted it.
        """
        client, mapping = self.stack.client("lambda"), self.mapping()
        expect(mapping["LastProcessingResult"] == NOTHING_YET, "the mapping's filter has let nothing through so far")
        only_the_probe = {"eventName": ["REMOVE"], "dynamodb": {"Keys": {"record": {"S": [PROBE]}}}}
        another = {"Filters": [{"Pattern": json.dumps(only_the_probe)}]}
        client.update_event_source_mapping(UUID=mapping["UUID"], FilterCriteria=another)
        self.stack.client("dynamodb").put_item(
            TableName=self.table["TableName"], Item={"user_id": {"S": self.user_id}, "record": {"S": PROBE}}
        )
        self._delete({"S": PROBE})
        poll(
            lambda: str(self.mapping()["LastProcessingResult"]),
            lambda seen: seen == "OK - 1 records",
            "the mapping hands that one record to the function",
        )
        client.update_event_source_mapping(UUID=mapping["UUID"], FilterCriteria=mapping["FilterCriteria"])

    def hand_over(self, records: list[Record]) -> Any:
        """Give records to the mapping's function as the mapping does; its answer."""
        return self.stack.invoke(self.mapping()["FunctionArn"], {"Records": records})

    def _delete(self, record: Mapping[str, str]) -> None:
        key = {"user_id": {"S": self.user_id}, "record": record}
        self.stack.client("dynamodb").delete_item(TableName=self.table["TableName"], Key=key)

    def _stream(self) -> Stream:
        described = Table("CreditsTable", self.table["TableName"], self.table, ttl_attribute="ttl")
        return Stream(described, self.table["LatestStreamArn"], count(FIRST_SEQUENCE_NUMBER))


def _moment_of(timer: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(timer["ttl"]["N"]), UTC)
