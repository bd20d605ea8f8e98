"""Check that expire_credits reads the stream of the table in use: a restored table has another stream."""

from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

from ops import target
from ops.doctor.subject import Finding, Subject, dynamodb, ok, wrong
from topup.domain.errors import ConfigurationError
from topup.runtime import config

FUNCTION = "ExpireCreditsFunction"
WHAT = "expiry"


def trigger(subject: Subject) -> Iterator[Finding]:
    """Raises botocore's errors, and CannotRunError."""
    if subject.is_local:
        return
    try:
        orders, credits = _described(config.settings().orders_table), _described(config.settings().credits_table)
    except ConfigurationError:
        return  # the settings check reports it
    if not orders or not (credits.get("StreamSpecification") or {}).get("StreamEnabled"):
        return  # the tables check reports it
    awslambda: Any = boto3.client("lambda")
    function = f"{target.physical_id(subject.stack, FUNCTION)}:{target.ALIAS}"
    mappings = awslambda.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    reading = {mapping["EventSourceArn"]: mapping for mapping in mappings}
    yield _judged(reading.get(credits["LatestStreamArn"]), _take_over(subject, orders, credits))


def _described(table: str) -> dict[str, Any]:
    """Empty where there is no such table."""
    try:
        described: dict[str, Any] = dynamodb().describe_table(TableName=table)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return {}
    return described


def _judged(mapping: dict[str, Any] | None, take_over: str) -> Finding:
    if mapping is None:
        return wrong(WHAT, "expire_credits does not read this table's stream: nothing expires by itself", take_over)
    if mapping["State"] in ("Disabled", "Disabling"):
        enable = f"aws lambda update-event-source-mapping --uuid {mapping['UUID']} --enabled"
        return wrong(WHAT, "the trigger of expire_credits is disabled: nothing expires by itself", enable)
    return ok(WHAT, "expire_credits reads the table's stream")


def _take_over(subject: Subject, orders: dict[str, Any], credits: dict[str, Any]) -> str:
    """The command that makes the stack use these tables and this stream."""
    arns = {
        "OrdersTableArn": orders["TableArn"],
        "CreditsTableArn": credits["TableArn"],
        "CreditsStreamArn": credits["LatestStreamArn"],
    }
    return subject.deploy(f'SET="{" ".join(f"{name}={arn}" for name, arn in arns.items())}"')
