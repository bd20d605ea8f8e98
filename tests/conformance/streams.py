"""A table's stream, read as Lambda reads it and passed on as Lambda passes it on."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import botocore.session

from local.aws.stream_reader import StreamReader
from local.aws.streams import passes
from local.in_process.api import template
from local.in_process.dynamodb import Emulator
from tests.support.dynamodb_local import DynamoDBLocal
from topup.store.credit_items import TTL_ATTRIBUTE

Record = dict[str, Any]

TIMEOUT = 30.0  # seconds; TTL looks every half second


class CreditsStream:
    """The stream of the credits table, with TTL switched on."""

    def __init__(self, engine: DynamoDBLocal, dynamodb: Emulator) -> None:
        self._dynamodb = dynamodb
        [self._table] = [table for table in template().tables if table.name == dynamodb.credits_table]
        [self._mapping] = [one for one in template().streams if one.function.name == "expire_credits"]
        self._client: Any = botocore.session.get_session().create_client(
            "dynamodbstreams",
            "us-east-1",
            endpoint_url=engine.url,
            aws_access_key_id=engine.access_key,
            aws_secret_access_key="none",
        )
        dynamodb.client.update_time_to_live(
            TableName=self._table.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": self._table.ttl_attribute},
        )

    def close(self) -> None:
        self._client.close()

    def records(self) -> list[Record]:
        """All records since the table was made, as Lambda would deliver them without a filter."""
        arn = self._dynamodb.client.describe_table(TableName=self._table.name)["Table"]["LatestStreamArn"]
        return StreamReader(self._client, arn).read()

    def filtered_records(self) -> list[Record]:
        """The records that pass the template's filter for expire_credits."""
        return [record for record in self.records() if passes(self._mapping.filters, record)]

    def wait_for_ttl(self) -> None:
        """Wait until TTL has deleted all items that are due by the real clock."""
        deadline = time.monotonic() + TIMEOUT
        while due := [item for item in self._items() if int(item[TTL_ATTRIBUTE]["N"]) < time.time()]:
            assert time.monotonic() < deadline, f"TTL has not deleted {due}"
            threading.Event().wait(0.05)

    def _items(self) -> Iterator[Any]:
        items = self._dynamodb.client.scan(TableName=self._table.name)["Items"]
        return (item for item in items if TTL_ATTRIBUTE in item)
