"""The stack that `doctor` checks, local or deployed, with its settings and secrets in one environment."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from local import discovery, settings
from local import environment as local_environment
from local.aws import template
from local.aws.intrinsics import TemplateError
from local.settings import SECRETS, SettingsError
from ops import deployed, stages, target
from ops.errors import CannotRunError
from ops.secrets.place import ENCRYPTED, Place, key_of

WEBHOOK_PATH = "/api/payments/webhook/stripe"
LOCAL = "local"


@dataclass(frozen=True)
class Finding:
    """One line of the report; `fix` is the command, or the step, that corrects the problem."""

    level: str  # ok, warn or wrong
    what: str
    says: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.level:<6} {self.what}: {self.says}" + (f" → {self.fix}" if self.fix else "")


def ok(what: str, says: str) -> Finding:
    return Finding("ok", what, says)


def warn(what: str, says: str, fix: str) -> Finding:
    return Finding("warn", what, says, fix)


def wrong(what: str, says: str, fix: str) -> Finding:
    return Finding("wrong", what, says, fix)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A stack. `environment` holds its secrets too, so it is never shown."""

    stage: str
    environment: Mapping[str, str] = field(repr=False)
    api_url: str = ""
    webhook_urls: tuple[str, ...] = ()
    stack: str = ""
    deployed_as: str | None = None  # the stage of samconfig.toml that deploys this stack
    prefix: str = ""
    webhook_function: str = ""
    topics: Mapping[str, str] = field(default_factory=dict)  # the alarms' topics, by the stack's outputs
    is_running: bool = True
    clear_text: tuple[str, ...] = ()  # secrets that are not stored as SecureStrings
    wrong_key: tuple[str, ...] = ()  # secrets that are not encrypted with the stack's KMS key

    @property
    def is_local(self) -> bool:
        return self.stage == LOCAL

    @property
    def is_simulated(self) -> bool:
        return bool(self.environment.get("STRIPE_API_BASE"))

    def set_secret(self, name: str) -> str:
        """The command that stores a secret."""
        if self.is_local:
            return f"set {name} in .env"
        return self.secrets(f"REPLACE={name}")

    def secrets(self, *options: str) -> str:
        """The command that stores secrets; it asks for them."""
        return " ".join(["make secrets", f"STACK={self.stack}", *options])

    def set_parameter(self, *names: str, variables: str) -> str:
        """The command that asks for parameters of the template, and deploys them."""
        return f"set {variables} in .env" if self.is_local else self.deploy(f'ASK="{" ".join(names)}"')

    def deploy(self, *options: str) -> str:
        """The command that deploys the stack's stage again, with these parameters and the stage's own ones."""
        if self.deployed_as is None:
            return f"no stage of samconfig.toml has the stack_name {self.stack}: add one, then run doctor again"
        return " ".join(["make deploy", f"STAGE={self.deployed_as}", *options])

    def set_up_webhook(self, *options: str) -> str:
        return " ".join(["make stripe-webhook", f"STACK={self.stack}", *options, "APPLY=1"])


def of_stack(stack: str, root: Path, more_urls: Iterable[str] = ()) -> Subject:
    """A deployed stack; raises CannotRunError."""
    found = deployed.find(stack)
    known = stages.of_stack(stack, root)
    prefix = found.secrets_prefix
    where = Place(prefix, key_of(target.parameters_of(stack) or {}))
    with target.explained(f"the parameters below {prefix}"):
        stored = where.read(SECRETS)
    secrets = {name: stored[name].value if name in stored else "" for name in SECRETS}
    clear_text = tuple(name for name, secret in stored.items() if secret.kind != ENCRYPTED)
    route = found.outputs["ApiUrl"] + WEBHOOK_PATH
    is_open = found.outputs.get("WebhookDoor") != "function-url"
    urls = (found.outputs["WebhookUrl"], *([route] if is_open else []), *more_urls)
    tables = {"ORDERS_TABLE": found.outputs["OrdersTableName"], "CREDITS_TABLE": found.outputs["CreditsTableName"]}
    return Subject(
        stage=found.tags.get("stage") or prefix.rpartition("/")[2],
        environment={**found.environment, **tables, **secrets, "SECRETS_PREFIX": "", "SECRETS": ""},
        api_url=found.outputs["ApiUrl"],
        webhook_urls=urls,
        stack=stack,
        deployed_as=known.name if known else None,
        prefix=prefix,
        webhook_function=found.webhook_function,
        topics={name: arn for name, arn in found.outputs.items() if name.endswith("TopicArn")},
        clear_text=clear_text,
        wrong_key=tuple(name for name, one in stored.items() if name not in clear_text and not where.is_safe(one)),
    )


def of_local(root: Path) -> Subject:
    """The local stack that runs, or else the one that `make run` would start; raises CannotRunError."""
    try:
        chosen = settings.load(root, os.environ)
        declared = template.read(root / "template.yaml", local_environment.parameters(chosen)).environment
    except (SettingsError, TemplateError) as error:
        raise CannotRunError(str(error)) from error
    running = discovery.find(root)
    secrets = {name: chosen.values[name] for name in SECRETS}
    if running is None:
        return Subject(stage=LOCAL, environment={**declared, **secrets, "STRIPE_API_BASE": ""}, is_running=False)
    addresses = running.addresses
    return Subject(
        stage=LOCAL,
        environment={**running.environment, **secrets, "STRIPE_API_BASE": addresses["stripe"] or ""},
        api_url=addresses["api"],
        webhook_urls=(addresses["webhook"], addresses["api"] + WEBHOOK_PATH),
    )


def dynamodb() -> Any:
    """A client for requests that the store does not make."""
    return boto3.client("dynamodb")
