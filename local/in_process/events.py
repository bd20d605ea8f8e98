"""Events in this process: what the tables' streams have for publish_events, and the bus that it puts events on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError

from local.aws.stream_reader import Record, StreamReader
from local.aws.streams import passes
from local.in_process.api import Api, load_handler, template
from local.in_process.dynamodb import Emulator, a_response, body_of

FUNCTION = "publish_events"
Json = dict[str, Any]


@dataclass
class EventBus:
    """Responds to the requests of an EventBridge client; `refuse` and `is_down` make it fail."""

    entries: list[Json] = field(default_factory=list)  # what was put, as the request has it
    refuse: int = 0  # so many of the next events are refused, one by one
    is_down: bool = False

    def attach(self, client: Any) -> None:
        """Respond to this client's requests."""
        client.meta.events.register("before-send.eventbridge", self._send)

    @property
    def details(self) -> list[Json]:
        """The events' details, in the order in which they were put."""
        return [json.loads(entry["Detail"]) for entry in self.entries]

    @property
    def types(self) -> list[str]:
        """What has happened, in the order in which it was put."""
        return [entry["DetailType"] for entry in self.entries]

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        if self.is_down:
            raise EndpointConnectionError(endpoint_url=request.url)
        return a_response(self._put(json.loads(body_of(request))["Entries"]))

    def _put(self, entries: list[Json]) -> Json:
        results: list[Json] = []
        for entry in entries:
            if self.refuse:
                self.refuse -= 1
                results.append({"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"})
            else:
                self.entries.append(entry)
                results.append({"EventId": str(len(self.entries))})
        return {"FailedEntryCount": sum("ErrorCode" in one for one in results), "Entries": results}


class Publisher:
    """Hands what the tables' streams have to publish_events, as the template's mappings do."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._readers = [
            (mapping.filters, StreamReader(_streams(api.dynamodb), _arn(api.dynamodb, mapping.table)))
            for mapping in template().streams
            if mapping.function.name == FUNCTION
        ]

    def changes(self) -> list[Record]:
        """The records that were written since the last time and that pass the filters, as of the API's time."""
        found = [record for filters, reader in self._readers for record in reader.read() if passes(filters, record)]
        for record in found:
            record["dynamodb"]["ApproximateCreationDateTime"] = int(self._api.now.timestamp())
        return found

    def deliver(self, records: Sequence[Record]) -> list[str]:
        """Call the function with these records; the numbers of those that it reports as failed."""
        with self._api.dynamodb.acting_as(FUNCTION):
            answer = load_handler(FUNCTION)({"Records": list(records)}, self._api.context(FUNCTION))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def publish(self) -> list[str]:
        """Deliver all that is new."""
        return self.deliver(self.changes())


def _arn(dynamodb: Emulator, logical_id: str) -> str:
    [name] = [table.name for table in template().tables if table.logical_id == logical_id]
    return str(dynamodb.client.describe_table(TableName=name)["Table"]["LatestStreamArn"])


def _streams(dynamodb: Emulator) -> Any:
    client = _session().create_client("dynamodbstreams", region_name="us-east-1")

    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        return dynamodb.forward(request)

    client.meta.events.register("before-send.dynamodb-streams", send)
    return client


@cache
def _session() -> Any:
    return botocore.session.get_session()
