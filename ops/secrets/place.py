"""Where the secrets of a stack are stored: below one SSM prefix, encrypted with one KMS key.

Of a stack that is deployed, its own parameters count; before that, those that its stage will be deployed with.
"""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3

from ops import stages, target
from ops.errors import CannotRunError

ACCOUNTS_KEY = "alias/aws/ssm"  # the account's own key for Parameter Store, which each of its principals may use
ENCRYPTED = "SecureString"
MOST_CHARACTERS = 4096  # of a standard parameter (AWS Systems Manager User Guide, "Managing parameter tiers")


@dataclass(frozen=True)
class Stored:
    """One secret as it is stored."""

    value: str = field(repr=False)
    kind: str  # SecureString, or String for clear text
    key: str  # how the KMS key was named when it was written: its ARN, its id or an alias
    description: str = ""
    written_at: datetime | None = None


@dataclass(frozen=True)
class Place:
    """The prefix, and the ARN of the KMS key; no ARN is the account's own key. Methods raise botocore's errors."""

    prefix: str
    key: str = ""

    def path(self, name: str) -> str:
        return f"{self.prefix}/{name}"

    def read(self, names: Iterable[str]) -> dict[str, Stored]:
        """The secrets that exist, by their names."""
        ssm: Any = boto3.client("ssm")
        paths = [self.path(name) for name in names]
        values = ssm.get_parameters(Names=paths, WithDecryption=True)["Parameters"]
        described = {one["Name"]: one for one in _described("Name", "Equals", paths)}
        return {
            found["Name"].removeprefix(f"{self.prefix}/"): Stored(
                value=found["Value"].strip(),
                kind=found["Type"],
                key=described.get(found["Name"], {}).get("KeyId", ""),
                description=described.get(found["Name"], {}).get("Description", ""),
                written_at=found["LastModifiedDate"],
            )
            for found in values
        }

    def write(self, name: str, value: str, description: str = "") -> None:
        """Store a secret, encrypted, in place of what is there; raises CannotRunError if it is too long."""
        if len(value) > MOST_CHARACTERS:
            raise CannotRunError(
                f"{self.path(name)} would have {len(value)} characters, and Parameter Store takes {MOST_CHARACTERS}:"
                " first drop what is not in use any more. Nothing was changed"
            )
        ssm: Any = boto3.client("ssm")
        if any(found.kind != ENCRYPTED for found in self.read([name]).values()):
            ssm.delete_parameter(Name=self.path(name))  # the type of a parameter cannot be changed
        ssm.put_parameter(
            Name=self.path(name),
            Value=value,
            Type=ENCRYPTED,
            KeyId=self.key or ACCOUNTS_KEY,
            Description=description,
            Overwrite=True,
        )

    def is_safe(self, stored: Stored) -> bool:
        """Whether it is encrypted with the right key. (An alias that someone made may be a name of the right key.)"""
        if stored.kind != ENCRYPTED:
            return False
        wanted = self.key or ACCOUNTS_KEY
        is_alias = stored.key.startswith("alias/") and stored.key != ACCOUNTS_KEY
        return stored.key == wanted or wanted.endswith(f"/{stored.key}") or (bool(self.key) and is_alias)


def chosen_by(options: Namespace) -> Place:
    """Of the stage or the stack that the command line names; raises CannotRunError."""
    if bool(options.stage) == bool(options.stack):
        raise CannotRunError("name the stage with --stage, or a stack with --stack (make: STAGE= or STACK=)")
    return of_stage(options.stage, options.root) if options.stage else of_stack(options.stack)


def of_stage(name: str, root: Path) -> Place:
    """Raises CannotRunError."""
    stage = stages.find(name, root)
    return _of(stage.parameters | (target.parameters_of(stage.stack) or {}), f"the stage {name}")


def of_stack(stack: str) -> Place:
    """Raises CannotRunError."""
    found = target.parameters_of(stack)
    if found is None:
        raise CannotRunError(f"there is no stack {stack}: check its name, AWS_PROFILE and AWS_REGION")
    return _of(found, f"stack {stack}")


def of_prefix(prefix: str) -> Place:
    """What is written there has the key of what is there."""
    keys = {found.get("KeyId", "") for found in _described("Path", "OneLevel", [prefix])}
    own = sorted(keys - {ACCOUNTS_KEY, ""})
    return Place(prefix, own[0] if own else "")


def _described(key: str, option: str, values: list[str]) -> Iterator[Mapping[str, Any]]:
    """The parameters that a filter finds. AWS may answer with a page that is empty and not the last one."""
    ssm: Any = boto3.client("ssm")
    request: dict[str, Any] = {"ParameterFilters": [{"Key": key, "Option": option, "Values": values}]}
    while True:
        page = ssm.describe_parameters(**request)
        yield from page["Parameters"]
        if not page.get("NextToken"):
            return
        request["NextToken"] = page["NextToken"]


def _of(parameters: Mapping[str, str], what: str) -> Place:
    if not parameters.get("SecretsPrefix"):
        raise CannotRunError(f"{what} has no parameter SecretsPrefix: is it a stack of Topup?")
    return Place(parameters["SecretsPrefix"], key_of(parameters))


def key_of(parameters: Mapping[str, str]) -> str:
    """The ARN of the secrets' own key, else of the key for everything; empty for the account's."""
    return parameters.get("SecretsKeyArn") or parameters.get("DataKeyArn", "")
