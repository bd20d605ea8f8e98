"""The one permission that the emulator's IAM cannot read as the template gives it."""

import json
from collections.abc import Iterator

from tools.deploy_local.stack import Stack

READING_SECRETS = "ssm:GetParameters"
POLICY = "any-parameter"


def let_secrets_be_read(stack: Stack) -> None:
    """Widen it to every parameter, for the roles that have it: the emulator asks for it on "*", not on the names."""
    iam = stack.client("iam")
    statement = {"Effect": "Allow", "Action": READING_SECRETS, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for role in _roles(stack):
        if READING_SECRETS in _policies(stack, role):
            iam.put_role_policy(RoleName=role, PolicyName=POLICY, PolicyDocument=document)


def _roles(stack: Stack) -> Iterator[str]:
    pages = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.name)
    for page in pages:
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::IAM::Role":
                yield resource["PhysicalResourceId"]


def _policies(stack: Stack, role: str) -> str:
    """All of a role's own policies, as text."""
    iam = stack.client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return json.dumps(found)
