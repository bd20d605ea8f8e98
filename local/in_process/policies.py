"""What the template allows each function to do with the tables."""

from functools import cache
from pathlib import Path
from typing import Any

from local import ROOT
from local.aws.intrinsics import read_yaml

# Pairs of an action and a table or an index: ("dynamodb:Query", "OrdersTable/index/by_user").
Policy = set[tuple[str, str]]
# What Lambda itself does with the function's role, to read a table's stream.
OF_STREAMS = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}


@cache
def _resources() -> dict[str, Any]:
    resources: dict[str, Any] = read_yaml(ROOT / "template.yaml")["Resources"]
    return resources


@cache
def policy_of(function: str) -> Policy:
    """The statements about tables in the policies of a function's role."""
    resources = _resources()
    [properties] = [
        body["Properties"]
        for body in resources.values()
        if body["Type"] == "AWS::Serverless::Function" and Path(body["Properties"]["CodeUri"]).name == function
    ]
    role = resources[properties["Role"]["Fn::GetAtt"][0]]["Properties"]
    return {
        (action, table)
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in _as_list(statement["Action"])
        if action.startswith("dynamodb:") and action not in OF_STREAMS
        for table in map(_table_name, _as_list(statement["Resource"]))
    }


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _table_name(resource: Any) -> str:
    """OrdersTable for its Arn, OrdersTable/index/by_user for its index's Arn, where the stack creates its tables."""
    [(intrinsic, value)] = resource.items()
    if intrinsic == "Fn::If":
        [created] = value[1].values()
        return str(created[0])
    text, variables = value
    return str(text).replace("${Arn}", _table_name(variables["Arn"]))
