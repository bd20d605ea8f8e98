"""The parts of template.yaml that tests look at, read once in a process. Tests do not change them."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from local import ROOT
from local.aws.intrinsics import Resolver, read_yaml


@cache
def document() -> dict[str, Any]:
    return read_yaml(ROOT / "template.yaml")


def resolver(**parameters: str) -> Resolver:
    """The template's conditions and values for these parameters; the others have their defaults."""
    given = {"FrontendUrls": "https://shop.example", "SecretsPrefix": "/topup/test", **parameters}
    return Resolver(document(), {name.replace("__", "::"): value for name, value in given.items()}, {})


def resources(kind: str) -> dict[str, Any]:
    """The resources of this type by their logical ids."""
    return {name: body for name, body in document()["Resources"].items() if body["Type"] == kind}


def functions() -> dict[str, Any]:
    """The properties of each function by its folder."""
    by_name = {
        Path(body["Properties"]["CodeUri"]).name: body["Properties"]
        for body in resources("AWS::Serverless::Function").values()
    }
    assert len(by_name) == len(resources("AWS::Serverless::Function"))
    return by_name


def policy_of(function: str) -> list[tuple[list[str], list[str]]]:
    """The actions and resources of each statement of a function's own role."""
    role, attribute = functions()[function]["Role"]["Fn::GetAtt"]
    assert attribute == "Arn"
    properties = resources("AWS::IAM::Role")[role]["Properties"]
    statements = [part for policy in properties["Policies"] for part in policy["PolicyDocument"]["Statement"]]
    assert all(statement["Effect"] == "Allow" for statement in statements)

    def listed(value: Any) -> list[str]:
        return [str(part) for part in (value if isinstance(value, list) else [value])]

    return [(listed(statement["Action"]), listed(statement["Resource"])) for statement in statements]


def alarms() -> dict[str, Any]:
    """The properties of each alarm by its logical id."""
    return {name: body["Properties"] for name, body in resources("AWS::CloudWatch::Alarm").items()}


def references(value: Any) -> Iterator[str]:
    """The logical ids and parameters that a part of the template refers to."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "Ref":
                yield item
            elif name == "Fn::GetAtt":
                yield item[0]
            elif name == "Fn::Sub":
                yield from placeholders(item if isinstance(item, str) else item[0])
            else:
                yield from references(item)


def placeholders(text: str) -> Iterator[str]:
    for name in re.findall(r"\$\{([^!}]+)\}", text):
        yield name.partition(".")[0]
