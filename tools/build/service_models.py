"""Leave in botocore's data what the clients of our services read, with the operations that our code calls.

botocore parses the whole model of a service before the first call, DynamoDB's with 58 operations and Parameter Store's
with 152. The models of the operations in use have 32 kB instead of 430 kB: 3 % of a cold start's CPU time.
"""

import gzip
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

# What the functions call, by service; tests/tools/test_build_service_models.py fails if one is missing or too many.
OPERATIONS: Mapping[str, frozenset[str]] = {
    "dynamodb": frozenset(
        {
            "BatchGetItem",
            "DeleteItem",
            "GetItem",
            "PutItem",
            "Query",
            "Scan",
            "TransactWriteItems",
            "UpdateItem",
        }
    ),
    "events": frozenset({"PutEvents"}),
    "ssm": frozenset({"GetParameters"}),
}
# The files that botocore reads for a client. Others describe paginators and waiters, which nothing here uses.
MODEL, ENDPOINTS = "service-2", "endpoint-rule-set-1"

Json = dict[str, Any]


def keep_what_is_called(data: Path) -> None:
    """Reduce botocore's folder `data`, and unpack it: layers are zipped as a whole, and unzipped once."""
    _remove(path for path in data.iterdir() if path.is_dir() and path.name not in OPERATIONS)
    for service in OPERATIONS:
        _keep_newest(data / service)
    for packed in data.rglob("*.json.gz"):
        document = _without(("documentation",), json.loads(gzip.decompress(packed.read_bytes())))
        if packed.name.split(".")[0] == MODEL:
            document = reduced(document, OPERATIONS[packed.parent.parent.name])
        _write(packed.with_suffix(""), document)
        packed.unlink()
    endpoints = data / "endpoints.json"
    _write(endpoints, _of_our_services(json.loads(endpoints.read_bytes())))


def _keep_newest(service: Path) -> None:
    """Keep the two files that botocore reads of the newest version of a service."""
    newest = max(folder for folder in service.iterdir() if any(folder.glob(f"{MODEL}.*")))
    _remove(folder for folder in service.iterdir() if folder != newest)
    _remove(path for path in newest.iterdir() if path.name.split(".")[0] not in (MODEL, ENDPOINTS))


def reduced(model: Json, operations: Iterable[str]) -> Json:
    """The model with these operations and the shapes that they refer to.

    `operationContextParams` would find the accounts of tables that are named by ARN; ours are named. botocore would
    search each request for them, a transaction's with JMESPath.
    """
    kept = {name: _without(("operationContextParams",), model["operations"][name]) for name in operations}
    shapes: Json = {}
    wanted = list(_shapes_in(kept))
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted += _shapes_in(shapes[name])
    return {**model, "operations": dict(sorted(kept.items())), "shapes": dict(sorted(shapes.items()))}


def _shapes_in(part: Any) -> Iterator[str]:
    """The names of the shapes that a part of a model refers to."""
    if isinstance(part, dict):
        if isinstance(part.get("shape"), str):
            yield part["shape"]
        for value in part.values():
            yield from _shapes_in(value)
    if isinstance(part, list):
        for value in part:
            yield from _shapes_in(value)


def _without(names: Iterable[str], part: Any) -> Any:
    """The part without what is under these names, except where a name is that of a structure's member."""
    if isinstance(part, list):
        return [_without(names, value) for value in part]
    if not isinstance(part, dict):
        return part
    return {
        name: {member: _without(names, value) for member, value in below.items()}
        if name == "members"
        else _without(names, below)
        for name, below in part.items()
        if name not in names
    }


def _of_our_services(endpoints: Json) -> Json:
    """The list of endpoints with the entries of our services: one without an entry has its partition's defaults."""
    for partition in endpoints["partitions"]:
        partition["services"] = {name: value for name, value in partition["services"].items() if name in OPERATIONS}
    return endpoints


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, separators=(",", ":")))


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
