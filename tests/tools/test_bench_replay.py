"""The AWS and Stripe of the benchmarks: over TLS, in the recorded order, and with connections that end."""

import ast
import json
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPSConnection, RemoteDisconnected
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local import ROOT
from tools.bench import recording, tls
from tools.bench.replay import Exchange, Replay, replaying
from tools.bench.tls import Authority

SECRETS = {"JWT_SECRET": "a secret"}


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[Replay]:
    with replaying(SECRETS, tmp_path) as serving:
        serving.recorded["get_credits"] = [
            Exchange("Query", "{}", '{"Count": 1}'),
            Exchange("PutItem", "{}", "{}"),
            Exchange("Query", "{}", '{"Count": 2}'),
        ]
        yield serving


Connect = Callable[[str], HTTPSConnection]


@pytest.fixture
def connect(replay: Replay) -> Iterator[Connect]:
    """Makes a connection that trusts these roots; it is closed at the end."""
    with ExitStack() as stack:

        def make(roots: str) -> HTTPSConnection:
            address = urlsplit(replay.address)
            context = ssl.create_default_context(cadata=roots)
            made = HTTPSConnection(str(address.hostname), address.port, context=context)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def connection(replay: Replay, connect: Connect) -> HTTPSConnection:
    return connect(replay.authority.root)


def ask(connection: HTTPSConnection, operation: str, caller: str = "ours") -> tuple[int, dict[str, object]]:
    headers = {"x-amz-target": f"DynamoDB_20120810.{operation}"}
    connection.request("POST", f"/{caller}/get_credits", "{}", headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_only_who_has_the_root_gets_an_answer(connect: Connect, connection: HTTPSConnection):
    assert ask(connection, "Query") == (200, {"Count": 1})
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(connect(Authority().root), "Query")


def test_the_root_is_appended_to_every_bundle_once(tmp_path: Path):
    authority, another = Authority(), Authority().root
    for name in ("botocore/cacert.pem", "stripe/data/ca-certificates.crt"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(another)
    (tmp_path / "stripe" / "no-certificate.pem").write_text("a text")

    assert [path.name for path in authority.append_to_bundles(tmp_path)] == ["cacert.pem", "ca-certificates.crt"]
    assert authority.append_to_bundles(tmp_path) == []
    for bundle in tls.bundles(tmp_path):
        assert len(ssl.create_default_context(cafile=bundle).get_ca_certs()) == 2
        assert another.strip() in bundle.read_text()


def test_each_caller_gets_the_recorded_responses_in_order_and_again(connection: HTTPSConnection):
    found = [ask(connection, operation) for operation in ("Query", "PutItem", "Query", "Query")]

    assert found == [(200, {"Count": 1}), (200, {}), (200, {"Count": 2}), (200, {"Count": 1})]
    assert ask(connection, "Query", caller="bare") == (200, {"Count": 1})


def test_an_operation_that_is_left_out_does_not_disturb_the_next_one(connection: HTTPSConnection):
    assert [ask(connection, "Query")[1] for _ in range(3)] == [{"Count": 1}, {"Count": 2}, {"Count": 1}]
    assert ask(connection, "DeleteItem")[0] == 500, "it was never recorded"


def test_a_closed_connection_is_opened_again_and_counted(replay: Replay, connection: HTTPSConnection):
    ask(connection, "Query")
    opened = replay.connections

    replay.close_connections()

    with pytest.raises((RemoteDisconnected, ssl.SSLError, ConnectionError)):
        ask(connection, "Query")
    connection.close()
    assert ask(connection, "Query")[0] == 200
    assert replay.connections == opened + 1


def test_every_function_of_the_template_is_measured():
    assert set(recording.FUNCTIONS) == {app.parent.name for app in (ROOT / "functions").glob("*/app.py")}


RECORD = """
import sys
from pathlib import Path
from tools.bench import recording
from tools.bench.replay import replaying

with replaying(recording.secrets(), Path(sys.argv[1])) as replay:
    recording.record(replay)
print(sorted(name for name, exchanges in replay.recorded.items() if not exchanges))
print([one.operation for one in replay.recorded["quote_refund"]])
"""


def test_the_event_of_every_function_can_be_recorded(tmp_path: Path):
    """In a process of its own: the handlers keep their settings and clients."""
    done = subprocess.run(
        [sys.executable, "-c", RECORD, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    *_, silent, quote = done.stdout.splitlines()
    assert silent == "['console', 'list_packages', 'no_route']", "they ask DynamoDB for nothing"
    assert set(ast.literal_eval(quote)) == {"Query", "BatchGetItem"}, "what comes between two functions is neither's"
