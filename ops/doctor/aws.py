"""Check the tables against the template, and how many invocations AWS lets run at once."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local.aws.intrinsics import read_yaml
from ops.doctor.subject import Finding, Subject, dynamodb, ok, warn, wrong
from topup.domain.errors import ConfigurationError
from topup.runtime import config

TABLE = "AWS::DynamoDB::Table"
SMALL_LIMIT = 100  # concurrent executions: a new account has 10, the default is 1,000
CONCURRENCY_QUOTA = "L-B99A9384"  # Lambda, "Concurrent executions"

Properties = Mapping[str, Any]


def tables(subject: Subject, template: Path) -> Iterator[Finding]:
    """Raises botocore's errors."""
    if not subject.is_running:
        yield wrong("tables", "no local stack is running", "make run")
        return
    try:
        names = {"OrdersTable": config.settings().orders_table, "CreditsTable": config.settings().credits_table}
    except ConfigurationError:
        return  # the settings check reports it
    for logical_id, resource in read_yaml(template)["Resources"].items():
        if resource["Type"] == TABLE:
            yield from _table(subject, logical_id, names[logical_id], resource["Properties"])


def _table(subject: Subject, logical_id: str, name: str, wanted: Properties) -> Iterator[Finding]:
    what = f"table {name}"
    client = dynamodb()
    try:
        found = client.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield wrong(what, "it does not exist", _redeploy(subject))
        return
    problems = [*_shape(found, wanted, _redeploy(subject)), *_ttl(client, name, wanted)]
    if not subject.is_local:  # the local tables have no backups
        problems += _protection(client, name, found, wanted)
    for says, fix in problems:
        yield wrong(what, says, fix)
    if not problems:
        checked = "keys, indexes, TTL, stream" + ("" if subject.is_local else ", backups, protection")
        yield ok(what, f"as {logical_id} in the template: {checked}")


Problem = tuple[str, str]


def _redeploy(subject: Subject) -> str:
    return "stop the local stack, and make run" if subject.is_local else subject.deploy()


def _shape(found: Properties, wanted: Properties, fix: str) -> Iterator[Problem]:
    if _keys(found) != _keys(wanted):
        yield "its keys are not the template's", fix
    indexes = {index["IndexName"]: index for index in found.get("GlobalSecondaryIndexes", ())}
    for index in wanted.get("GlobalSecondaryIndexes", ()):
        actual = indexes.get(index["IndexName"])
        if actual is None or _keys(actual) != _keys(index) or actual["Projection"] != index["Projection"]:
            yield f"index {index['IndexName']} is missing or not the template's", fix
        elif actual.get("IndexStatus", "ACTIVE") != "ACTIVE":
            yield f"index {index['IndexName']} is {actual['IndexStatus']}", "wait, then run doctor again"
    view = wanted.get("StreamSpecification", {}).get("StreamViewType")
    if found.get("StreamSpecification", {}).get("StreamViewType") != view:
        yield f"its stream is not {view}: the expiry function is not notified", fix


def _keys(table: Properties) -> set[tuple[str, str]]:
    return {(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]}


def _ttl(client: Any, name: str, wanted: Properties) -> Iterator[Problem]:
    attribute = wanted.get("TimeToLiveSpecification", {}).get("AttributeName")
    if attribute is None:
        return
    found = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    is_on = found.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    if not is_on or found.get("AttributeName") != attribute:
        specification = f"Enabled=true,AttributeName={attribute}"
        command = "aws dynamodb update-time-to-live --table-name"
        yield "TTL is off: nothing expires by itself", f"{command} {name} --time-to-live-specification {specification}"


def _protection(client: Any, name: str, found: Properties, wanted: Properties) -> Iterator[Problem]:
    if wanted.get("DeletionProtectionEnabled") and not found.get("DeletionProtectionEnabled"):
        fix = f"aws dynamodb update-table --table-name {name} --deletion-protection-enabled"
        yield "deletion protection is off", fix
    if wanted.get("PointInTimeRecoverySpecification"):
        described = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        recovery = described.get("PointInTimeRecoveryDescription", {})
        if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
            command = f"aws dynamodb update-continuous-backups --table-name {name}"
            specification = "PointInTimeRecoveryEnabled=true"
            yield "point-in-time recovery is off", f"{command} --point-in-time-recovery-specification {specification}"


def concurrency(subject: Subject) -> Iterator[Finding]:
    """How many invocations may run at once: all functions together, and the webhook; raises botocore's errors."""
    if subject.is_local:
        return
    awslambda: Any = boto3.client("lambda")
    limit = awslambda.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if limit < SMALL_LIMIT:
        ask = f"--service-code lambda --quota-code {CONCURRENCY_QUOTA} --desired-value 1000"
        fix = f"aws service-quotas request-service-quota-increase {ask}"
        yield warn("concurrency", f"this account may run {limit} invocations at once, all functions together", fix)
    else:
        yield ok("concurrency", f"{limit} invocations at once")
    yield _reserved(subject, awslambda.get_function_concurrency(FunctionName=subject.webhook_function))


def _reserved(subject: Subject, found: Properties) -> Finding:
    what, fix = "webhook concurrency", subject.set_parameter("WebhookConcurrency", "")
    reserved = found.get("ReservedConcurrentExecutions")
    if reserved is None:
        return warn(what, "none is reserved: other load can block Stripe's events", fix)
    if reserved == 0:
        return wrong(what, "0 are allowed: every event from Stripe is refused", fix)
    return ok(what, f"{reserved} reserved")
