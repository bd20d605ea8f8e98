"""The stack as it is now: its parameters and outputs."""

from collections.abc import Iterable, Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from ops import target
from ops.errors import CannotRunError


def parameters(stack: str) -> dict[str, str] | None:
    """The parameters of a deployed stack; None if there is none of this name. Raises CannotRunError."""
    with target.explained(f"stack {stack}"):
        try:
            [found] = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
    listed: Any = found.get("Parameters", ())
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in listed}


def unasked(present: Mapping[str, str], wanted: Mapping[str, str], named: Iterable[str]) -> list[str]:
    """The parameters that a deployment would change although nobody has named them now, one sentence each."""
    return [
        f"{name} is {present[name]!r} in the stack and {value!r} in the files"
        for name, value in sorted(wanted.items())
        if name in present and present[name] != value and name not in set(named)
    ]


def refuse(stack: str, changes: Iterable[str]) -> None:
    """Raise CannotRunError if there are changes that nobody has asked for: another checkout may have made them."""
    listed = "".join(f"\n  {change}" for change in changes)
    if listed:
        raise CannotRunError(
            f"this would also change {stack} where the command line does not say so:{listed}\n"
            "Set each as it should be with SET=NAME=VALUE, or take all values of the files with ACCEPT=1."
        )
