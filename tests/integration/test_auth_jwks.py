"""Tokens of an identity provider that publishes its keys (JWKS), on its good days and on its bad ones."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from local.in_process.api import Api, ApiResponse
from topup.api import provider_keys, token_keys
from topup.api.provider_keys import FRESH, LONGEST_USE, PAUSE
from topup.runtime import config

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CLAIMS = {"sub": "u", "exp": 4_000_000_000}
SHARED = {"kty": "oct", "k": "c2hhcmVkLXNlY3JldC1zaGFyZWQtc2VjcmV0LXNoYXJlZA", "alg": "HS256", "kid": "shared"}
METRIC = '"IdentityProviderFailed"'

Answer = Callable[[BaseHTTPRequestHandler], None]


def public(key: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    return jwk | {"kid": kid, "alg": "RS256", "use": "sig"}


PUBLISHED = {"keys": [public(KEY, "rsa-1"), SHARED]}
TOKEN = jwt.encode(CLAIMS, KEY, "RS256", {"kid": "rsa-1"})
OTHER_TOKEN = jwt.encode(CLAIMS, OTHER_KEY, "RS256", {"kid": "rsa-2"})


def says(body: bytes, status: int = 200) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def publishes(*keys: dict[str, Any]) -> Answer:
    return says(json.dumps({"keys": keys}).encode())


def redirects(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("location", "/maintenance")
    request.end_headers()


def breaks_off(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("content-length", "1000")
    request.end_headers()
    request.wfile.write(b'{"keys": [')


def closes(request: BaseHTTPRequestHandler) -> None:
    request.connection.close()


BAD_DAYS: dict[str, Answer] = {
    "maintenance page": says(b"<html>We will be back soon</html>"),
    "empty": says(b""),
    "no keys": says(b'{"keys": []}'),
    "only a key that cannot be used": publishes(SHARED),
    "keys that are none": says(b'{"keys": {"a": 1}}'),
    "a key without fields": says(b'{"keys": [{"kid": "rsa-1"}, 7]}'),
    "a message": says(b'{"message": "Forbidden"}'),
    "a list": says(b"[]"),
    "null": says(b"null"),
    "400": says(b"{}", 400),
    "403": says(b"<html>Access denied</html>", 403),
    "404": says(b"", 404),
    "429": says(b"", 429),
    "500": says(b"", 500),
    "502": says(b"", 502),
    "redirect": redirects,
    "broken off": breaks_off,
    "connection closed": closes,
}
BAD_DAY = pytest.mark.parametrize("bad_day", BAD_DAYS.values(), ids=BAD_DAYS.keys())


class Provider:
    """An identity provider on loopback, and the clock that the functions see."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/jwks.json"
        self.answer: Answer = publishes(*PUBLISHED["keys"])
        self.requests: list[dict[str, str]] = []  # their headers
        self.seconds = 1000.0

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def provider(environment: pytest.MonkeyPatch) -> Iterator[Provider]:
    """It has one RSA key, and one that should never have been published."""

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.requests.append(dict(self.headers.items()))
            made.answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(HTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass  # a connection that the test has closed

    with Quiet(("127.0.0.1", 0), Keys) as server:
        made = Provider(server.server_port)
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        use(environment, made.url)
        environment.setattr(provider_keys, "time", SimpleNamespace(monotonic=lambda: made.seconds))
        yield made
        server.shutdown()
        thread.join()


def use(environment: pytest.MonkeyPatch, url: str, audience: str = "*") -> None:
    environment.setenv("JWT_JWKS_URL", url)
    environment.setenv("JWT_AUDIENCE", audience)
    config.settings.cache_clear()
    token_keys._provider.cache_clear()


def credits_with(api: Api, bearer: str) -> ApiResponse:
    return api.get("/api/users/credits", {"authorization": f"Bearer {bearer}"})


def test_a_token_signed_with_a_published_key_is_accepted(api: Api, provider: Provider):
    assert credits_with(api, TOKEN).status == 200


@pytest.mark.parametrize("kid", ["unknown", "", "../rsa-1", None])
def test_a_token_of_an_unknown_key_is_refused(api: Api, provider: Provider, kid: str | None):
    assert credits_with(api, jwt.encode(CLAIMS, KEY, "RS256", {"kid": kid} if kid is not None else None)).status == 401


def test_a_shared_secret_among_the_published_keys_is_never_used(api: Api, provider: Provider):
    secret = "shared-secret-shared-secret-shared"

    assert credits_with(api, jwt.encode(CLAIMS, secret, "HS256", {"kid": "shared"})).status == 401


def test_a_token_signed_with_another_algorithm_than_the_keys_is_refused(api: Api, provider: Provider):
    assert credits_with(api, jwt.encode(CLAIMS, KEY, "PS256", {"kid": "rsa-1"})).status == 401


def test_a_withdrawn_key_is_refused_after_five_minutes(api: Api, provider: Provider):
    assert credits_with(api, TOKEN).status == 200
    provider.answer = publishes(public(OTHER_KEY, "rsa-2"))

    provider.wait(FRESH - 1)
    assert credits_with(api, TOKEN).status == 200
    provider.wait(1)
    assert credits_with(api, TOKEN).status == 401


def test_a_new_key_is_fetched_when_a_token_names_it(api: Api, provider: Provider):
    assert credits_with(api, TOKEN).status == 200
    provider.answer = publishes(public(KEY, "rsa-1"), public(OTHER_KEY, "rsa-2"))
    provider.wait(PAUSE)

    assert credits_with(api, OTHER_TOKEN).status == 200


def test_the_provider_is_asked_under_a_name_of_our_own(api: Api, provider: Provider):
    credits_with(api, TOKEN)

    [headers] = provider.requests
    assert headers["User-Agent"] == "Topup"


def test_without_an_audience_nothing_is_accepted(api: Api, provider: Provider, environment: pytest.MonkeyPatch):
    use(environment, provider.url, audience="")

    assert (credits_with(api, TOKEN).status, provider.requests) == (500, [])


# ---------------------------------------------------------------------------------------------- the provider's bad days


@BAD_DAY
def test_before_any_keys_are_known_a_bad_day_is_503_with_retry_after_and_a_metric(
    api: Api, provider: Provider, bad_day: Answer, capsys: pytest.CaptureFixture[str]
):
    provider.answer = bad_day

    response = credits_with(api, TOKEN)

    assert (response.status, response.json()["code"]) == (503, "busy")
    assert response.headers["retry-after"]
    assert METRIC in capsys.readouterr().out


@BAD_DAY
def test_the_last_good_keys_stay_in_use_on_a_bad_day(
    api: Api, provider: Provider, bad_day: Answer, capsys: pytest.CaptureFixture[str]
):
    assert credits_with(api, TOKEN).status == 200
    provider.answer = bad_day
    provider.wait(LONGEST_USE - 1)
    capsys.readouterr()

    assert credits_with(api, TOKEN).status == 200
    assert METRIC in capsys.readouterr().out
    assert credits_with(api, TOKEN.rpartition(".")[0] + ".c2ln").status == 401


@BAD_DAY
def test_after_a_day_of_it_every_token_is_503_and_never_401(api: Api, provider: Provider, bad_day: Answer):
    assert credits_with(api, TOKEN).status == 200
    provider.answer = bad_day
    provider.wait(LONGEST_USE)

    assert credits_with(api, TOKEN).status == 503
    provider.answer = publishes(*PUBLISHED["keys"])
    provider.wait(PAUSE)
    assert credits_with(api, TOKEN).status == 200


@BAD_DAY
def test_whether_an_unknown_key_is_new_cannot_be_known_on_a_bad_day(api: Api, provider: Provider, bad_day: Answer):
    assert credits_with(api, TOKEN).status == 200
    provider.answer = bad_day
    provider.wait(PAUSE)

    assert credits_with(api, OTHER_TOKEN).status == 503


def test_a_provider_that_cannot_be_reached_is_503(api: Api, environment: pytest.MonkeyPatch):
    use(environment, "http://127.0.0.1:9/jwks.json")

    assert credits_with(api, TOKEN).status == 503


@pytest.mark.parametrize("error", [ConnectionResetError(), TimeoutError(), RuntimeError()], ids=repr)
def test_a_connection_that_breaks_in_the_answer_is_503(
    api: Api, provider: Provider, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    def broken(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", broken)

    assert credits_with(api, TOKEN).status == 503


def test_a_fetch_that_failed_is_not_tried_again_for_some_seconds(api: Api, provider: Provider):
    provider.answer = says(b"", 500)

    for _ in range(20):
        assert credits_with(api, TOKEN).status == 503
    assert len(provider.requests) == 1
    provider.wait(PAUSE)
    credits_with(api, TOKEN)
    assert len(provider.requests) == 2


@pytest.mark.parametrize("answer", [publishes(*PUBLISHED["keys"]), says(b"", 500)], ids=["well", "failing"])
def test_tokens_of_unknown_keys_do_not_make_every_request_ask_the_provider(
    api: Api, provider: Provider, answer: Answer
):
    assert credits_with(api, TOKEN).status == 200
    provider.answer = answer
    provider.wait(PAUSE)

    for number in range(20):
        credits_with(api, jwt.encode(CLAIMS, KEY, "RS256", {"kid": f"unknown-{number}"}))

    assert len(provider.requests) == 2
    assert credits_with(api, TOKEN).status == 200
