"""What the scenarios stand on when they run on DynamoDB Local: `--dynamodb=local`."""

import json
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

from local import ROOT
from local.in_process.dynamodb import Emulator
from tests.support.dynamodb_local import UNPLAYABLE, DynamoDBLocal

STARTS_ONE = "from tests.support.dynamodb_local import DynamoDBLocal as L; print(L().url, flush=True); input()"


def answers(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def test_what_is_left_out_is_there_and_has_a_reason():
    assert [name for name in UNPLAYABLE if not (ROOT / "tests" / "integration" / f"{name}.py").exists()] == []
    assert all(UNPLAYABLE.values())


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


def test_only_this_machine_reaches_it(engine: DynamoDBLocal):
    port = urlsplit(engine.url).port
    assert port

    assert answers(port)
    assert not answers(port, "127.0.0.2")  # what listens on every interface answers there too


def test_it_ends_with_the_process_that_started_it_however_that_ends():
    command = [sys.executable, "-c", STARTS_ONE]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        port = urlsplit(starter.stdout.readline().strip()).port
        assert port
        assert answers(port)
        starter.kill()

    deadline = time.monotonic() + 10
    while answers(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not answers(port)
