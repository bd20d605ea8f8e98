"""A deployed stack as CloudFormation and Lambda describe it: outputs, tags, and the settings of its functions."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from ops import target
from ops.errors import CannotRunError

WEBHOOK_FUNCTION = "StripeWebhookFunction"
NEEDED = {"ApiUrl", "CreditsTableName", "OrdersTableName", "WebhookUrl"}


@dataclass(frozen=True)
class Deployment:
    """One stack; `environment` is that of the webhook function, which has all settings and no secret."""

    stack: str
    outputs: Mapping[str, str]
    tags: Mapping[str, str]
    environment: Mapping[str, str]
    webhook_function: str

    @property
    def secrets_prefix(self) -> str:
        return self.environment.get("SECRETS_PREFIX", "")


def find(stack: str) -> Deployment:
    """Describe a stack; raises CannotRunError."""
    outputs, tags = target.outputs_of(stack, NEEDED)
    function = target.physical_id(stack, WEBHOOK_FUNCTION)
    with target.explained(f"stack {stack}, {WEBHOOK_FUNCTION}"):
        awslambda: Any = boto3.client("lambda")
        configuration = awslambda.get_function_configuration(FunctionName=function)
    return Deployment(
        stack=stack,
        outputs=outputs,
        tags=tags,
        environment=configuration.get("Environment", {}).get("Variables", {}),
        webhook_function=function,
    )


def read_parameters(prefix: str, names: tuple[str, ...]) -> dict[str, Any]:
    """The decrypted parameters below `prefix` that exist, by their names; raises CannotRunError."""
    with target.explained(f"the parameters below {prefix}"):
        ssm: Any = boto3.client("ssm")
        response = ssm.get_parameters(Names=[f"{prefix}/{name}" for name in names], WithDecryption=True)
    return {found["Name"].removeprefix(f"{prefix}/"): found for found in response["Parameters"]}


def stripe_key(prefix: str) -> str:
    """The Stripe key: the one below the prefix, else that of the environment; raises CannotRunError."""
    name = "STRIPE_SECRET_KEY"
    stored = read_parameters(prefix, (name,)).get(name, {}).get("Value", "")
    key: str = stored.strip() or os.environ.get(name, "").strip()
    if not key:
        raise CannotRunError(f"{prefix}/{name} is not in Parameter Store, and {name} is not set: store or set it")
    return key
