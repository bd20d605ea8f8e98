"""The local API Gateway, function URL and function runtime, with small functions made for these tests."""

import asyncio
import base64
import io
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from local.aws import function_url, functions, gateway
from local.aws.function_url import FunctionUrl
from local.aws.functions import Functions
from local.aws.gateway import Gateway
from local.aws.loader import Loader
from local.aws.project import Project, Runtime
from local.clock import Clock
from local.logs import Console, HandlerLog
from local.servers import AccessLine

ORIGIN = "https://shop.example"
TEMPLATE = """
Parameters: {FrontendUrls: {Type: CommaDelimitedList}}
Globals: {Function: {Handler: app.handler, Timeout: 20}}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration:
        AllowOrigins: !Ref FrontendUrls
        AllowMethods: [GET, POST]
        AllowHeaders: [authorization, content-type]
        ExposeHeaders: [retry-after]
        MaxAge: 600
  EchoUrl: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Ref Echo.Alias, AuthType: NONE}}
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/echo/
      Events:
        Exact: {Type: HttpApi, Properties: {Method: GET, Path: /things/special}}
        One: {Type: HttpApi, Properties: {Method: ANY, Path: "/things/{id}"}}
        Greedy: {Type: HttpApi, Properties: {Method: ANY, Path: "/things/{rest+}"}}
        Post: {Type: HttpApi, Properties: {Method: POST, Path: /post}}
  Answer:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/answer/
      Events:
        Api: {Type: HttpApi, Properties: {Method: POST, Path: /answer}}
  Slow:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/slow/
      Timeout: 1
      Events:
        Api: {Type: HttpApi, Properties: {Method: GET, Path: /slow}}
"""
ECHO = """
def handler(event, context):
    return {"event": event, "context": {
        "name": context.function_name, "arn": context.invoked_function_arn, "id": context.aws_request_id,
        "left": context.get_remaining_time_in_millis()}}
"""
# Returns or does what the request's body says.
ANSWER = """
import json, sys
from decimal import Decimal

def handler(event, context):
    body = json.loads(event["body"])
    match body.get("do"):
        case "raise":
            raise RuntimeError("a secret reason")
        case "exit":
            sys.exit(3)
        case "decimal":
            return {"statusCode": 200, "body": Decimal(1)}
        case "long":
            return {"statusCode": 200, "body": "x" * (7 * 1024 * 1024)}
        case "print":
            print(body["text"])
            return {}
    return body["result"]
"""
SLOW = """
import threading

def handler(event, context):
    threading.Event().wait(3)  # outlives the function's timeout of one second
"""


class Client:
    """Sends requests to an ASGI application without a network, in one event loop per test."""

    def __init__(self, app: ASGIApp, runner: asyncio.Runner) -> None:
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8000")
        self._runner = runner

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **request))

    def get(self, path: str, **request: Any) -> httpx.Response:
        return self.request("GET", path, **request)

    def post(self, path: str, **request: Any) -> httpx.Response:
        return self.request("POST", path, **request)


@dataclass
class Local:
    root: Path
    api: Client
    url: Client
    clock: Clock
    console: io.StringIO

    def event(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The event that the echo function got."""
        response = self.api.request(method, path, **request)
        assert response.status_code == 200, response.text
        event: dict[str, Any] = response.json()["event"]
        return event

    def respond_with(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        return self.api.post("/answer", json=body, headers=headers)

    def log(self) -> str:
        return (self.root / "logs" / "app.log").read_text(encoding="utf-8")


def write(root: Path, function: str, source: str) -> None:
    folder = root / "functions" / function
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text(source, encoding="utf-8")


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    (tmp_path / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    for name, source in (("echo", ECHO), ("answer", ANSWER), ("slow", SLOW)):
        write(tmp_path, name, source)
    shown = io.StringIO()
    console = Console(shown)
    with closing(Loader(tmp_path)) as loader, closing(HandlerLog(tmp_path / "logs" / "app.log", console)) as log:
        project = Project(tmp_path, {"FrontendUrls": ORIGIN}, loader, console)
        runtime = Runtime(project, Functions(tmp_path, loader, log), Clock(), console)
        with asyncio.Runner() as runner:
            api = Client(gateway.create_app(Gateway(runtime), runtime.clock), runner)
            url = Client(function_url.create_app(FunctionUrl(runtime)), runner)
            yield Local(tmp_path, api, url, runtime.clock, shown)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "did not happen within 10 s"
        time.sleep(0.01)


# ---------------------------------------------------------------------------------------------------------- events


def test_an_event_has_the_shape_of_payload_format_2(local: Local) -> None:
    event = local.event("GET", "/things/7?a=1&a=2&b=&c=x%20y", headers={"X-Two": "1", "Cookie": "k=v; l=w"})

    assert event["version"] == "2.0"
    assert event["routeKey"] == "ANY /things/{id}"
    assert event["rawPath"] == "/things/7"
    assert event["rawQueryString"] == "a=1&a=2&b=&c=x%20y"
    assert event["queryStringParameters"] == {"a": "1,2", "b": "", "c": "x y"}
    assert event["pathParameters"] == {"id": "7"}
    assert event["cookies"] == ["k=v", "l=w"]
    assert event["headers"]["x-two"] == "1"
    assert "cookie" not in event["headers"]
    assert event["isBase64Encoded"] is False


def test_the_request_context_names_the_caller_and_the_time(local: Local) -> None:
    context = local.event("GET", "/things/7", headers={"User-Agent": "tester"})["requestContext"]

    assert context["http"] == {
        "method": "GET",
        "path": "/things/7",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "tester",
    }
    assert context["stage"] == "$default"
    assert context["requestId"]
    assert abs(context["timeEpoch"] / 1000 - time.time()) < 60
    assert datetime.strptime(context["time"], "%d/%b/%Y:%H:%M:%S %z").timestamp() == context["timeEpoch"] // 1000


def test_keys_without_a_value_are_absent(local: Local) -> None:
    event = local.event("GET", "/things/special")

    assert not {"cookies", "queryStringParameters", "pathParameters", "body", "stageVariables"} & event.keys()


def test_repeated_headers_are_joined_with_commas(local: Local) -> None:
    event = local.event("GET", "/things/7", headers=[("X-Tag", "a"), ("X-Tag", "b")])

    assert event["headers"]["x-tag"] == "a,b"


@pytest.mark.parametrize("content_type", ["application/json", "APPLICATION/JSON; charset=utf-8", "text/plain"])
def test_a_body_of_a_text_type_is_text(local: Local, content_type: str) -> None:
    event = local.event("POST", "/post", content="é\n".encode(), headers={"content-type": content_type})

    assert (event["body"], event["isBase64Encoded"]) == ("é\n", False)


@pytest.mark.parametrize(
    "headers", [{}, {"content-type": "application/octet-stream"}, {"content-type": "application/x-www-form-urlencoded"}]
)
def test_any_other_body_is_base64(local: Local, headers: dict[str, str]) -> None:
    event = local.event("POST", "/post", content=b"\xff\x00", headers=headers)

    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\xff\x00", True)


def test_a_path_reaches_the_function_decoded(local: Local) -> None:
    event = local.event("GET", "/things/a%20b%2Fc")

    assert event["rawPath"] == "/things/a b/c"
    assert event["pathParameters"] == {"id": "a b/c"}


def test_the_function_gets_a_context(local: Local) -> None:
    context = local.api.get("/things/7").json()["context"]

    assert context["name"] == "echo"
    assert context["arn"].endswith(":function:echo")
    assert len(context["id"]) == 36
    assert 15_000 < context["left"] <= 20_000


# ---------------------------------------------------------------------------------------------------------- routes


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", "/things/special", "GET /things/special"),
        ("POST", "/things/special", "ANY /things/{id}"),
        ("DELETE", "/things/x", "ANY /things/{id}"),
        ("GET", "/things/x/y", "ANY /things/{rest+}"),
    ],
)
def test_the_most_specific_route_wins(local: Local, method: str, path: str, key: str) -> None:
    assert local.event(method, path)["routeKey"] == key


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/post"), ("GET", "/things/"), ("POST", "/POST")])
def test_an_unknown_route_is_not_found(local: Local, method: str, path: str) -> None:
    response = local.api.request(method, path)

    assert (response.status_code, response.json()) == (404, {"message": "Not Found"})


# ------------------------------------------------------------------------------------------------------- responses


def test_a_response_keeps_status_headers_cookies_and_body(local: Local) -> None:
    result = {
        "statusCode": 201,
        "headers": {"X-One": "1", "content-type": "text/csv"},
        "cookies": ["a=1", "b=2"],
        "body": base64.b64encode(b"\x00\x01").decode(),
        "isBase64Encoded": True,
    }
    response = local.respond_with({"result": result})

    assert (response.status_code, response.content, response.headers["x-one"]) == (201, b"\x00\x01", "1")
    assert response.headers["content-type"] == "text/csv"
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize(("result", "body"), [({"a": 1}, '{"a": 1}'), ("hello", "hello"), ([1], "[1]"), (None, "null")])
def test_a_result_without_status_code_is_the_body_of_a_200(local: Local, result: Any, body: str) -> None:
    response = local.respond_with({"result": result})

    assert (response.status_code, response.text) == (200, body)
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "body",
    [
        {"do": "raise"},
        {"do": "exit"},
        {"do": "decimal"},
        {"do": "long"},
        {"result": {"statusCode": "many"}},
        {"result": {"statusCode": 200, "body": {"not": "text"}}},
        {"result": {"statusCode": 200, "headers": {"a": ["list"]}}},
        {"result": {"statusCode": 200, "headers": ["list"]}},
        {"result": {"statusCode": 200, "body": "!", "isBase64Encoded": True}},
    ],
)
def test_a_function_that_fails_is_a_500_without_a_reason(local: Local, body: dict[str, Any]) -> None:
    response = local.respond_with(body, origin=ORIGIN)

    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "answer: " in local.console.getvalue()


def test_a_function_that_raises_is_reported_with_its_line_and_logged_in_full(local: Local) -> None:
    local.respond_with({"do": "raise"})

    assert "answer: RuntimeError: a secret reason (functions/answer/app.py:" in local.console.getvalue()
    assert "Traceback" in local.log()


def test_a_function_past_its_timeout_is_a_500(local: Local) -> None:
    response = local.api.get("/slow")

    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})
    assert "slow: timed out after 1 s" in local.console.getvalue()


def test_an_integration_past_the_gateways_own_limit_is_a_503(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "INTEGRATION_TIMEOUT", 0.1)

    response = local.api.get("/slow")

    assert (response.status_code, response.json()) == (503, {"message": "Service Unavailable"})


def test_headers_over_the_gateways_limit_are_a_431(local: Local) -> None:
    """10,240 bytes for the request line and all values together."""
    small = local.api.get("/things/7", headers={"authorization": "x" * 9900, "origin": ORIGIN})
    large = local.api.get("/things/7", headers={"authorization": "x" * 6000, "x-more": "y" * 4300, "origin": ORIGIN})
    long = local.api.get("/things/7?cursor=" + "x" * 10_240, headers={"origin": ORIGIN})

    assert small.status_code == 200
    for refused in (large, long):
        assert (refused.status_code, refused.json()) == (431, {"message": "Request Header Fields Too Large"})
        assert refused.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("size", [5 * 1024 * 1024, 11 * 1024 * 1024])
def test_a_body_over_lambdas_or_the_gateways_limit_is_a_413(local: Local, size: int) -> None:
    response = local.api.post("/post", content=bytes(size))  # 5 MB are more than 6 in base64

    assert (response.status_code, response.json()) == (413, {"message": "Request Entity Too Large"})


# ------------------------------------------------------------------------------------------------------------ CORS


def preflight(local: Local, origin: str) -> httpx.Response:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    return local.api.request("OPTIONS", "/anything", headers=headers)


def test_a_preflight_is_answered_from_the_template(local: Local) -> None:
    response = preflight(local, ORIGIN)

    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["access-control-allow-methods"] == "GET,POST"
    assert response.headers["access-control-allow-headers"] == "authorization,content-type"
    assert response.headers["access-control-max-age"] == "600"


@pytest.mark.parametrize("origin", ["https://evil.example", "https://shop.example.evil", "null", "http://shop.example"])
def test_another_origin_gets_no_cors_headers(local: Local, origin: str) -> None:
    responses = [preflight(local, origin), local.api.get("/things/7", headers={"origin": origin})]

    assert not [name for response in responses for name in response.headers if name.startswith("access-control")]


def test_the_gateways_cors_headers_replace_the_functions(local: Local) -> None:
    result = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "PUT"}}
    response = local.respond_with({"result": result}, origin=ORIGIN)

    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["access-control-expose-headers"] == "retry-after"
    assert "access-control-allow-methods" not in response.headers


def test_an_error_of_the_gateway_carries_cors_headers_too(local: Local) -> None:
    assert local.api.get("/nowhere", headers={"origin": ORIGIN}).headers["access-control-allow-origin"] == ORIGIN


# ---------------------------------------------------------------------------------------------------- function URL


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("PUT", "/any/path%20at/all"), ("GET", "/")])
def test_a_function_url_takes_any_method_and_path(local: Local, method: str, path: str) -> None:
    event = local.url.request(method, path).json()["event"]

    assert event["routeKey"] == event["requestContext"]["routeKey"] == "$default"
    assert event["rawPath"] == path
    assert event["requestContext"]["http"]["method"] == method
    assert event["requestContext"]["domainName"].endswith(".lambda-url.us-east-1.on.aws")
    assert event["requestContext"]["accountId"] == "anonymous"


def test_a_function_urls_body_is_always_base64(local: Local) -> None:
    event = local.url.post("/", json={"a": 1}).json()["event"]

    assert event["isBase64Encoded"] is True
    assert json.loads(base64.b64decode(event["body"])) == {"a": 1}


def test_a_function_url_hides_why_its_function_failed(local: Local) -> None:
    write(local.root, "echo", "def handler(event, context): raise ValueError('a reason')")

    eventually(lambda: local.url.get("/").status_code == 502)
    assert local.url.get("/").text == "Internal Server Error"


# ----------------------------------------------------------------------------------------------------------- clock


def test_the_clock_moves_every_event_forward(local: Local) -> None:
    before = local.clock.now().replace(microsecond=0)
    moved = local.api.post("/_local/clock", json={"advance_seconds": 86_400})
    event = local.event("GET", "/things/7")

    assert abs(event["requestContext"]["timeEpoch"] / 1000 - time.time() - 86_400) < 60
    shown = datetime.fromisoformat(moved.json()["now"])
    assert before + timedelta(days=1) <= shown <= local.clock.now()
    assert datetime.fromisoformat(local.api.get("/_local/clock").json()["now"]) > datetime.now(UTC)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"\xff"]
    + [json.dumps({"advance_seconds": value}).encode() for value in (0, -1, 1.5, True, "1", None, 10**12)]
    + [b'{"advance_seconds": 1, "more": 1}'],
)
def test_a_wrong_step_of_the_clock_is_refused_by_name(local: Local, body: bytes) -> None:
    before = local.clock.now()
    response = local.api.post("/_local/clock", content=body)

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "advance_seconds"
    assert (local.clock.now() - before).total_seconds() < 60


# ---------------------------------------------------------------------------------------------------------- reload


def test_an_edited_function_is_reloaded(local: Local) -> None:
    assert "event" in local.api.get("/things/7").json()

    write(local.root, "echo", "def handler(event, context): return 'edited'")

    eventually(lambda: local.api.get("/things/7").text == "edited")


def test_an_edited_layer_reaches_the_functions_that_import_it(local: Local) -> None:
    package = local.root / "layers" / "topup" / "local_test_layer.py"
    package.parent.mkdir(parents=True)
    package.write_text("WORD = 'one'", encoding="utf-8")
    source = f"import sys; sys.path.insert(0, {str(package.parent)!r})\nimport local_test_layer\nsys.path.pop(0)\n"
    write(local.root, "echo", source + "def handler(event, context): return local_test_layer.WORD")
    eventually(lambda: local.api.get("/things/7").text == "one")

    # Longer: by its bytecode Python notices no other change within the same second.
    package.write_text("WORD = 'another'", encoding="utf-8")

    eventually(lambda: local.api.get("/things/7").text == "another")


def test_a_syntax_error_is_a_500_reported_with_its_line_until_it_is_fixed(local: Local) -> None:
    write(local.root, "echo", "def handler(event, context)\n")
    eventually(lambda: local.api.get("/things/7").status_code == 500)
    assert "SyntaxError" in local.console.getvalue()
    assert "(functions/echo/app.py:1)" in local.console.getvalue()

    write(local.root, "echo", "def handler(event, context): return 'fixed'\n")

    eventually(lambda: local.api.get("/things/7").text == "fixed")


def test_an_edited_template_changes_the_routes(local: Local) -> None:
    template = local.root / "template.yaml"
    template.write_text(TEMPLATE.replace("Path: /post", "Path: /posted"), encoding="utf-8")

    eventually(lambda: local.api.post("/posted").status_code == 200)
    assert local.api.post("/post").status_code == 404


def test_a_broken_template_is_a_500_until_it_is_fixed(local: Local) -> None:
    template = local.root / "template.yaml"
    template.write_text(TEMPLATE.replace("!Ref FrontendUrls", "!Ref Missing"), encoding="utf-8")
    eventually(lambda: local.api.get("/things/7").status_code == 500)
    assert "!Ref Missing names no parameter" in local.console.getvalue()

    template.write_text(TEMPLATE, encoding="utf-8")

    eventually(lambda: local.api.get("/things/7").status_code == 200)


def test_no_bytecode_is_left_beside_the_functions(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)

    local.api.get("/things/7")

    assert not list((local.root / "functions").rglob("__pycache__"))


# ------------------------------------------------------------------------------------------------------------ logs


def test_what_a_handler_logs_as_an_error_is_shown_with_its_reason(tmp_path: Path) -> None:
    shown = io.StringIO()
    traceback = "Traceback …\n  File …\nKeyError: 'price'"
    with closing(HandlerLog(tmp_path / "logs" / "app.log", Console(shown))) as log, log.of("answer"):
        for record in (
            {"level": "ERROR", "message": "request failed", "detail": "catalogue.json: packages: must not be empty"},
            {"level": "ERROR", "message": "unexpected failure", "exception": traceback},
            {"level": "WARNING", "message": "lost a race"},
            {"level": "INFO", "message": "checkout opened"},
        ):
            log.line(json.dumps(record))

    assert shown.getvalue().splitlines() == [
        "  answer: ERROR request failed: catalogue.json: packages: must not be empty",
        "  answer: ERROR unexpected failure: KeyError: 'price'",
        "  answer: WARNING lost a race",
    ]


EVENT = {"level": "INFO", "event_id": "evt_1", "event_type": "refund.created"}
CHANGED = EVENT | {"message": "order changed", "payment_id": "51dd68f7-1111", "status": "succeeded", "credits": 1100}


@pytest.mark.parametrize(
    ("records", "line"),
    [
        ([CHANGED], "webhook refund.created 51dd68f7 → succeeded +1,100"),
        (
            [CHANGED, EVENT | {"message": "reversal changed", "kind": "refund", "status": "succeeded", "credits": -50}],
            "webhook refund.created 51dd68f7 → succeeded +1,100, refund succeeded -50",
        ),
        (
            [CHANGED | {"status": "pending", "credits": 0, "quarantine_reason": "another amount"}],
            "webhook refund.created 51dd68f7 → pending, under review",
        ),
        (
            [EVENT | {"message": "nothing to change", "payment_id": "51dd68f7-1111"}],
            "webhook refund.created 51dd68f7 → nothing to change",
        ),
        (
            [EVENT | {"message": "request failed", "status": 503, "code": "order_missing"}],
            "webhook refund.created → 503 order_missing",
        ),
        ([], "webhook refund.created → nothing of ours"),
    ],
)
def test_the_console_has_one_line_for_an_event_with_its_payment_and_credits(
    tmp_path: Path, records: list[dict[str, Any]], line: str
) -> None:
    shown = io.StringIO()
    with closing(HandlerLog(tmp_path / "logs" / "app.log", Console(shown))) as log:
        with log.of("stripe_webhook"):
            for record in [EVENT | {"message": "Stripe webhook"}, *records]:
                log.line(json.dumps(record))
        with log.of("get_payment"):
            log.line(json.dumps({"level": "INFO", "message": "request refused", "code": "x", "status": 404}))

    [printed] = shown.getvalue().splitlines()
    assert re.fullmatch(rf"\d\d:\d\d:\d\d {re.escape(line)}", printed)


def test_metrics_are_apart_from_what_people_read(tmp_path: Path) -> None:
    metric = '{"_aws":{"CloudWatchMetrics":[]},"service":"topup","CreditsSpent":[1.0]}'
    path = tmp_path / "logs" / "app.log"
    with closing(HandlerLog(path, Console(io.StringIO()))) as log, log.of("spend_credits"):
        log.line(metric)
        log.line('{"level": "INFO"}')

    assert path.read_text(encoding="utf-8") == '{"level": "INFO"}\n'
    assert path.with_name("metrics.log").read_text(encoding="utf-8") == metric + "\n"


@pytest.mark.parametrize(
    ("service", "path", "is_shown"),
    [
        *(("storefront", "/app.js", False), ("storefront", "/nothing.js", True), ("api", "/app.js", True)),
        *(("webhook", "/", False), ("webhook", "/nothing.js", True)),  # an event that was handled has its own line
    ],
)
def test_files_of_the_storefront_and_handled_events_have_no_access_lines(
    service: str, path: str, is_shown: bool
) -> None:
    async def site(scope: Scope, receive: Receive, send: Send) -> None:
        status = 404 if scope["path"] == "/nothing.js" else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    shown = io.StringIO()
    with asyncio.Runner() as runner:
        Client(AccessLine(site, service, Console(shown)), runner).get(path)

    line = rf"\d\d:\d\d:\d\d {service:<10} GET {re.escape(path)} (200|404) \d+ ms\n"
    assert bool(re.fullmatch(line, shown.getvalue())) is is_shown


def test_control_characters_are_escaped_on_the_console() -> None:
    shown = io.StringIO()

    Console(shown).line("GET /\x1b[31m\nfake line 体验包")

    assert shown.getvalue() == "GET /\\x1b[31m\\x0afake line 体验包\n"


def test_the_limits_are_those_of_aws() -> None:
    assert functions.MAX_PAYLOAD_BYTES == 6 * 1024 * 1024
    assert gateway.INTEGRATION_TIMEOUT == 30


def test_every_answer_has_the_gateways_request_id_and_the_function_knows_it(local: Local) -> None:
    known = local.api.get("/things/special")
    others = [local.api.get("/nowhere"), local.api.post("/answer", json={"do": "raise"})]

    assert known.json()["event"]["requestContext"]["requestId"] == known.headers["apigw-requestid"]
    assert len({response.headers["apigw-requestid"] for response in (known, *others)}) == 3
