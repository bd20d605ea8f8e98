"""Check that the functions on streams read those of the tables in use: a restored table has another stream."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from ops import target
from ops.doctor.subject import Finding, Subject, dynamodb, ok, wrong
from topup.domain.errors import ConfigurationError
from topup.runtime import config

WHAT = "streams"
Described = Mapping[str, Any]  # a table, as DescribeTable has it


@dataclass(frozen=True)
class Reader:
    """A function on streams: its name in the template, its folder, its tables, and what fails where it reads none."""

    logical_id: str
    name: str
    tables: tuple[str, ...]
    otherwise: str


READERS = (
    Reader("ExpireCreditsFunction", "expire_credits", ("credits",), "nothing expires by itself"),
    Reader("PublishEventsFunction", "publish_events", ("credits", "orders"), "no events are published"),
)


def triggers(subject: Subject) -> Iterator[Finding]:
    """Raises botocore's errors, and CannotRunError."""
    if subject.is_local:
        return
    try:
        settings = config.settings()
    except ConfigurationError:
        return  # the settings check reports it
    tables = {"orders": _described(settings.orders_table), "credits": _described(settings.credits_table)}
    if not all((table.get("StreamSpecification") or {}).get("StreamEnabled") for table in tables.values()):
        return  # the tables check reports it
    yield from _judged(subject, tables)


def _judged(subject: Subject, tables: Mapping[str, Described]) -> Iterator[Finding]:
    lost, disabled = [], []
    for reader in READERS:
        reading = _mappings(subject, reader)
        found = [reading.get(tables[name]["LatestStreamArn"]) for name in reader.tables]
        if None in found:
            lost.append(reader)
        disabled += [(reader, one["UUID"]) for one in found if one and one["State"] in ("Disabled", "Disabling")]
    if lost:
        names, otherwise = " and ".join(one.name for one in lost), ", ".join(one.otherwise for one in lost)
        yield wrong(WHAT, f"not read as they are now by {names}: {otherwise}", _take_over(subject, tables))
    for reader, uuid in disabled:
        enable = f"aws lambda update-event-source-mapping --uuid {uuid} --enabled"
        yield wrong(WHAT, f"a trigger of {reader.name} is disabled: {reader.otherwise}", enable)
    if not lost and not disabled:
        yield ok(WHAT, f"read by {' and '.join(one.name for one in READERS)}")


def _mappings(subject: Subject, reader: Reader) -> dict[str, Any]:
    """The function's triggers by the streams that they read."""
    awslambda: Any = boto3.client("lambda")
    function = f"{target.physical_id(subject.stack, reader.logical_id)}:{target.ALIAS}"
    mappings = awslambda.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    return {mapping["EventSourceArn"]: mapping for mapping in mappings}


def _described(table: str) -> Described:
    """Empty where there is no such table."""
    try:
        described: Described = dynamodb().describe_table(TableName=table)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return {}
    return described


def _take_over(subject: Subject, tables: Mapping[str, Described]) -> str:
    """The command that makes the stack use these tables and their streams."""
    arns = {
        "OrdersTableArn": tables["orders"]["TableArn"],
        "OrdersStreamArn": tables["orders"]["LatestStreamArn"],
        "CreditsTableArn": tables["credits"]["TableArn"],
        "CreditsStreamArn": tables["credits"]["LatestStreamArn"],
    }
    return subject.deploy(f'SET="{" ".join(f"{name}={arn}" for name, arn in arns.items())}"')
