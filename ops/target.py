"""The stack that a command works on: the local one that `make run` has started, or a deployed one."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local import ROOT, discovery
from local.discovery import RunningStack
from ops.errors import CannotRunError
from topup.runtime import config
from topup.runtime.start import CHAOS
from topup.store import client as dynamodb_client

ALIAS = "live"  # the version that is in use, as template.yaml names it
LONGEST_INVOCATION = 310  # seconds; reconcile's own limit is 300

# What to do about a failed request to AWS, by botocore's exception or by the error code of the response.
BUSY = "the table is busy: run it again at a quieter hour"
SIGN_IN = "sign in to AWS (`aws sso login`), or set AWS_PROFILE"
ADVICE = {
    "NoCredentialsError": SIGN_IN,
    "PartialCredentialsError": SIGN_IN,
    "ExpiredToken": SIGN_IN,
    "ExpiredTokenException": SIGN_IN,
    "InvalidClientTokenId": SIGN_IN,
    "UnrecognizedClientException": SIGN_IN,
    "NoRegionError": "set AWS_REGION, or a region in your AWS profile",
    "ValidationError": "check the stack's name, AWS_PROFILE and AWS_REGION",  # CloudFormation: no such stack
    "ProvisionedThroughputExceededException": BUSY,
    "RequestLimitExceeded": BUSY,
    "ThrottlingException": BUSY,
    "AccessDenied": "docs/runbook.md lists the permissions that each command needs",
    "AccessDeniedException": "docs/runbook.md lists the permissions that each command needs",
}


def local_stack(root: Path = ROOT) -> RunningStack:
    """The stack that `make run` has started in this checkout; raises CannotRunError."""
    found = discovery.find(root)
    if found is None:
        raise CannotRunError(
            "no local stack is running: start one with `make run`, or name a deployed one with --stack (make: STACK=)"
        )
    return found


def outputs_of(stack: str, needed: set[str]) -> tuple[dict[str, str], dict[str, str]]:
    """A deployed stack's outputs and tags; raises CannotRunError where one of the `needed` outputs is missing."""
    with explained(f"stack {stack}"):
        described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}
    if missing := needed - outputs.keys():
        raise CannotRunError(f"stack {stack} has no output {', '.join(sorted(missing))}: is it a stack of Topup?")
    return outputs, {tag["Key"]: tag["Value"] for tag in described.get("Tags", ())}


def parameters_of(stack: str) -> dict[str, str] | None:
    """The parameters of a deployed stack; None if there is none of this name. Raises CannotRunError."""
    with explained(f"stack {stack}"):
        try:
            [found] = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
    listed: Any = found.get("Parameters", ())
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in listed}


def deployed_tables(stack: str) -> dict[str, str]:
    """The environment that leads to a deployed stack's tables; raises CannotRunError."""
    outputs, _ = outputs_of(stack, {"OrdersTableName", "CreditsTableName"})
    return {
        "STACK_NAME": stack,
        "ORDERS_TABLE": outputs["OrdersTableName"],
        "CREDITS_TABLE": outputs["CreditsTableName"],
        "FRONTEND_URL": "https://unused.invalid",  # a required setting that no command uses
    }


def physical_id(stack: str, logical_id: str) -> str:
    """The name that CloudFormation gave to a resource of the template; raises CannotRunError."""
    with explained(f"stack {stack}, {logical_id}"):
        found = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    name: str = found["StackResourceDetail"]["PhysicalResourceId"]
    return name


def invoke_deployed(stack: str, function: str, event: Mapping[str, Any]) -> Any:
    """The response of a deployed stack's function (its logical id); raises CannotRunError."""
    once = Config(read_timeout=LONGEST_INVOCATION, retries={"total_max_attempts": 1})
    name = physical_id(stack, function)
    with explained(f"stack {stack}, {function}"):
        response = boto3.client("lambda", config=once).invoke(
            FunctionName=name, Qualifier=ALIAS, Payload=json.dumps(event).encode()
        )
        document = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        raise CannotRunError(f"{name} failed: {document.get('errorType')}: {document.get('errorMessage')}")
    return document


def report_violations(stack: str, violations: int) -> None:
    """Write the metric that the deployed stack's alarm watches; raises CannotRunError."""
    metric: Any = {
        "MetricName": "AuditViolations",
        "Dimensions": [{"Name": "service", "Value": stack}],
        "Unit": "Count",
        "Value": violations,
    }
    with explained(f"stack {stack}, its metrics"):
        boto3.client("cloudwatch").put_metric_data(Namespace="Topup", MetricData=[metric])


def read_object(bucket: str, key: str) -> bytes:
    """An object of S3; raises CannotRunError."""
    with explained(f"s3://{bucket}/{key}"):
        content: bytes = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


@contextmanager
def tables(environment: Mapping[str, str]) -> Iterator[None]:
    """Inside the block `topup.store` works on the tables that these variables name.

    Undisturbed: a drill's faults are for the stack's functions, not for who looks after it.
    """
    before = dict(os.environ)
    os.environ.update({**environment, CHAOS: ""})
    _clear_caches()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        _clear_caches()


def _clear_caches() -> None:
    config.settings.cache_clear()
    dynamodb_client.client.cache_clear()


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Raise CannotRunError, with advice, for a request to AWS or to the local stack that fails inside the block."""
    try:
        yield
    except (BotoCoreError, ClientError, httpx.HTTPError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        advice = f" → {ADVICE[code]}" if code in ADVICE else ""
        raise CannotRunError(" ".join(f"{what}: {error}{advice}".split())) from error
