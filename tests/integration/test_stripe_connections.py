"""How requests reach Stripe: over real sockets, and with the verdicts of the client that Stripe's library brings."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe

from topup.stripe_gateway import http_client
from topup.stripe_gateway.http_client import PooledClient

HEADERS = {"Authorization": "Bearer sk_test_1", "Content-Type": "application/x-www-form-urlencoded"}

ANSWERS = {"/moved": (307, {"location": "/"}), "/busy": (503, {"stripe-should-retry": "true"})}


class Handler(BaseHTTPRequestHandler):
    """Answers by the path; `peers` are the connections that requests came on."""

    protocol_version = "HTTP/1.1"
    peers: list[Any]
    bodies: list[bytes]

    def do_POST(self) -> None:
        self.peers.append(self.client_address)
        self.bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))))
        if self.path == "/closes":
            self.close_connection = True
        elif self.path == "/waits":
            self.server.released.wait(10)  # type: ignore[attr-defined]
        elif self.path in ("/half", "/slow%20half"):
            self._answer(200, {"content-length": "10"})
            if self.path == "/slow%20half":
                self.server.released.wait(10)  # type: ignore[attr-defined]
            self.close_connection = True
        else:
            status, more = ANSWERS.get(self.path, (200, {}))
            self._answer(status, {"Request-Id": "req_1", "content-length": "2", **more})

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST  # noqa: N815 - the server calls these names

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[tuple[str, type[Handler]]]:
    handler = type("Handler", (Handler,), {"peers": [], "bodies": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.released = threading.Event()  # type: ignore[attr-defined]
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a handshake that the client breaks off
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}", handler
        finally:
            server.released.set()  # type: ignore[attr-defined]
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _no_pools(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    http_client._pools.cache_clear()
    yield
    http_client._pools.cache_clear()


@pytest.fixture
def server() -> Iterator[tuple[str, type[Handler]]]:
    with serving() as made:
        yield made


def ours() -> PooledClient:
    return PooledClient(1, 0.3)


def outcome(client: stripe.HTTPClient, url: str) -> tuple[Any, ...]:
    """What Stripe's library sees of a request: status and body, or whether the error may be retried."""
    try:
        body, status, headers = client.request("post", url, HEADERS, "a=1")
    except stripe.APIConnectionError as error:
        return ("error", error.should_retry)
    return status, body, headers["request-id"], headers.get("Stripe-Should-Retry")


@pytest.mark.parametrize("path", ["/", "/busy", "/closes", "/waits", "/half", "/slow%20half"])
def test_an_answer_or_a_failure_is_what_it_is_to_the_librarys_own_client(server: tuple[str, type[Handler]], path: str):
    url = server[0] + path

    assert outcome(ours(), url) == outcome(stripe.RequestsClient(timeout=(1, 0.3)), url)


def test_a_redirect_is_not_followed_because_the_key_would_go_along(server: tuple[str, type[Handler]]):
    assert outcome(ours(), server[0] + "/moved")[0] == 307
    assert len(server[1].peers) == 1


def test_where_nobody_listens_another_try_may_help():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"

    assert outcome(ours(), url) == outcome(stripe.RequestsClient(timeout=(1, 0.3)), url) == ("error", True)


def test_requests_share_a_connection_and_send_their_form(server: tuple[str, type[Handler]]):
    for client in (ours(), ours()):
        client.request("post", server[0] + "/", HEADERS, "amount=5")

    assert len(set(server[1].peers)) == 1
    assert server[1].bodies == [b"amount=5", b"amount=5"]


def test_after_close_the_next_request_opens_a_connection(server: tuple[str, type[Handler]]):
    client = ours()
    client.request("get", server[0] + "/", HEADERS)
    client.close()
    client.request("get", server[0] + "/", HEADERS)

    assert len(set(server[1].peers)) == 2


def test_a_certificate_that_no_known_authority_signed_is_refused_for_good(tmp_path: Path):
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "key", "-out", tmp_path / "certificate"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with serving(context) as (address, handler):
        assert outcome(ours(), f"{address}/") == ("error", False)
        assert outcome(stripe.RequestsClient(timeout=(1, 0.3)), f"{address}/") == ("error", False)
        assert handler.peers == []


def test_a_proxy_is_used_where_the_environment_names_one(
    server: tuple[str, type[Handler]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("http_proxy", server[0])

    assert outcome(ours(), "http://stripe.example/v1/refunds")[0] == 200

    monkeypatch.setenv("no_proxy", "stripe.example")
    with suppress(stripe.APIConnectionError):
        ours().request("get", "http://stripe.example/", HEADERS)
    assert len(server[1].peers) == 1
