"""Requests that are odd as HTTP: paths, methods, headers and bodies that no ordinary client would send."""

import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from tests.security.edge import CREATE, CREDITS, JSON, PAYMENTS, TRANSACTIONS, WEBHOOK, Edge

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
FRAMINGS = (
    "Content-Length: 5\r\nContent-Length: 25",
    "Content-Length: -1",
    "Content-Length: x",
    "Content-Length: 1e3",
    "Content-Length: 25\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked, identity",
)


def raw(edge: Edge, request: bytes) -> bytes:
    """What the API's port answers to these very bytes, until it closes the connection or says all of its answer."""
    with socket.create_connection(("127.0.0.1", urlsplit(edge.stack.api_url).port or 80), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    edge.answers.append(answer.decode("latin-1"))
    return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("payment_id", ODD_IDS, ids=lambda text: text[:25])
def test_a_payment_id_of_any_kind_is_just_unknown(edge: Edge, payment_id: str):
    answer = edge.get(f"{PAYMENTS}/{payment_id}", edge.admin())

    assert (answer.status_code, answer.json()["code"]) == (404, "payment_not_found")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", NO_ROUTES)
def test_what_is_no_route_is_not_found(edge: Edge, path: str):
    answer = raw(edge, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert status_of(answer) == 404


def test_dots_in_a_path_lead_out_of_nothing(edge: Edge):
    """Sent as they are: clients take them out before they send."""
    for path in (f"{PAYMENTS}/../users/credits", f"{PAYMENTS}/packages/../../users/credits", "/../../../etc/passwd"):
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        answer = raw(edge, request)
        assert status_of(answer) == 404
        assert b"root:" not in answer


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PROPFIND", "X"])
def test_a_method_that_a_route_does_not_have_is_not_found(edge: Edge, path: str, method: str):
    answer = edge.request(method, path, headers=edge.buyer("somebody"))

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "header", ["x-http-method-override", "x-http-method", "x-method-override", "x-original-method"]
)
def test_no_header_makes_another_method_or_path_of_a_request(edge: Edge, header: str):
    assert edge.post(PAYMENTS, {}, edge.user("somebody") | {header: "GET"}).status_code == 404
    assert edge.get(CREATE, edge.buyer("somebody") | {header: "POST"}).status_code == 404
    rewritten = {
        "x-original-url": CREDITS,
        "x-rewrite-url": CREDITS,
        "x-forwarded-path": CREDITS,
        "forwarded": "for=127.0.0.1",
    }
    assert edge.get("/elsewhere", edge.user("somebody") | rewritten).status_code == 404


def test_a_forwarded_address_opens_nothing(edge: Edge):
    claims = dict.fromkeys(("x-forwarded-for", "x-real-ip", "client-ip", "x-forwarded-host", "host"), "127.0.0.1")

    assert edge.get(CREDITS, claims).status_code == 401


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://yourdomain.com.evil.example", "http://yourdomain.com", "*"]
)
def test_no_foreign_page_may_read_an_answer(edge: Edge, origin: str):
    asked = {"origin": origin, "access-control-request-method": "POST"}

    preflight = edge.request("OPTIONS", CREATE, headers=asked)
    answer = edge.get(CREDITS, edge.user("somebody") | {"origin": origin})

    for one in (preflight, answer):
        assert "access-control-allow-origin" not in one.headers
        assert "access-control-allow-credentials" not in one.headers


def test_a_body_in_chunks_is_one_body(edge: Edge):
    chunks = iter([b'{"pack', b'age": "tr', b'ial"}'])

    answer = edge.request("POST", CREATE, content=chunks, headers=edge.buyer("chunked") | JSON)

    assert answer.json()["credits_purchased"] == 500


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_body_whose_length_is_in_doubt_is_never_a_purchase(edge: Edge, framing: str):
    """What two servers in a row would read differently (request smuggling)."""
    sessions = edge.sessions()
    headers = "".join(f"{name}: {value}\r\n" for name, value in edge.buyer("smuggler").items())
    body = '{"package": "standard"}GET /smuggled HTTP/1.1\r\n\r\n'
    request = f"POST {CREATE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}{framing}\r\n\r\n{body}"

    answer = raw(edge, request.encode())

    assert answer == b"" or status_of(answer) in (400, 413, 422, 501)
    assert edge.sessions() == sessions


def test_a_body_that_ends_too_soon_is_never_a_purchase(edge: Edge):
    sessions = edge.sessions()
    headers = "".join(f"{name}: {value}\r\n" for name, value in edge.buyer("cut-off").items())
    request = (
        f"POST {CREATE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}Content-Length: 500\r\n\r\n"
    )

    raw(edge, request.encode() + b'{"package": "standard"}')

    assert edge.sessions() == sessions


@pytest.mark.parametrize("size", [60_000, 200_000])
@pytest.mark.parametrize(
    "name", ["authorization", "x-api-key", "idempotency-key", "content-type", "cookie", "x-whatever", "user-agent"]
)
def test_an_oversized_header_is_refused_or_ignored(edge: Edge, name: str, size: int):
    headers = edge.user("somebody") | {name: "x" * size}

    assert edge.get(CREDITS, headers).status_code in (200, 400, 401, 431)


def test_a_hundred_headers_and_cookies_change_nothing(edge: Edge):
    headers = [*edge.user("somebody").items(), *((f"x-{number}", "y") for number in range(100))]
    cookies = [("cookie", f"a{number}=b; c={number}") for number in range(50)]

    assert edge.get(CREDITS, [*headers, *cookies]).json()["user_id"] == "somebody"


@pytest.mark.parametrize(
    "header", [b"X-Api-Key: a\x00b", b"Bad Name: x", b"X\r\n Folded: y", b": empty", b"Idempotency-Key: a\rb"]
)
def test_a_malformed_header_is_never_let_in(edge: Edge, header: bytes):
    answer = raw(
        edge, b"GET " + CREDITS.encode() + b" HTTP/1.1\r\nHost: x\r\n" + header + b"\r\nConnection: close\r\n\r\n"
    )

    assert answer == b"" or status_of(answer) in (400, 401)


def test_an_answer_repeats_no_header_of_the_request(edge: Edge):
    sent = {"x-evil": "reflected-header-value", "user-agent": "reflected-agent", "referer": "https://reflected.example"}

    for answer in (edge.get(CREDITS, sent), edge.get("/elsewhere", sent), edge.post(CREATE, {}, sent)):
        assert "reflected" not in str(answer.headers) + answer.text


@pytest.mark.parametrize("path", [CREDITS, PAYMENTS, TRANSACTIONS])
def test_what_is_one_users_is_never_stored_on_the_way(edge: Edge, path: str):
    answer = edge.get(path, edge.user("somebody"))

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


def test_the_function_url_serves_nothing_but_webhooks(edge: Edge):
    for path in (CREDITS, PAYMENTS, CREATE, "/api/payments/packages", "/_local/clock", "/../x", "/%0d%0ax"):
        answer = edge.request("POST", edge.function_url + path, content=b"{}", headers=edge.buyer("somebody") | JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_signature")


def test_many_at_once_are_all_answered(edge: Edge):
    """Forty handlers run at a time; whoever comes then waits, and is not sent away."""
    with httpx.Client(trust_env=False, timeout=60) as client, ThreadPoolExecutor(60) as pool:
        calls = [
            pool.submit(client.get, edge.stack.api_url + CREDITS, headers=edge.user(f"crowd-{number}"))
            for number in range(120)
        ]
        names = {edge.seen(call.result()).json()["user_id"] for call in calls}

    assert names == {f"crowd-{number}" for number in range(120)}
