"""What the scenarios rely on when they run on DynamoDB Local: `--dynamodb=local`."""

import json
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

from local import ROOT
from local.in_process.dynamodb import Emulator
from tests.conformance.recording import SCENARIOS
from tests.support.dynamodb_local import MODULES, DynamoDBLocal

START_ONE = "from tests.support.dynamodb_local import DynamoDBLocal as L; print(L().url, flush=True); input()"


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def test_every_module_that_runs_on_it_exists():
    assert {name for name in MODULES if not (ROOT / "tests" / "integration" / f"{name}.py").exists()} == set()


def test_every_scenario_whose_requests_are_compared_runs_on_it_too():
    scenarios = {path.removeprefix("integration/").partition(".py")[0] for path in SCENARIOS if "integration" in path}

    assert scenarios - MODULES == set()


def test_the_handlers_own_client_talks_to_dynamodb_local(dynamodb: Emulator):
    table = dynamodb.client.describe_table(TableName=dynamodb.credits_table)["Table"]

    assert ":ddblocal:" in table["TableArn"]
    assert dynamodb.operations == ["DescribeTable"]


def test_each_access_key_has_its_own_tables(engine: DynamoDBLocal, dynamodb: Emulator):
    other = DynamoDBLocal("another")

    mine, theirs = (one.respond("DynamoDB_20120810.ListTables", b"{}")[2] for one in (engine, other))
    other.reset()

    assert json.loads(mine)["TableNames"] == [dynamodb.credits_table, dynamodb.orders_table]
    assert json.loads(theirs)["TableNames"] == []


def test_it_listens_on_loopback_only(engine: DynamoDBLocal):
    port = urlsplit(engine.url).port
    assert port

    assert is_listening(port)
    assert not is_listening(port, "127.0.0.2")  # a server that listens on every interface accepts this address too


def test_it_ends_when_the_process_that_started_it_ends_in_any_way():
    command = [sys.executable, "-c", START_ONE]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        port = urlsplit(starter.stdout.readline().strip()).port
        assert port
        assert is_listening(port)
        starter.kill()

    deadline = time.monotonic() + 10
    while is_listening(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_listening(port)
