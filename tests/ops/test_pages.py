"""What the operators' pages quote exists: commands with their options, metrics, log messages, and permissions."""

import re
import shlex
import subprocess

import pytest

from local import ROOT
from local.aws.intrinsics import read_yaml
from ops import cli, commands

NAMES = ("runbook", "troubleshooting", "deploy")
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in NAMES}
SOURCES = "".join(
    path.read_text(encoding="utf-8")
    for folder in ("layers/topup", "functions", "ops")
    for path in (ROOT / folder).rglob("*.py")
)


def quoted(pattern: str, *pages: str) -> list[str]:
    return sorted({found for page in pages or PAGES for found in re.findall(pattern, PAGES[page])})


@pytest.mark.parametrize(
    "command", quoted(rf"(make (?:{'|'.join(commands.COMMANDS)})(?: [A-Z_]+=(?:\"[^\"]*\"|[^\s`]+))*)")
)
def test_every_make_command_is_a_command_of_ours(command: str):
    if command in ("make replay-expiry", "make replay-events"):
        command += " FILE=batch.json"  # in a table, where the section below names the file
    printed = subprocess.run(
        ["make", "--dry-run", *shlex.split(command)[1:]], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    [line] = [line for line in printed.replace("\\\n", " ").splitlines() if "-m ops" in line]
    options = vars(cli.parser().parse_args(shlex.split(line.partition("-m ops")[2])))
    chosen = {name for name, value in options.items() if value not in (None, []) and value is not False}
    assert {variable.lower() for variable in re.findall(r"([A-Z_]+)=", command)} <= chosen


@pytest.mark.parametrize("command", quoted(r"python -m ops (\w[^#`\n]*)"))
def test_every_command_typed_by_hand_is_valid(command: str):
    assert cli.parser().parse_args(command.split()).command in commands.COMMANDS


def test_every_variable_that_the_stacks_outputs_set_is_an_output():
    names = quoted(r"\$([A-Z][a-z]\w+)")

    assert names
    assert set(names) <= read_yaml(ROOT / "template.yaml")["Outputs"].keys()


def test_every_metric_of_the_runbook_is_emitted():
    for metric in quoted(r"[Mm]etric `(\w+)`", "runbook"):
        assert f'"{metric}"' in SOURCES, metric


def test_every_log_message_of_the_runbook_is_logged():
    messages = quoted(r"log (?:line )?`([^`]+)`", "runbook")

    assert messages
    for message in messages:
        assert f'"{message}"' in SOURCES, message


def test_every_record_of_the_runbook_is_stored_under_that_name():
    prefixes = quoted(r'"S": "([A-Z]+#)', "runbook")

    assert prefixes
    for prefix in prefixes:
        assert f'"{prefix}"' in SOURCES, prefix


def test_every_operation_of_aws_in_the_runbook_is_called():
    """`dynamodb:DescribeTable` is `describe_table` in boto3; Scan, Query and Decrypt are made by other code.

    Exports are put into the bucket by DynamoDB, with the caller's permission.
    """
    table = PAGES["runbook"].partition("| command | permissions |")[2].partition("\n\n")[0]
    operations = set(re.findall(r"(?:\w+:)?\b((?:Describe|Get|Put|Invoke)\w*)`", table))
    operations -= {"InvokeFunction", "PutObject", "PutObjectAcl"}

    assert len(operations) >= 12
    for operation in operations:
        method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
        assert f".{method}(" in SOURCES, operation
