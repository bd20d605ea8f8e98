"""AWS and Stripe on loopback: answers that were recorded before, so that nothing but the function costs time."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

STRIPE_ANSWERS: Mapping[str, Mapping[str, Any]] = {
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
    """One request to DynamoDB as botocore sent it, and its answer."""

    operation: str
    request: str
    answer: str


Recorded = Mapping[str, Sequence[Exchange]]


class Answering:
    """Where a function's AWS and Stripe are. Each caller has a sequence of its own, which starts again at its end."""

    def __init__(self, port: int, recorded: dict[str, Sequence[Exchange]], secrets: Mapping[str, str]) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.recorded = recorded
        self.secrets = secrets
        self.stripe_requests: dict[str, list[tuple[str, str]]] = {}  # path and form, of the functions recorded
        self.recording = ""  # the function that is being recorded
        self._asked: Counter[str] = Counter()

    def environment(self, caller: str, function: str) -> dict[str, str]:
        """What makes the SDKs of this process ask here."""
        return {
            "AWS_ENDPOINT_URL_DYNAMODB": f"{self.address}/{caller}/{function}",
            "AWS_ENDPOINT_URL_SSM": f"{self.address}/{caller}/{function}",
            "STRIPE_API_BASE": self.address,
        }

    def answer(self, path: str, operation: str | None, body: bytes) -> str | None:
        """None for what was not recorded."""
        if operation is None:
            if self.recording:
                self.stripe_requests[self.recording].append((path, body.decode()))
            stripe = STRIPE_ANSWERS.get(path.partition("?")[0])
            return json.dumps(stripe) if stripe else None
        if operation == "GetParameters":
            return self._parameters(json.loads(body)["Names"])
        function = path.strip("/").split("/")[1]
        exchanges = self.recorded[function]
        expected = exchanges[self._asked[path] % len(exchanges)]
        self._asked[path] += 1
        return expected.answer if expected.operation == operation else None

    def _parameters(self, names: Sequence[str]) -> str:
        values = {name: self.secrets[name.rpartition("/")[2]] for name in names}
        found = [{"Name": name, "Type": "SecureString", "Value": value} for name, value in values.items()]
        return json.dumps({"Parameters": found, "InvalidParameters": []})


@contextmanager
def answering(recorded: dict[str, Sequence[Exchange]], secrets: Mapping[str, str]) -> Iterator[Answering]:
    """Answer on a free port of this machine, for as long as the block lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        _Handler.answering = Answering(server.server_port, recorded, secrets)
        Thread(target=server.serve_forever, daemon=True).start()
        yield _Handler.answering
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    answering: Answering
    protocol_version = "HTTP/1.1"  # connections stay open, as AWS's do
    wbufsize = -1  # head and body in one packet: the second would wait for the first one's receipt

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        target = self.headers.get("x-amz-target")
        answer = self.answering.answer(self.path, target.rpartition(".")[2] if target else None, body)
        content = (answer if answer is not None else '{"message": "not recorded"}').encode()
        self.send_response(200 if answer is not None else 500)
        self.send_header("content-type", "application/x-amz-json-1.0" if target else "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815 - the names that the server calls

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
