"""The deployed stack: the names of its resources, and how to invoke its functions."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.client import broken

# A first invocation may take long on a busy machine. A retry would hide what the first one did.
ONCE = Config(read_timeout=60, retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Stack:
    """The stack of this name, in the AWS that the environment points to."""

    name: str
    endpoint: str

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        (described,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    @cached_property
    def template(self) -> Mapping[str, Any]:
        """The deployed template, as SAM has translated it."""
        body = self.client("cloudformation").get_template(StackName=self.name, TemplateStage="Processed")
        document: Mapping[str, Any] = _document(body["TemplateBody"])
        return document

    @property
    def webhook_url(self) -> str:
        """The webhook function's URL on the emulator's host: the deployed name is AWS's, and leads to AWS."""
        url_id = self.outputs["WebhookUrl"].removeprefix("https://").partition(".")[0]
        return f"{self.endpoint}/_aws/lambda-url/{url_id}/"

    def failures(self) -> list[str]:
        """Why the deployment failed, from CloudFormation's events."""
        try:
            pages = self.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=self.name)
            events = [event for page in pages for event in page["StackEvents"]]
        except ClientError:  # there is no stack yet
            return []
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        return [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed]

    def physical_id(self, logical_id: str) -> str:
        found = self.client("cloudformation").describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """The result of the function (a name or an ARN); raises BrokenPromiseError if it fails."""
        client = self.client("lambda")
        response = client.invoke(FunctionName=function, LogType="Tail", Payload=json.dumps(event).encode())
        document = json.loads(response["Payload"].read())
        if isinstance(document, dict) and document.get("statusCode", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            print("   its log:", base64.b64decode(response.get("LogResult", "")).decode("utf-8", "replace").strip())
        if "FunctionError" in response:
            broken(f"{function} returns a result; it failed with {document}")
        return document

    def client(self, service: str) -> Any:
        return boto3.client(service, config=ONCE)  # type: ignore[call-overload]


def _document(body: Any) -> Any:
    return json.loads(body) if isinstance(body, str) else body
