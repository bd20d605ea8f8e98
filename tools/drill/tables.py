"""The tables of a local stack: back them up, lose them, restore them beside, and count what they hold.

DynamoDB restores the moment that it is asked for. The emulator has no such history, so a backup of each table is made
at the moment itself, with DynamoDB's own API, and restored later. What a restore leaves out is the same.
"""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3

from local.aws import template
from local.environment import for_tools
from local.launcher import Stack
from topup.store import credit_items, hold_items, order_items

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

NAMES = ("Orders", "Credits")  # as the template's parameters have them
KINDS = {
    "orders": (order_items.ORDER,),
    "entries": (credit_items.ENTRY,),
    "lots": (credit_items.LOT, credit_items.EMPTY_LOT),
    "holds": (hold_items.OPEN_HOLD, hold_items.HOLD),
}


class Tables:
    """Both tables, by the names Orders and Credits."""

    def __init__(self, stack: Stack, declared: template.Template) -> None:
        connection = for_tools({}, stack.dynamodb_url)
        self.client: DynamoDBClient = boto3.client(
            "dynamodb",
            endpoint_url=stack.dynamodb_url,
            region_name=connection["AWS_REGION"],
            aws_access_key_id=connection["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=connection["AWS_SECRET_ACCESS_KEY"],
        )
        self._declared = {table.logical_id.removesuffix("Table"): table for table in declared.tables}
        self.names = {name: self._declared[name].name for name in NAMES}
        self._backups: dict[str, str] = {}
        self._restored = 0

    def back_up(self) -> None:
        """Keep both tables as they are now."""
        for name, table in self.names.items():
            made = self.client.create_backup(TableName=table, BackupName=f"{name}-moment")
            self._backups[name] = made["BackupDetails"]["BackupArn"]

    def destroy(self, name: str) -> None:
        """Delete a table; its backup stays."""
        self.client.delete_table(TableName=self.names[name])

    def restore(self, name: str) -> None:
        """Restore a table to the moment, beside the lost one: with items and indexes, without stream and TTL."""
        self._restored += 1
        target = f"topup-{name.lower()}-restored-{self._restored}"
        self.client.restore_table_from_backup(TargetTableName=target, BackupArn=self._backups[name])
        self.names[name] = target

    def give_stream(self, name: str) -> None:
        """Let the functions hear of changes, as the template's table does."""
        stream: Any = self._declared[name].definition["StreamSpecification"]
        self.client.update_table(TableName=self.names[name], StreamSpecification=stream)

    def give_timer(self) -> None:
        """Switch TTL on, where the template's table has it."""
        for name, table in self._declared.items():
            if table.ttl_attribute and not self._has_timer(name):
                self.client.update_time_to_live(
                    TableName=self.names[name],
                    TimeToLiveSpecification={"Enabled": True, "AttributeName": table.ttl_attribute},
                )

    def parameters(self) -> dict[str, str]:
        """What a deployment needs to use these tables."""
        given: dict[str, str] = {}
        for name, table in self.names.items():
            found = self.client.describe_table(TableName=table)["Table"]
            given |= {f"{name}TableArn": found["TableArn"], f"{name}StreamArn": found["LatestStreamArn"]}
        return given

    def count(self) -> Mapping[str, int]:
        """How many orders, entries, lots and holds there are; none of a table that is gone."""
        counts = Counter(dict.fromkeys(KINDS, 0))
        existing = self.client.list_tables()["TableNames"]
        for table in (name for name in self.names.values() if name in existing):
            for page in self.client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
                for item in page["Items"]:
                    counts[_kind_of(item["record"]["S"])] += 1
        return {kind: counts[kind] for kind in KINDS}

    def _has_timer(self, name: str) -> bool:
        found = self.client.describe_time_to_live(TableName=self.names[name])["TimeToLiveDescription"]
        return found.get("TimeToLiveStatus") == "ENABLED"


def _kind_of(record: str) -> str:
    return next((kind for kind, prefixes in KINDS.items() if record.startswith(prefixes)), "others")
