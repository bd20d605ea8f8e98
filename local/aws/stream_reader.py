"""Read a table's stream as Lambda's event source mappings do: from its beginning, and each record once."""

from collections.abc import Iterator
from typing import Any

Record = dict[str, Any]


class StreamReader:
    """The records of one table's stream, in the shape of Lambda's event."""

    def __init__(self, client: Any, arn: str) -> None:
        """client: of the service dynamodbstreams; arn: the stream's."""
        self._client = client
        self._arn = arn
        self._places: dict[str, str | None] = {}  # by shard: where to read on, None at the end of a closed one
        self._begun: set[str] = set()  # shards that have had records

    def read(self) -> list[Record]:
        """The records that were written since the last time."""
        if not any(self._places.values()):  # one call less for each time
            shards = self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]
            for shard in [one["ShardId"] for one in shards if one["ShardId"] not in self._places]:
                where = {"StreamArn": self._arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
                self._places[shard] = self._client.get_shard_iterator(**where)["ShardIterator"]
        return [as_lambda_gets_it(record, self._arn) for shard in list(self._places) for record in self._shard(shard)]

    def _shard(self, shard: str) -> Iterator[Any]:
        while place := self._places[shard]:
            page = self._client.get_records(ShardIterator=place)
            self._places[shard] = page.get("NextShardIterator")
            yield from page["Records"]
            if page["Records"]:
                self._begun.add(shard)
                continue
            if shard not in self._begun:
                del self._places[shard]  # DynamoDB Local forgets a place before the first record
            return


def as_lambda_gets_it(record: Any, arn: str) -> Record:
    """A record of the Streams API as Lambda's event has it: the time in seconds, the identity's names in lower case."""
    change = record["dynamodb"]
    seen = {**change, "ApproximateCreationDateTime": int(change["ApproximateCreationDateTime"].timestamp())}
    event = {**record, "dynamodb": seen, "eventSourceARN": arn}
    if "userIdentity" in record:
        identity = record["userIdentity"]
        event["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
    return event
