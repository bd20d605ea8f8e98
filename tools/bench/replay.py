"""Replay the recorded responses of AWS and Stripe on loopback, so that only the function itself takes time."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

STRIPE_RESPONSES: Mapping[str, Mapping[str, Any]] = {
    "/v1/checkout/sessions": {
        "id": "cs_test_bench",
        "object": "checkout.session",
        "url": "https://checkout.stripe.com/c/pay/cs_test_bench",
    },
    "/v1/refunds": {
        "id": "re_bench",
        "object": "refund",
        "amount": 2500,
        "currency": "cny",
        "status": "succeeded",
        "created": 0,
        "metadata": {},
    },
    "/v1/events": {"object": "list", "url": "/v1/events", "has_more": False, "data": []},
}


@dataclass(frozen=True)
class Exchange:
    """One request to DynamoDB as botocore sent it, and the response."""

    operation: str
    request: str
    response: str


class Replay:
    """The AWS and Stripe of a function. Each caller gets the recorded responses in order, then from the start again."""

    def __init__(self, port: int, secrets: Mapping[str, str]) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.secrets = secrets
        self.recorded: dict[str, Sequence[Exchange]] = {}  # by function
        self.stripe_requests: dict[str, list[tuple[str, str]]] = {}  # path and form, by recorded function
        self.recording = ""  # the function that is being recorded
        self._requests: Counter[str] = Counter()  # by path

    def environment(self, caller: str, function: str) -> dict[str, str]:
        """The environment that makes a process's SDKs call this server."""
        return {
            "AWS_ENDPOINT_URL_DYNAMODB": f"{self.address}/{caller}/{function}",
            "AWS_ENDPOINT_URL_SSM": f"{self.address}/{caller}/{function}",
            "AWS_ENDPOINT_URL_EVENTBRIDGE": f"{self.address}/{caller}/{function}",
            "STRIPE_API_BASE": self.address,
        }

    def respond(self, path: str, operation: str | None, body: bytes) -> str | None:
        """The body of the response; None if this was not recorded. Only AWS's requests have an `operation`."""
        if operation is None:
            if self.recording:
                self.stripe_requests[self.recording].append((path, body.decode()))
            stripe = STRIPE_RESPONSES.get(path.partition("?")[0])
            return json.dumps(stripe) if stripe else None
        if operation == "GetParameters":
            return self._parameters(json.loads(body)["Names"])
        if operation == "PutEvents":
            taken = [{"EventId": "1"} for _ in json.loads(body)["Entries"]]
            return json.dumps({"FailedEntryCount": 0, "Entries": taken})
        function = path.strip("/").split("/")[1]
        exchanges = self.recorded[function]
        expected = exchanges[self._requests[path] % len(exchanges)]
        self._requests[path] += 1
        return expected.response if expected.operation == operation else None

    def _parameters(self, names: Sequence[str]) -> str:
        values = {name: self.secrets[name.rpartition("/")[2]] for name in names}
        found = [{"Name": name, "Type": "SecureString", "Value": value} for name, value in values.items()]
        return json.dumps({"Parameters": found, "InvalidParameters": []})


@contextmanager
def replaying(secrets: Mapping[str, str]) -> Iterator[Replay]:
    """Serve on a free port inside the block."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        _Handler.replay = Replay(server.server_port, secrets)
        Thread(target=server.serve_forever, daemon=True).start()
        yield _Handler.replay
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    replay: Replay
    protocol_version = "HTTP/1.1"  # keeps connections open, as AWS does
    wbufsize = -1  # send head and body in one packet: a second one would wait for the first one's acknowledgement

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        target = self.headers.get("x-amz-target")
        response = self.replay.respond(self.path, target.rpartition(".")[2] if target else None, body)
        content = (response if response is not None else '{"message": "not recorded"}').encode()
        self.send_response(200 if response is not None else 500)
        self.send_header("content-type", "application/x-amz-json-1.0" if target else "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815 - the server calls these names

    def log_message(self, *_: object) -> None:
        """Log nothing."""
