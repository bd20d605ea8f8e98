"""Replay the recorded responses of AWS and Stripe on loopback, so that only the function itself takes time.

The measured processes are answered over TLS. What is recorded first comes from this process, over plain HTTP.
"""

import json
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tools.bench import stripe_responses, tls
from tools.bench.tls import Authority


@dataclass(frozen=True)
class Exchange:
    """One request to DynamoDB as botocore sent it, and the response."""

    operation: str
    request: str
    response: str


class Replay:
    """The AWS and Stripe of a function. Each caller gets the recorded responses in order, then from the start again."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self.authority = Authority()
        self.address = ""  # of the processes that are measured
        self.recording_address = ""  # of this process
        self.secrets = secrets
        self.recorded: dict[str, list[Exchange]] = {}  # by function
        self.stripe_requests: dict[str, list[tuple[str, str, str]]] = {}  # method, path and form, by recorded function
        self.event_requests: dict[str, list[str]] = {}  # to EventBridge, by recorded function
        self.live: dict[str, Callable[[str, bytes], str]] = {}  # by function, what answers while it is recorded
        self.recording = ""  # the function that is being recorded
        self.connections = 0  # opened until now
        self._open: set[socket.socket] = set()
        self._requests: Counter[str] = Counter()  # by path

    def environment(self, caller: str, function: str) -> dict[str, str]:
        """The environment that makes a process's SDKs call this server."""
        return {
            "AWS_ENDPOINT_URL_DYNAMODB": f"{self.address}/{caller}/{function}",
            "AWS_ENDPOINT_URL_SSM": f"{self.address}/{caller}/{function}",
            "AWS_ENDPOINT_URL_EVENTBRIDGE": f"{self.address}/{caller}/{function}",
            "STRIPE_API_BASE": self.address,
        }

    def respond(self, method: str, path: str, operation: str | None, body: bytes) -> str | None:
        """The body of the response; None if this was not recorded. Only AWS's requests have an `operation`."""
        if operation is None:
            if self.recording:
                self.stripe_requests[self.recording].append((method, path, body.decode()))
            stripe = stripe_responses.RESPONSES.get((method, path.partition("?")[0]))
            return json.dumps(stripe) if stripe else None
        if operation == "GetParameters":
            return self._parameters(json.loads(body)["Names"])
        if operation == "PutEvents":
            if self.recording:
                self.event_requests[self.recording].append(body.decode())
            taken = [{"EventId": "1"} for _ in json.loads(body)["Entries"]]
            return json.dumps({"FailedEntryCount": 0, "Entries": taken})
        function = path.strip("/").split("/")[1]
        if function in self.live:
            return self.live[function](operation, body)
        return self._next_response(path, self.recorded[function], operation)

    def _next_response(self, path: str, exchanges: Sequence[Exchange], operation: str) -> str | None:
        """The next recorded response to this operation: usually the next of all, but a day can end meanwhile."""
        for skipped in range(len(exchanges)):
            exchange = exchanges[(self._requests[path] + skipped) % len(exchanges)]
            if exchange.operation == operation:
                self._requests[path] += skipped + 1
                return exchange.response
        return None

    def _parameters(self, names: Sequence[str]) -> str:
        values = {name: self.secrets[name.rpartition("/")[2]] for name in names}
        found = [{"Name": name, "Type": "SecureString", "Value": value} for name, value in values.items()]
        return json.dumps({"Parameters": found, "InvalidParameters": []})

    def opened(self, connection: socket.socket) -> None:
        self.connections += 1
        self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        self._open.discard(connection)

    def close_connections(self) -> None:
        """Close every connection, as servers do with idle ones while Lambda keeps their client frozen."""
        for connection in list(self._open):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # not TLS's own: its thread is reading


@contextmanager
def replaying(secrets: Mapping[str, str], folder: Path) -> Iterator[Replay]:
    """Serve on free ports inside the block; the key of the server is written into `folder`."""
    replay = _Handler.replay = Replay(secrets)
    with _Server() as plain, _Server(replay.authority.server_context(folder)) as secured:
        replay.recording_address = f"http://{tls.ADDRESS}:{plain.server_port}"
        replay.address = f"https://{tls.ADDRESS}:{secured.server_port}"
        for server in (plain, secured):
            Thread(target=server.serve_forever, daemon=True).start()
        yield replay
        for server in (plain, secured):
            server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__((str(tls.ADDRESS), 0), _Handler)
        self._context = context

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._context:
            # The handshake follows in the connection's own thread.
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A process that has been measured ends without closing its connections.
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    replay: Replay
    protocol_version = "HTTP/1.1"  # keeps connections open, as AWS does
    wbufsize = -1  # send head and body in one packet: a second one would wait for the first one's acknowledgement
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.replay.opened(self.connection)

    def finish(self) -> None:
        self.replay.closed(self.connection)
        super().finish()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        target = self.headers.get("x-amz-target")
        response = self.replay.respond(self.command, self.path, target.rpartition(".")[2] if target else None, body)
        content = (response if response is not None else '{"message": "not recorded"}').encode()
        self.send_response(200 if response is not None else 500)
        self.send_header("content-type", "application/x-amz-json-1.0" if target else "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815 - the server calls these names

    def log_message(self, *_: object) -> None:
        """Log nothing."""
