"""The three engines side by side: each gets the same items and the same requests."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import BotocoreStubber
from moto.dynamodb.models import dynamodb_backends

from local.in_process.api import template
from local.in_process.dynamodb import Engine, InProcess
from tests.conformance.requests import Item, Json, Place, key_of, place_of
from tests.support.dynamodb_local import DynamoDBLocal

REFERENCE = "DynamoDB Local"  # AWS's own
MOST_WRITES = 25  # in one request
Response = tuple[int, Json]
Items = Mapping[Place, Item]


class Moto:
    """moto's DynamoDB, called where its patch of botocore calls it."""

    URL = "https://dynamodb.us-east-1.amazonaws.com/"

    def __init__(self) -> None:
        self._stubber = BotocoreStubber()

    def respond(self, target: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        headers = HTTPHeaders()
        headers["X-Amz-Target"] = target
        headers["Content-Type"] = "application/x-amz-json-1.0"
        headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request"
        try:
            processed = self._stubber.process_request(AWSPreparedRequest("POST", self.URL, headers, body, False))
        except Exception as error:  # moto's own defect, which its caller would see as it is
            return 500, {}, json.dumps({"__type": type(error).__name__}).encode()
        assert processed
        status, response_headers, response = processed
        return status, response_headers, response.encode() if isinstance(response, str) else response

    def reset(self) -> None:
        dynamodb_backends.reset()


class EngineUnderTest:
    """One engine under comparison, with the template's tables; `arrange` gives them exactly the items of one case."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.name = name
        self._engine = engine
        self._dirty: set[Place] = set()
        engine.reset()
        for table in template().tables:
            # moto copies a table and its stream's records for every transaction, and nothing here reads a stream.
            definition = {name: value for name, value in table.definition.items() if name != "StreamSpecification"}
            self._do("CreateTable", {"TableName": table.name, **definition})

    def close(self) -> None:
        self._engine.reset()

    def send(self, operation: str, request: Json) -> Response:
        status, _, response = self._engine.respond(f"DynamoDB_20120810.{operation}", json.dumps(request).encode())
        return status, json.loads(response)

    def arrange(self, items: Items, touched: Iterable[Place] = ()) -> None:
        """touched: other places that the case may write to."""
        wanted: list[tuple[str, Json]] = [(place[0], {"PutRequest": {"Item": item}}) for place, item in items.items()]
        gone = sorted(place for place in self._dirty if place not in items)
        wanted += [(place[0], {"DeleteRequest": {"Key": key_of(place)}}) for place in gone]
        for chunk in _chunks(wanted, MOST_WRITES):
            response = self._do("BatchWriteItem", {"RequestItems": _by_table(chunk)})
            assert not response.get("UnprocessedItems")
        self._dirty = {*items, *touched}

    def contents(self, places: Iterable[Place]) -> dict[Place, Item]:
        """The items that are stored there now."""
        keys = [(place[0], key_of(place)) for place in places]
        requested = {table: {"Keys": of, "ConsistentRead": True} for table, of in _by_table(keys).items()}
        found = self._do("BatchGetItem", {"RequestItems": requested})["Responses"]
        return {place_of(table, item): item for table, items in found.items() for item in items}

    def _do(self, operation: str, request: Json) -> Json:
        status, response = self.send(operation, request)
        assert status == 200, f"{self.name} refuses the setup of a case: {response}"
        return response


@contextmanager
def engines_under_test() -> Iterator[list[EngineUnderTest]]:
    """The reference first."""
    engines: dict[str, Engine] = {
        REFERENCE: DynamoDBLocal("differential"),
        "ministack": InProcess(),
        "moto": Moto(),
    }
    made = [EngineUnderTest(name, engine) for name, engine in engines.items()]
    try:
        yield made
    finally:
        for one in made:
            one.close()


def _by_table(pairs: Sequence[tuple[str, Any]]) -> dict[str, list[Any]]:
    tables: dict[str, list[Any]] = {}
    for table, one in pairs:
        tables.setdefault(table, []).append(one)
    return tables


def _chunks(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))
