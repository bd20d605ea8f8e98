"""Check the tables against the template, and how many invocations AWS lets run at once."""

import json
import shlex
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
FOR_THE_WEBHOOK = 20  # concurrent executions: the default of the template's WebhookConcurrency
NEVER_RESERVED = 100  # AWS Lambda, "Reserved concurrency": so much of the account's limit stays for all functions
CONCURRENCY_QUOTA = "L-B99A9384"  # Lambda, "Concurrent executions"
RESTART = "stop the local stack, and make run"
RESTORE = 'docs/runbook.md says how: "Restoring the tables"'

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
        yield wrong(what, "it does not exist", RESTART if subject.is_local else RESTORE)
        return
    problems = [*_shape(found, wanted), *_ttl(client, name, wanted)]
    if not subject.is_local:  # the local tables have no backups
        problems += _protection(client, name, found, wanted)
    for says, fix in problems:
        yield wrong(what, says, RESTART if subject.is_local else fix)
    if not problems:
        checked = "keys, indexes, TTL, stream" + ("" if subject.is_local else ", backups, protection")
        yield ok(what, f"as {logical_id} in the template: {checked}")


Problem = tuple[str, str]


def _shape(found: Properties, wanted: Properties) -> Iterator[Problem]:
    if _keys(found) != _keys(wanted):
        yield "its keys are not the template's: it is another table", RESTORE
    indexes = {index["IndexName"]: index for index in found.get("GlobalSecondaryIndexes", ())}
    for index in wanted.get("GlobalSecondaryIndexes", ()):
        actual, name = indexes.get(index["IndexName"]), index["IndexName"]
        if actual is None:
            yield f"index {name} is missing", _create_index(found["TableName"], wanted, index)
        elif _keys(actual) != _keys(index) or actual["Projection"] != index["Projection"]:
            yield f"index {name} is not the template's", "delete it, then run doctor again"
        elif actual.get("IndexStatus", "ACTIVE") != "ACTIVE":
            yield f"index {name} is {actual['IndexStatus']}", "wait, then run doctor again"
    yield from _stream(found, wanted)


def _stream(found: Properties, wanted: Properties) -> Iterator[Problem]:
    view = wanted.get("StreamSpecification", {}).get("StreamViewType")
    actual = found.get("StreamSpecification", {}).get("StreamViewType")
    if view is None or actual in (view, "NEW_AND_OLD_IMAGES"):
        return
    command = f"aws dynamodb update-table --table-name {found['TableName']} --stream-specification"
    # Only a table without a stream can get one of another view.
    on, off = f"StreamEnabled=true,StreamViewType={view}", "StreamEnabled=false"
    yield f"its stream is not {view}: the functions on it are not notified", f"{command} {off if actual else on}"


def _create_index(table: str, wanted: Properties, index: Properties) -> str:
    keys = {key["AttributeName"] for key in index["KeySchema"]}
    attributes = [one for one in wanted["AttributeDefinitions"] if one["AttributeName"] in keys]
    changes = shlex.quote(json.dumps([{"Create": index}]))
    definitions = f"--attribute-definitions {shlex.quote(json.dumps(attributes))}"
    return f"aws dynamodb update-table --table-name {table} {definitions} --global-secondary-index-updates {changes}"


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
    can_reserve = limit >= NEVER_RESERVED + FOR_THE_WEBHOOK
    if can_reserve:
        yield ok("concurrency", f"{limit} invocations at once")
    else:
        says = f"this account may run {limit} invocations at once: too few to reserve {FOR_THE_WEBHOOK}"
        yield warn("concurrency", says, _ask_for_more())
    reserved = awslambda.get_function_concurrency(FunctionName=subject.webhook_function)
    fix = subject.deploy(f"SET=WebhookConcurrency={FOR_THE_WEBHOOK}") if can_reserve else _ask_for_more()
    yield _reserved(reserved.get("ReservedConcurrentExecutions"), fix)


def _ask_for_more() -> str:
    ask = f"--service-code lambda --quota-code {CONCURRENCY_QUOTA} --desired-value 1000"
    return f"aws service-quotas request-service-quota-increase {ask}"


def _reserved(reserved: int | None, fix: str) -> Finding:
    what = "webhook concurrency"
    if reserved is None:
        return warn(what, "none is reserved: other load can block Stripe's events, and nothing bounds their own", fix)
    if reserved == 0:
        return wrong(what, "0 are allowed: every event from Stripe is refused", fix)
    return ok(what, f"{reserved} reserved")
