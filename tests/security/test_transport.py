"""Unusual HTTP: paths, methods, headers and bodies that no ordinary client would send."""

import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from local.client import CREATE, CREDITS, PAYMENTS, TRANSACTIONS
from tests.security.edge import JSON, WEBHOOK, Edge

ROUTES = [CREATE, PAYMENTS, CREDITS, TRANSACTIONS, WEBHOOK, "/api/payments/packages"]
ODD_IDS = (
    *("a", "%00", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%ff%fe", "%F0%9F%98%80", "a%2fb", "stripe%2fcreate", "%25"),
    *("%252e", "'%20OR%201=1", "ORDER%23", "%2A", "..;", "%E2%80%AE", "x" * 8000, "%0d%0aSet-Cookie:%20x=1", "%0a"),
    *("null", "F47AC10B-58CC-4372-A567-0E02B2C3D479", "%7B%22S%22:%22x%22%7D"),
)
NO_ROUTES = (
    *("/", "//", "/api", "/api/", "/api/payments/", "//api/payments", "/api//payments", "/API/PAYMENTS", "/.env"),
    *("/api/payments/a/b", "/api/users", "/api/users/credits/", "/api/users/credits/%2e%2e", "/api/payments;x"),
    *("/api/payments/%2e%2e/users/credits", "/_sim/deliveries", "/api/payments/stripe/create/", "/local/tokens"),
    *("/%", "/%zz", "/api/users/../../_local/clock/"),
)
OF_JSON = "Host: localhost\r\nContent-Type: application/json\r\n"
FRAMINGS = (
    "Content-Length: 5\r\nContent-Length: 25",
    "Content-Length: -1",
    "Content-Length: x",
    "Content-Length: 1e3",
    "Content-Length: 25\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked, identity",
)


def raw(edge: Edge, request: bytes, *, is_whole: bool = False) -> bytes:
    """The API port's response to exactly these bytes, until it closes the connection.

    After a request that is not whole, ours ends: else the server would wait for the rest.
    """
    with socket.create_connection(("127.0.0.1", urlsplit(edge.stack.api_url).port or 80), timeout=20) as connection:
        connection.sendall(request)
        if not is_whole:
            connection.shutdown(socket.SHUT_WR)
        response = b""
        while part := connection.recv(65536):
            response += part
    edge.responses.append(response.decode("latin-1"))
    return response


def status_of(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


@pytest.mark.parametrize("payment_id", ODD_IDS, ids=lambda text: text[:25])
def test_an_odd_payment_id_is_unknown(edge: Edge, payment_id: str):
    response = edge.get(f"{PAYMENTS}/{payment_id}", edge.admin())

    assert (response.status_code, response.json()["code"]) == (404, "payment_not_found")
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", NO_ROUTES)
def test_a_path_without_a_route_is_not_found(edge: Edge, path: str):
    response = raw(edge, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode(), is_whole=True)

    assert status_of(response) == 404


def test_dots_in_a_path_lead_nowhere(edge: Edge):
    """Sent as raw bytes, because clients remove the dots."""
    for path in (f"{PAYMENTS}/../users/credits", f"{PAYMENTS}/packages/../../users/credits", "/../../../etc/passwd"):
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        response = raw(edge, request, is_whole=True)
        assert status_of(response) == 404
        assert b"root:" not in response


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "X"])
def test_a_method_that_an_address_does_not_have_is_refused(edge: Edge, path: str, method: str):
    response = edge.request(method, path, headers=edge.buyer("user-1"))

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] in ("GET, HEAD, OPTIONS", "OPTIONS, POST")


def test_head_is_answered_as_get_is_but_without_a_body(edge: Edge):
    for path, headers in ((CREDITS, edge.user("user-1")), (CREDITS, {}), ("/api/payments/packages", {}), (CREATE, {})):
        got, asked = edge.get(path, headers), edge.request("HEAD", path, headers=headers)
        assert (asked.status_code, asked.content) == (got.status_code, b"")
        assert asked.headers["content-length"] == str(len(got.content))
        assert asked.headers.keys() == got.headers.keys()


@pytest.mark.parametrize(
    "header", ["x-http-method-override", "x-http-method", "x-method-override", "x-original-method"]
)
def test_no_header_changes_the_method_or_path_of_a_request(edge: Edge, header: str):
    assert edge.post(PAYMENTS, {}, edge.user("user-1") | {header: "GET"}).status_code == 405
    assert edge.get(CREATE, edge.buyer("user-1") | {header: "POST"}).status_code == 405
    rewritten = {
        "x-original-url": CREDITS,
        "x-rewrite-url": CREDITS,
        "x-forwarded-path": CREDITS,
        "forwarded": "for=127.0.0.1",
    }
    assert edge.get("/elsewhere", edge.user("user-1") | rewritten).status_code == 404


def test_a_forwarded_address_grants_no_access(edge: Edge):
    claims = dict.fromkeys(("x-forwarded-for", "x-real-ip", "client-ip", "x-forwarded-host", "host"), "127.0.0.1")

    assert edge.get(CREDITS, claims).status_code == 401


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://yourdomain.com.evil.example", "http://yourdomain.com", "*"]
)
def test_no_foreign_page_may_read_a_response(edge: Edge, origin: str):
    headers = {"origin": origin, "access-control-request-method": "POST"}

    preflight = edge.request("OPTIONS", CREATE, headers=headers)
    response = edge.get(CREDITS, edge.user("user-1") | {"origin": origin})

    for one in (preflight, response):
        assert "access-control-allow-origin" not in one.headers
        assert "access-control-allow-credentials" not in one.headers


def test_a_body_in_chunks_is_one_body(edge: Edge):
    chunks = iter([b'{"pack', b'age": "tr', b'ial"}'])

    response = edge.request("POST", CREATE, content=chunks, headers=edge.buyer("chunked") | JSON)

    assert response.json()["credits_purchased"] == 500


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_body_of_ambiguous_length_is_never_a_purchase(edge: Edge, framing: str):
    """Request smuggling: two servers in a row would read this differently."""
    sessions = edge.sessions()
    headers = "".join(f"{name}: {value}\r\n" for name, value in edge.buyer("smuggler").items())
    body = '{"package": "standard"}GET /smuggled HTTP/1.1\r\n\r\n'
    request = f"POST {CREATE} HTTP/1.1\r\n{OF_JSON}{headers}{framing}\r\n\r\n{body}"

    response = raw(edge, request.encode())

    assert response == b"" or status_of(response) in (400, 413, 422, 501)
    assert edge.sessions() == sessions


def test_a_truncated_body_is_never_a_purchase(edge: Edge):
    sessions = edge.sessions()
    headers = "".join(f"{name}: {value}\r\n" for name, value in edge.buyer("cut-off").items())
    request = f"POST {CREATE} HTTP/1.1\r\n{OF_JSON}{headers}Content-Length: 500\r\n\r\n"

    raw(edge, request.encode() + b'{"package": "standard"}')

    assert edge.sessions() == sessions


@pytest.mark.parametrize("size", [60_000, 200_000])
@pytest.mark.parametrize(
    "name", ["authorization", "x-api-key", "idempotency-key", "content-type", "cookie", "x-whatever", "user-agent"]
)
def test_an_oversized_header_is_refused_or_ignored(edge: Edge, name: str, size: int):
    headers = edge.user("user-1") | {name: "x" * size}

    assert edge.get(CREDITS, headers).status_code in (400, 431)


def test_a_hundred_headers_and_cookies_change_nothing(edge: Edge):
    headers = [*edge.user("user-1").items(), *((f"x-{number}", "y") for number in range(100))]
    cookies = [("cookie", f"a{number}=b; c={number}") for number in range(50)]

    assert edge.get(CREDITS, [*headers, *cookies]).json()["user_id"] == "user-1"


@pytest.mark.parametrize(
    "header", [b"X-Api-Key: a\x00b", b"Bad Name: x", b"X\r\n Folded: y", b": empty", b"Idempotency-Key: a\rb"]
)
def test_a_malformed_header_is_never_accepted(edge: Edge, header: bytes):
    response = raw(
        edge,
        b"GET " + CREDITS.encode() + b" HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\nConnection: close\r\n\r\n",
    )

    assert response == b"" or status_of(response) in (400, 401)


def test_a_response_repeats_no_header_of_the_request(edge: Edge):
    sent = {"x-evil": "reflected-header-value", "user-agent": "reflected-agent", "referer": "https://reflected.example"}

    for response in (edge.get(CREDITS, sent), edge.get("/elsewhere", sent), edge.post(CREATE, {}, sent)):
        assert "reflected" not in str(response.headers) + response.text


@pytest.mark.parametrize("path", [CREDITS, PAYMENTS, TRANSACTIONS])
def test_a_users_data_is_never_cached_on_the_way(edge: Edge, path: str):
    response = edge.get(path, edge.user("user-1"))

    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"


def test_the_function_url_serves_nothing_but_webhooks(edge: Edge):
    for path in (CREDITS, PAYMENTS, CREATE, "/api/payments/packages", "/_local/clock", "/../x", "/%0d%0ax"):
        response = edge.request("POST", edge.function_url + path, content=b"{}", headers=edge.buyer("user-1") | JSON)
        assert (response.status_code, response.json()["code"]) == (400, "invalid_signature")


def test_many_requests_at_once_all_get_a_response(edge: Edge):
    """Forty handlers run at a time; further requests wait and are not rejected."""
    with httpx.Client(trust_env=False, timeout=60) as client, ThreadPoolExecutor(60) as pool:
        calls = [
            pool.submit(client.get, edge.stack.api_url + CREDITS, headers=edge.user(f"crowd-{number}"))
            for number in range(120)
        ]
        names = {edge.checked(call.result()).json()["user_id"] for call in calls}

    assert names == {f"crowd-{number}" for number in range(120)}
