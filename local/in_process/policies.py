"""What the template allows each function to do with the tables."""

from functools import cache
from pathlib import Path
from typing import Any

from local import ROOT
from local.aws.intrinsics import read_yaml

# Pairs of an action and a table or an index: ("dynamodb:Query", "OrdersTable/index/by_user").
Policy = set[tuple[str, str]]


@cache
def policy_of(function: str) -> Policy:
    """The DynamoDB statements of a function's policies."""
    resources = read_yaml(ROOT / "template.yaml")["Resources"]
    [properties] = [
        body["Properties"]
        for body in resources.values()
        if body["Type"] == "AWS::Serverless::Function" and Path(body["Properties"]["CodeUri"]).name == function
    ]
    return {
        (action, table)
        for policy in properties.get("Policies", [])
        for statement in policy["Statement"]
        for action in _as_list(statement["Action"])
        if action.startswith("dynamodb:")
        for table in map(_table_name, _as_list(statement["Resource"]))
    }


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _table_name(resource: Any) -> str:
    """OrdersTable for its Arn, OrdersTable/index/by_user for its index's Arn."""
    [(intrinsic, value)] = resource.items()
    if intrinsic == "Fn::GetAtt":
        return str(value[0] if isinstance(value, list) else value.partition(".")[0])
    return str(value).replace("${", "").replace(".Arn}", "")
