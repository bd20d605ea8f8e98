"""Finding the items of a table that TTL would delete, and deleting them as it does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.aws.stream_records import key_names
from local.aws.template import Table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Key = Mapping[str, Any]

IS_DUE = "#ttl <= :now"  # an item whose attribute is no number is never due


def due(client: "DynamoDBClient", table: Table, now: datetime) -> list[Key]:
    """The keys of all items whose time has come."""
    names = {f"#key{place}": name for place, name in enumerate(key_names(table))}
    pages = client.get_paginator("scan").paginate(
        TableName=table.name,
        FilterExpression=IS_DUE,
        ProjectionExpression=", ".join(names),
        ExpressionAttributeNames={"#ttl": str(table.ttl_attribute), **names},
        ExpressionAttributeValues=_at(now),
    )
    return [item for page in pages for item in page["Items"]]


def delete(client: "DynamoDBClient", table: Table, keys: Sequence[Key], now: datetime) -> list[dict[str, Any]]:
    """Delete those that are still due, and return them; one that has got a later time since it was found stays."""
    deleted = []
    for key in keys:
        try:
            answer = client.delete_item(
                TableName=table.name,
                Key=key,
                ConditionExpression=IS_DUE,
                ExpressionAttributeNames={"#ttl": str(table.ttl_attribute)},
                ExpressionAttributeValues=_at(now),
                ReturnValues="ALL_OLD",
            )
        except client.exceptions.ConditionalCheckFailedException:
            continue
        deleted.append(dict(answer["Attributes"]))
    return deleted


def _at(now: datetime) -> dict[str, Any]:
    return {":now": {"N": str(int(now.timestamp()))}}
