"""Two changes that the emulator needs: one to the built template, one to the deployed roles."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.aws.intrinsics import read_yaml
from tools.deploy_local.stack import Stack

# It replaces an expression, so that the alarm exists and can be referenced; nothing is ever counted in it.
PLAIN_METRIC = {"Namespace": "DeployLocal", "MetricName": "Expression", "Statistic": "Sum", "Period": 60}
READ_PARAMETERS = "ssm:GetParameters"
POLICY = "any-parameter"


def replace_metric_math(template: Path) -> list[str]:
    """Give each alarm over an expression a plain metric, in the file; the logical ids of these alarms."""
    document: dict[str, Any] = dict(read_yaml(template))
    changed = []
    for logical_id, resource in document["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::CloudWatch::Alarm" and properties.pop("Metrics", None):
            properties.update(PLAIN_METRIC)
            changed.append(logical_id)
    template.write_text(json.dumps(document, default=str))  # JSON is YAML; YAML reads the format's version as a date
    return changed


def allow_every_parameter(stack: Stack) -> None:
    """Widen the permission to read parameters, for the roles that have it: the emulator checks it against "*"."""
    iam = stack.client("iam")
    statement = {"Effect": "Allow", "Action": READ_PARAMETERS, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for role in _roles(stack):
        if READ_PARAMETERS in _policies(stack, role):
            iam.put_role_policy(RoleName=role, PolicyName=POLICY, PolicyDocument=document)


def _roles(stack: Stack) -> Iterator[str]:
    pages = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.name)
    for page in pages:
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::IAM::Role":
                yield resource["PhysicalResourceId"]


def _policies(stack: Stack, role: str) -> str:
    """All inline policies of a role, as text."""
    iam = stack.client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return json.dumps(found)
