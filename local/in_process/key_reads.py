"""Reads of a table by its keys, answered without the emulator, which checks and parses each of them anew.

For the simulation and the benchmark, which make very many. Only the forms that the store uses, and only of a table
itself; every other read goes to the emulator, and the conformance tests send all of them to it.
"""

import re
from typing import Any

Json = dict[str, Any]
Stored = dict[str, dict[str, Json]]  # items by partition and record

FORM = re.compile(r"\w+ = (?P<partition>:\w+)(?: AND #record BETWEEN (?P<first>:\w+) AND (?P<last>:\w+))?")
PARTS = {
    *("TableName", "KeyConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"),
    *("ConsistentRead", "Limit", "ExclusiveStartKey", "ScanIndexForward", "ReturnConsumedCapacity"),
}


def item(partition_key: str, items: Stored, sent: Json) -> Json | None:
    """The response to a GetItem; None where the emulator must answer."""
    if sent.keys() - {"TableName", "Key", "ConsistentRead"}:
        return None
    found = _at(partition_key, items, sent["Key"])
    return {"Item": found} if found else {}


def batch(tables: dict[str, tuple[str, Stored]], sent: Json) -> Json | None:
    """The response to a BatchGetItem; None where the emulator must answer."""
    if any(keys.keys() - {"Keys", "ConsistentRead"} for keys in sent["RequestItems"].values()):
        return None
    found = {
        table: [one for key in keys["Keys"] if (one := _at(*tables[table], key))]
        for table, keys in sent["RequestItems"].items()
    }
    return {"Responses": found, "UnprocessedKeys": {}}


def _at(partition_key: str, items: Stored, key: Json) -> Json | None:
    return items.get(key[partition_key]["S"], {}).get(key["record"]["S"])


def query(partition_key: str, items: Stored, sent: Json, size: int | None = None) -> Json | None:
    """The response to a query of these items, by partition and record; None where the emulator must answer.

    `size`: the most items on a page, for a query that sets no limit itself.
    """
    form = FORM.fullmatch(sent["KeyConditionExpression"])
    if form is None or sent.keys() - PARTS:
        return None
    values = {name: value["S"] for name, value in sent["ExpressionAttributeValues"].items()}
    records = items.get(values[form["partition"]], {})
    names = sorted(records)
    if form["first"]:
        names = [name for name in names if values[form["first"]] <= name <= values[form["last"]]]
    is_forward = sent.get("ScanIndexForward", True)
    if not is_forward:
        names.reverse()
    if after := sent.get("ExclusiveStartKey"):
        last = after["record"]["S"]
        names = [name for name in names if (name > last if is_forward else name < last)]
    limit = sent.get("Limit")
    page = names[: limit or size or len(names)]
    response: Json = {"Items": [records[name] for name in page], "Count": len(page), "ScannedCount": len(page)}
    if len(page) < len(names) or len(page) == limit:  # DynamoDB does not look whether there is more
        response["LastEvaluatedKey"] = {name: records[page[-1]][name] for name in (partition_key, "record")}
    return response
