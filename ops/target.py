"""What a command works on: the stack that `make run` has started here, or a deployed one."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local import ROOT, discovery
from local.discovery import RunningStack
from topup.runtime import config
from topup.store import client as dynamodb_client

ALIAS = "live"  # the version that is in use, as template.yaml names it
LONGEST_INVOCATION = 310  # seconds; reconcile's own limit is 300


class TargetError(Exception):
    """There is nothing to work on; the message says in one line what is missing, and what to do."""


def local_stack(root: Path = ROOT) -> RunningStack:
    """The stack that `make run` has started here; raises TargetError."""
    found = discovery.find(root)
    if found is None:
        raise TargetError("no local stack is running: start one with `make run`, or name a deployed one with STACK=…")
    return found


def deployed_tables(stack: str) -> dict[str, str]:
    """The environment of a deployed stack's tables; raises TargetError."""
    with _told_in_one_line(f"stack {stack}"):
        described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}
    missing = {"OrdersTableName", "CreditsTableName"} - outputs.keys()
    if missing:
        raise TargetError(f"stack {stack} has no output {', '.join(sorted(missing))}: is it one of Topup's?")
    return {
        "STACK_NAME": stack,
        "ORDERS_TABLE": outputs["OrdersTableName"],
        "CREDITS_TABLE": outputs["CreditsTableName"],
        "FRONTEND_URL": "https://unused.invalid",  # the settings want one; nothing here asks for it
    }


def invoke_deployed(stack: str, function: str, event: Mapping[str, Any]) -> Any:
    """What a deployed stack's function (its logical id) answers; raises TargetError."""
    once = Config(read_timeout=LONGEST_INVOCATION, retries={"total_max_attempts": 1})
    with _told_in_one_line(f"stack {stack}, {function}"):
        found = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=function)
        name = found["StackResourceDetail"]["PhysicalResourceId"]
        answer = boto3.client("lambda", config=once).invoke(
            FunctionName=name, Qualifier=ALIAS, Payload=json.dumps(event).encode()
        )
        document = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise TargetError(f"{name} failed: {document.get('errorType')}: {document.get('errorMessage')}")
    return document


def report_violations(stack: str, violations: int) -> None:
    """Tell the deployed stack's alarm what an audit has found; raises TargetError."""
    metric: Any = {
        "MetricName": "AuditViolations",
        "Dimensions": [{"Name": "service", "Value": stack}],
        "Unit": "Count",
        "Value": violations,
    }
    with _told_in_one_line(f"stack {stack}, its metrics"):
        boto3.client("cloudwatch").put_metric_data(Namespace="Topup", MetricData=[metric])


def read_object(bucket: str, key: str) -> bytes:
    """An object of S3; raises TargetError."""
    with _told_in_one_line(f"s3://{bucket}/{key}"):
        content: bytes = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


@contextmanager
def tables(environment: Mapping[str, str]) -> Iterator[None]:
    """Inside the block `topup.store` works on the tables that these variables name."""
    before = dict(os.environ)
    os.environ.update(environment)
    _forget()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        _forget()


def _forget() -> None:
    config.settings.cache_clear()
    dynamodb_client.client.cache_clear()


@contextmanager
def _told_in_one_line(what: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise TargetError(f"{what}: {error}") from error
