"""The three engines side by side: each gets the same items and the same requests."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

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
        self._put(items)
        self._delete(sorted(place for place in self._dirty if place not in items))
        self._dirty = {*items, *touched}

    def contents(self, places: Iterable[Place]) -> dict[Place, Item]:
        """The items that are stored there now."""
        keys = [(place[0], key_of(place)) for place in places]
        requested = {table: {"Keys": of, "ConsistentRead": True} for table, of in _by_table(keys).items()}
        found = self._do("BatchGetItem", {"RequestItems": requested})["Responses"]
        return {place_of(table, item): item for table, items in found.items() for item in items}

    def _put(self, items: Items) -> None:
        self._write([(place[0], {"PutRequest": {"Item": item}}) for place, item in items.items()])

    def _delete(self, places: Sequence[Place]) -> None:
        self._write([(place[0], {"DeleteRequest": {"Key": key_of(place)}}) for place in places])

    def _write(self, members: Sequence[tuple[str, Json]]) -> None:
        for chunk in _chunks(members, MOST_WRITES):
            response = self._do("BatchWriteItem", {"RequestItems": _by_table(chunk)})
            assert not response.get("UnprocessedItems")

    def _do(self, operation: str, request: Json) -> Json:
        status, response = self.send(operation, request)
        assert status == 200, f"{self.name} refuses the setup of a case: {response}"
        return response


class MotoUnderTest(EngineUnderTest):
    """Sets cases up and reads them back without requests, which take moto twice as long as what is compared."""

    def __init__(self, name: str) -> None:
        super().__init__(name, Moto())
        self._tables = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables

    def contents(self, places: Iterable[Place]) -> dict[Place, Item]:
        """The items that are stored there now."""
        found = ((place, self._tables[place[0]].get_item(*_types_of(place))) for place in places)
        return {place: item.to_json()["Attributes"] for place, item in found if item}

    def _put(self, items: Items) -> None:
        for place, item in items.items():
            self._tables[place[0]].put_item(deepcopy(dict(item)))  # moto keeps and changes what it is given

    def _delete(self, places: Sequence[Place]) -> None:
        for place in places:
            self._tables[place[0]].delete_item(*_types_of(place))


@contextmanager
def engines_under_test() -> Iterator[list[EngineUnderTest]]:
    """The reference first."""
    made = [
        EngineUnderTest(REFERENCE, DynamoDBLocal("differential")),
        EngineUnderTest("ministack", InProcess()),
        MotoUnderTest("moto"),
    ]
    try:
        yield made
    finally:
        for one in made:
            one.close()


def _types_of(place: Place) -> tuple[DynamoType, DynamoType]:
    return DynamoType({"S": place[1]}), DynamoType({"S": place[2]})


def _by_table(pairs: Sequence[tuple[str, Any]]) -> dict[str, list[Any]]:
    tables: dict[str, list[Any]] = {}
    for table, one in pairs:
        tables.setdefault(table, []).append(one)
    return tables


def _chunks(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))
