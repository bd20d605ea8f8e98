"""Whom AWS's clients trust, over real sockets."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ProxyConnectionError, SSLError

from tools.bench.tls import ADDRESS, Authority
from topup.runtime import aws, connections

ANSWER = b'{"TableNames": []}'


class DynamoDB(BaseHTTPRequestHandler):
    """Has no tables, and closes its connection after each answer."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def port(authority: Authority, tmp_path: Path) -> Iterator[int]:
    with ThreadingHTTPServer((str(ADDRESS), 0), DynamoDB) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a handshake that the client breaks off
        context = authority.server_context(tmp_path)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def bundle(environment: pytest.MonkeyPatch, authority: Authority, tmp_path: Path) -> Iterator[Path]:
    """The authorities that clients trust, and the server's among them."""
    found = tmp_path / "bundle.pem"
    found.write_text(authority.root)
    environment.setenv("AWS_CA_BUNDLE", str(found))
    aws._session.cache_clear()
    yield found
    aws._session.cache_clear()
    connections._trusting.cache_clear()


def client(environment: pytest.MonkeyPatch, port: int, host: str = str(ADDRESS), **options: Any) -> Any:
    environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"https://{host}:{port}")
    return aws.client("dynamodb", Config(retries={"total_max_attempts": 1}, **{"proxies": {}, **options}))


def test_the_authorities_are_read_once_before_the_first_connection(
    environment: pytest.MonkeyPatch, port: int, bundle: Path
):
    clients = [client(environment, port) for _ in range(2)]
    bundle.unlink()

    assert [made.list_tables()["TableNames"] for made in clients * 2] == [[], [], [], []]


def test_a_server_of_another_authority_is_refused(environment: pytest.MonkeyPatch, port: int, bundle: Path):
    bundle.write_text(Authority().root)

    with pytest.raises(SSLError, match="certificate verify failed"):
        client(environment, port).list_tables()


def test_a_server_of_another_name_is_refused(environment: pytest.MonkeyPatch, port: int, bundle: Path):
    with pytest.raises(SSLError, match="localhost"):
        client(environment, port, "localhost").list_tables()


def test_without_a_bundle_of_its_own_a_client_trusts_no_other_authority(
    environment: pytest.MonkeyPatch, port: int, bundle: Path
):
    environment.delenv("AWS_CA_BUNDLE")
    aws._session.cache_clear()

    with pytest.raises(SSLError, match="certificate verify failed"):
        client(environment, port).list_tables()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_who_is_told_to_trust_anybody_does(environment: pytest.MonkeyPatch, port: int, bundle: Path):
    environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"https://{ADDRESS}:{port}")
    bundle.write_text(Authority().root)

    made: Any = aws._session().create_client("dynamodb", verify=False, config=Config(proxies={}))

    assert made.list_tables()["TableNames"] == []


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_bundle_that_cannot_be_read_is_named(
    environment: pytest.MonkeyPatch, port: int, bundle: Path, content: str | None
):
    bundle.unlink() if content is None else bundle.write_text(content)

    with pytest.raises(SSLError, match=str(bundle)):
        client(environment, port)


def context_of(made: Any) -> ssl.SSLContext:
    context: ssl.SSLContext = made._endpoint.http_session._manager.connection_pool_kw["ssl_context"]
    return context


def test_every_client_has_the_same_context(environment: pytest.MonkeyPatch, port: int, bundle: Path):
    first, second = (context_of(client(environment, port)) for _ in range(2))

    assert first is second
    assert first.verify_mode is ssl.CERT_REQUIRED


def test_a_client_with_a_certificate_has_a_context_of_its_own(
    environment: pytest.MonkeyPatch, port: int, bundle: Path, tmp_path: Path
):
    shared = context_of(client(environment, port))

    made = client(environment, port, client_cert=str(tmp_path / "server.pem"))

    assert context_of(made) is not shared
    assert made.list_tables()["TableNames"] == []


def test_a_proxy_over_tls_is_checked_against_the_same_bundle(environment: pytest.MonkeyPatch, port: int, bundle: Path):
    """Here DynamoDB's server is taken for a proxy. It is none, and says so to whom its certificate is right."""

    def why_not() -> str:
        with pytest.raises(ProxyConnectionError) as caught:
            client(environment, port, proxies={"https": f"https://{ADDRESS}:{port}"}).list_tables()
        error: Any = caught.value
        return str(error.kwargs["error"].original_error)

    assert "Tunnel connection failed: 501" in why_not()

    bundle.write_text(Authority().root)
    assert "certificate verify failed" in why_not()
