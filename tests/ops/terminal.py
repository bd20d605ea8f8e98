"""Somebody at a terminal, who runs a command that stores secrets; Parameter Store and CloudFormation are emulated."""

import getpass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ops import cli

PREFIX = "/topup/staging"
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
OTHER_KEY = "arn:aws:kms:us-east-1:123456789012:key/66666666-7777-8888-9999-000000000000"
STRIPE = "sk_test_51abc"
API_KEY = "a-key-that-was-typed-by-hand"
JWT_SECRET = "a-secret-of-more-than-thirty-two-bytes"
WEBHOOK_SECRET = "whsec_of_the_first_endpoint"


class CloudFormation:
    """The parameters of each deployed stack."""

    def __init__(self) -> None:
        self.stacks: dict[str, dict[str, str]] = {}

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 - AWS's name
        if StackName not in self.stacks:
            says = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": says}}, "DescribeStacks")
        pairs = self.stacks[StackName].items()
        return {"Stacks": [{"Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in pairs]}]}


class Operator:
    """Somebody at a terminal, who runs the command in a checkout and answers its questions."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.ssm: Any = boto3.client("ssm")
        self.cloudformation = CloudFormation()
        clients = {"ssm": self.ssm, "cloudformation": self.cloudformation}
        monkeypatch.setattr("boto3.client", clients.__getitem__)
        self.printed = ""  # all of it
        self.shown = ""  # on the standard output
        self.asked: list[str] = []
        self._answers: list[str] = []
        self._capsys = capsys
        monkeypatch.setattr(getpass, "getpass", self._type)

    def _type(self, prompt: str) -> str:
        self.asked.append(prompt.partition(" ")[0])
        if not self._answers:
            raise EOFError
        return self._answers.pop(0)

    def run(
        self,
        *arguments: str,
        answers: tuple[str, ...] = (),
        stage: str | None = "staging",
        command: str = "secrets",
    ) -> int:
        self.asked.clear()
        self._answers = list(answers)
        which = ["--stage", stage] if stage else []
        code = cli.main([command, *which, *arguments], root=self.root)
        self.shown, complaints = self._capsys.readouterr()
        self.printed = self.shown + complaints
        assert not self._answers, "not every answer was asked for"
        return code

    def store(self, name: str, value: str, **how: Any) -> None:
        given = {"Type": "SecureString", "Overwrite": True} | how
        self.ssm.put_parameter(Name=f"{PREFIX}/{name}", Value=value, **given)

    def store_all(self, **how: Any) -> None:
        for name, value in (("STRIPE_SECRET_KEY", STRIPE), ("PROXY_API_KEY", API_KEY), ("JWT_SECRET", JWT_SECRET)):
            self.store(name, value, **how)

    def stored(self, name: str) -> str:
        return str(self.ssm.get_parameter(Name=f"{PREFIX}/{name}", WithDecryption=True)["Parameter"]["Value"])

    def described(self) -> dict[str, tuple[str, str]]:
        """The type and the key of each parameter."""
        return {
            one["Name"].rpartition("/")[2]: (one["Type"], one.get("KeyId", ""))
            for one in self.ssm.describe_parameters()["Parameters"]
        }

    def deploy(self, **parameters: str) -> None:
        """The stack of the stage."""
        self.cloudformation.stacks["topup-staging"] = {"SecretsPrefix": PREFIX, "SecretsKeyArn": ""} | parameters

    def answer_file(self, text: str) -> None:
        (self.root / ".deploy").mkdir()
        (self.root / ".deploy/staging.toml").write_text(text)
