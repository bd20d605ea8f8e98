"""The demo shop's server: what a browser may see, and how a purchase is forwarded to the API."""

import asyncio
import base64
import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from local.in_process.environment import NOW
from local.storefront.app import StorefrontConfig, create_app
from topup.domain import errors

STATIC = Path(__file__).parents[2] / "local" / "storefront" / "static"
API_KEY = "the-key-that-no-browser-may-see"
ADMIN_TOKEN = "the-token-that-no-buyer-may-see"


def a_token(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.signature"


def a_config(api_url: str = "http://localhost:8000", user_token: str | None = None) -> StorefrontConfig:
    return StorefrontConfig(
        api_url=api_url,
        user_token=user_token or a_token(sub="user_1"),
        admin_token=ADMIN_TOKEN,
        api_key=API_KEY,
        simulator_url="http://localhost:12111",
        now=lambda: NOW,
    )


def call(config: StorefrontConfig, method: str, path: str, **request: object) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=create_app(config))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            return await client.request(method, path, **request)  # type: ignore[arg-type]

    return asyncio.run(send())


@dataclass
class FakeApi:
    """An API on a real socket: keeps the requests, and responds as configured."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    body: bytes = b'{"payment_id": "p_1"}'
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def api() -> Iterator[FakeApi]:
    fake = FakeApi()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fake.received.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(fake.status)
            for name, value in fake.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(fake.body)))
            self.end_headers()
            self.wfile.write(fake.body)

        do_GET = do_POST  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            pass  # keep the tests' output readable

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        fake.url = f"http://127.0.0.1:{server.server_port}"
        yield fake
        server.shutdown()
        thread.join()


def buy(api_url: str, **headers: str) -> httpx.Response:
    return call(a_config(api_url), "POST", "/buy", json={"package": "trial"}, headers=headers)


# ------------------------------------------------------------------------------------------- what a browser sees


def test_the_page_gets_the_address_of_the_api_and_the_visitors_token() -> None:
    token = a_token(sub="user_1")

    config = call(a_config(user_token=token), "GET", "/config.json").json()

    assert config == {
        "api_url": "http://localhost:8000",
        "user_token": token,
        "user_id": "user_1",
        "simulator_url": "http://localhost:12111",
        "now": "2026-03-01T12:00:00+00:00",
    }


@pytest.mark.parametrize("token", ["", "no-token", "a.%%.c", "a.e30.c", a_token(sub=7), "a.W10.c"])
def test_an_unreadable_token_only_leaves_the_user_id_out(token: str) -> None:
    config = StorefrontConfig("http://localhost:8000", token, ADMIN_TOKEN, API_KEY, None)

    response = call(config, "GET", "/config.json")

    assert response.status_code == 200
    assert "user_id" not in response.json()


@pytest.mark.parametrize("path", ["/config.json", "/", *(f"/{file.name}" for file in sorted(STATIC.iterdir()))])
def test_nothing_served_holds_the_api_key_or_the_admin_token(path: str) -> None:
    response = call(a_config(), "GET", path)

    assert response.status_code == 200
    assert API_KEY not in response.text
    assert ADMIN_TOKEN not in response.text


def test_the_secrets_stay_out_of_the_configs_repr() -> None:
    shown = repr(a_config())

    assert API_KEY not in shown
    assert ADMIN_TOKEN not in shown


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html"),
        ("/style.css", "text/css"),
        ("/app.js", "text/javascript"),
        ("/favicon.svg", "image/svg+xml"),
        ("/config.json", "application/json"),
    ],
)
def test_every_response_has_its_type_and_is_neither_cached_nor_sniffed(path: str, content_type: str) -> None:
    response = call(a_config(), "GET", path)

    assert response.headers["content-type"].split(";")[0] == content_type
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_the_content_security_policy_allows_only_this_server_and_calls_to_the_api() -> None:
    policy = call(a_config("http://localhost:8000/prefix/"), "GET", "/").headers["content-security-policy"]

    directives = dict(directive.split(" ", 1) for directive in policy.split("; "))
    assert directives["default-src"] == "'self'"
    assert directives["connect-src"] == "'self' http://localhost:8000"
    assert "unsafe" not in policy


def test_a_first_visit_loads_little() -> None:
    pages = ["/", *(f"/{file.name}" for file in sorted(STATIC.iterdir()) if file.name != "index.html")]

    sent = sum(call(a_config(), "GET", path).num_bytes_downloaded for path in pages)

    assert sent < 40_000  # bytes, compressed


def test_the_servers_own_source_is_not_served() -> None:
    assert call(a_config(), "GET", "/app.py").status_code == 404
    assert call(a_config(), "GET", "/../app.py").status_code == 404


# ------------------------------------------------------------------------------------------------- buying


def test_a_purchase_reaches_the_api_with_the_key_added_and_the_rest_unchanged(api: FakeApi) -> None:
    response = buy(api.url, **{"Authorization": "Bearer t", "Idempotency-Key": "intent-1"})

    [(path, headers, body)] = api.received
    assert path == "/api/payments/stripe/create"
    assert headers["x-api-key"] == API_KEY
    assert headers["authorization"] == "Bearer t"
    assert headers["idempotency-key"] == "intent-1"
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {"package": "trial"}
    assert (response.status_code, response.json()) == (200, {"payment_id": "p_1"})


def test_a_key_from_the_browser_is_replaced_and_its_cookies_are_dropped(api: FakeApi) -> None:
    buy(api.url, **{"X-API-Key": "forged", "Cookie": "a=b"})

    [(_, headers, _)] = api.received
    assert headers["x-api-key"] == API_KEY
    assert "cookie" not in headers
    assert "authorization" not in headers


def test_the_apis_problem_is_returned_with_its_status_body_type_and_retry_after(api: FakeApi) -> None:
    api.status, api.body = 503, b'{"code": "busy", "request_id": "r_1"}'
    api.headers = {"Content-Type": "application/problem+json", "Retry-After": "3", "X-Internal": "no"}

    response = buy(api.url)

    assert response.status_code == 503
    assert response.json() == {"code": "busy", "request_id": "r_1"}
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == "3"
    assert "x-internal" not in response.headers


def test_an_unreachable_api_is_a_502_problem() -> None:
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        response = buy(f"http://127.0.0.1:{taken.getsockname()[1]}")

    assert response.status_code == 502
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "api_unreachable"
    assert response.headers["cache-control"] == "no-store"


# ------------------------------------------------------------------------------------------------- holds


def test_the_page_gets_its_own_visitors_holds_with_the_key_added(api: FakeApi) -> None:
    shown = {"hold_id": "h.dQ", "description": "Chat 77", "held": 5, "ends_at": "2026-03-01T12:15:00Z"}
    hold = {**shown, "actor": "service:chat", "metadata": {"node": "7"}}  # which is not for a buyer
    api.body = json.dumps({"holds": [hold]}).encode()
    config = a_config(api.url, a_token(sub="user/1?x"))

    response = call(config, "GET", "/holds?user_id=user_2", headers={"Authorization": "Bearer t", "Cookie": "a=b"})

    [(path, headers, body)] = api.received
    assert path == "/api/users/user%2F1%3Fx/holds"
    assert headers["x-api-key"] == API_KEY
    assert not {"authorization", "cookie"} & set(headers)
    assert body == b""
    assert (response.status_code, response.json()) == (200, {"holds": [shown]})


def test_a_refused_list_of_holds_is_returned_as_it_is(api: FakeApi) -> None:
    api.status, api.body = 403, b'{"code": "forbidden"}'

    response = call(a_config(api.url), "GET", "/holds")

    assert (response.status_code, response.json()) == (403, {"code": "forbidden"})


def test_a_visitor_without_an_id_has_no_holds_and_the_api_is_not_asked(api: FakeApi) -> None:
    response = call(a_config(api.url, "no-token"), "GET", "/holds")

    assert response.json() == {"holds": []}
    assert api.received == []


def test_holds_cannot_be_changed_from_the_page(api: FakeApi) -> None:
    assert call(a_config(api.url), "POST", "/holds", json={"amount": 1}).status_code == 405
    assert api.received == []


# ------------------------------------------------------------------------------------------------- the files


def source(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def scripts() -> list[str]:
    return sorted(file.name for file in STATIC.glob("*.js"))


def table(language: str) -> dict[str, str]:
    found = re.search(rf"^const {language} = \{{\n(.*?)^\}};$", source("i18n.js"), re.DOTALL | re.MULTILINE)
    assert found, f"no table for {language}"
    return dict(re.findall(r'^  (\w+): "(.*)",$', found[1], re.MULTILINE))


def test_the_page_has_no_inline_script_or_style_which_its_policy_would_block() -> None:
    page = source("index.html")

    assert all(not body.strip() for body in re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL))
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize("name", ["index.html", "style.css", *scripts()])
def test_nothing_is_loaded_from_elsewhere(name: str) -> None:
    assert not re.search(r"https?://|url\(|@import", source(name).replace("http://www.w3.org/2000/svg", ""))


@pytest.mark.parametrize("name", scripts())
def test_no_script_turns_data_into_markup_or_code(name: str) -> None:
    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function"
    assert not re.search(banned, source(name))


def test_both_languages_have_the_same_texts_with_the_same_placeholders() -> None:
    english, chinese = table("en"), table("zh")

    assert len(english) > 50
    assert list(english) == list(chinese)
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", chinese[key])), key


def test_every_text_that_is_used_exists_and_every_text_is_used() -> None:
    code = "\n".join([source("index.html"), *(source(name) for name in scripts() if name != "i18n.js")])
    named = re.findall(r'\bt\("(\w+)"|data-i18n(?:-label)?="(\w+)"', code)
    chosen = re.findall(r'\bt\([\w.()]+ \? "(\w+)" : "(\w+)"\)', code)
    thrown = re.findall(r'new PageError\("(\w+)"\)', code)
    used = {key for keys in named + chosen for key in keys if key} | {*thrown}
    prefixes = ("status_", "badge_", "type_", "source_", "problem_", "decline_")
    made = {key for key in table("en") if key.startswith(prefixes)}

    assert used | made == set(table("en"))


def test_every_value_of_the_api_has_a_text() -> None:
    document = json.loads((STATIC.parents[2] / "docs" / "openapi.json").read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    values = {
        "type_": schemas["TransactionType"]["enum"],
        "source_": schemas["Lot"]["properties"]["source"]["enum"],
        "status_": schemas["Payment"]["properties"]["status"]["enum"],
    }

    for prefix, expected in values.items():
        assert {key for key in table("en") if key.startswith(prefix)} == {f"{prefix}{value}" for value in expected}


def test_the_problems_that_are_worded_are_the_apis_and_the_shops() -> None:
    known = {error.code for error in vars(errors).values() if isinstance(error, type) and hasattr(error, "code")}
    worded = {key.removeprefix("problem_") for key in table("en") if key.startswith("problem_")}

    assert worded - known == {"api_unreachable"}


def test_no_english_text_is_left_in_the_chinese_table() -> None:
    english = table("en")

    for key, text in table("zh").items():
        assert re.search(r"[\u4e00-\u9fff]", text), key
        assert text != english[key], key


def test_the_english_in_the_page_is_that_of_the_table() -> None:
    english = table("en")

    for key, text in re.findall(r'data-i18n="(\w+)"[^>]*>([^<]*)<', source("index.html")):
        assert text == english[key], key
