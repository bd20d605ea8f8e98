"""A deployed stack as CloudFormation and Lambda describe it: outputs, tags, and what its functions are told."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from ops.target import TargetError

WEBHOOK_FUNCTION = "StripeWebhookFunction"
NEEDED = ("ApiUrl", "CreditsTableName", "OrdersTableName", "WebhookUrl")


@dataclass(frozen=True)
class Deployment:
    """One stack; `environment` is the webhook function's, which has all settings and no secret."""

    stack: str
    outputs: Mapping[str, str]
    tags: Mapping[str, str]
    environment: Mapping[str, str]
    webhook_function: str

    @property
    def secrets_prefix(self) -> str:
        return self.environment.get("SECRETS_PREFIX", "")


def find(stack: str) -> Deployment:
    """Describe a stack; raises TargetError where it is none of Topup's, and botocore's errors."""
    cloudformation: Any = boto3.client("cloudformation")
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}
    missing = [name for name in NEEDED if name not in outputs]
    if missing:
        raise TargetError(f"stack {stack} has no output {', '.join(missing)}: is it one of Topup's?")
    resource = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=WEBHOOK_FUNCTION)
    function = resource["StackResourceDetail"]["PhysicalResourceId"]
    awslambda: Any = boto3.client("lambda")
    configuration = awslambda.get_function_configuration(FunctionName=function)
    return Deployment(
        stack=stack,
        outputs=outputs,
        tags={tag["Key"]: tag["Value"] for tag in described.get("Tags", ())},
        environment=configuration.get("Environment", {}).get("Variables", {}),
        webhook_function=function,
    )


def read_parameters(prefix: str, names: tuple[str, ...]) -> dict[str, Any]:
    """The decrypted parameters below `prefix` that exist, by their names; raises botocore's errors."""
    ssm: Any = boto3.client("ssm")
    answer = ssm.get_parameters(Names=[f"{prefix}/{name}" for name in names], WithDecryption=True)
    return {found["Name"].removeprefix(f"{prefix}/"): found for found in answer["Parameters"]}


def stripe_key(prefix: str) -> str:
    """The Stripe key: below the prefix, else from the environment; raises TargetError."""
    name = "STRIPE_SECRET_KEY"
    stored = read_parameters(prefix, (name,)).get(name, {}).get("Value", "")
    key: str = stored.strip() or os.environ.get(name, "").strip()
    if not key:
        raise TargetError(f"there is no {prefix}/{name} in Parameter Store, and {name} is not set either")
    return key
