"""Tokens of an identity provider that publishes its keys (JWKS)."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from local.in_process.api import Api, ApiResponse
from topup.api import auth
from topup.runtime import config

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CLAIMS = {"sub": "u", "exp": 4_000_000_000}
SHARED = {"kty": "oct", "k": "c2hhcmVkLXNlY3JldC1zaGFyZWQtc2VjcmV0LXNoYXJlZA", "alg": "HS256", "kid": "shared"}

PUBLIC = json.loads(RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "rsa-1", "alg": "RS256", "use": "sig"}
PUBLISHED = {"keys": [PUBLIC, SHARED]}


@pytest.fixture
def provider(environment: pytest.MonkeyPatch) -> Iterator[str]:
    """An identity provider on loopback, with one RSA key and one that should never have been published."""

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(PUBLISHED).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/jwks.json"
        use(environment, url)
        yield url
        server.shutdown()
        thread.join()


def use(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("JWT_JWKS_URL", url)
    config.settings.cache_clear()
    auth._from_jwks.cache_clear()


def credits_with(api: Api, bearer: str) -> ApiResponse:
    return api.get("/api/users/credits", {"authorization": f"Bearer {bearer}"})


def test_a_token_signed_with_a_published_key_is_accepted(api: Api, provider: str):
    assert credits_with(api, jwt.encode(CLAIMS, KEY, "RS256", {"kid": "rsa-1"})).status == 200


@pytest.mark.parametrize("kid", ["unknown", "", "../rsa-1", None])
def test_a_token_of_an_unknown_key_is_refused(api: Api, provider: str, kid: str | None):
    assert credits_with(api, jwt.encode(CLAIMS, KEY, "RS256", {"kid": kid} if kid is not None else None)).status == 401


def test_a_shared_secret_among_the_published_keys_is_never_used(api: Api, provider: str):
    secret = "shared-secret-shared-secret-shared"

    assert credits_with(api, jwt.encode(CLAIMS, secret, "HS256", {"kid": "shared"})).status == 401


def test_a_token_signed_with_another_algorithm_than_the_keys_is_refused(api: Api, provider: str):
    assert credits_with(api, jwt.encode(CLAIMS, KEY, "PS256", {"kid": "rsa-1"})).status == 401


def test_a_withdrawn_key_is_refused_after_five_minutes(api: Api, provider: str, monkeypatch: pytest.MonkeyPatch):
    bearer = jwt.encode(CLAIMS, KEY, "RS256", {"kid": "rsa-1"})
    assert credits_with(api, bearer).status == 200
    monkeypatch.setitem(PUBLISHED, "keys", [SHARED])
    elapsed = time.monotonic() + 301
    monkeypatch.setattr(time, "monotonic", lambda: elapsed)

    assert credits_with(api, bearer).status == 401


def test_when_the_provider_does_not_answer_the_caller_gets_503_and_may_retry(api: Api, environment: pytest.MonkeyPatch):
    use(environment, "http://127.0.0.1:9/jwks.json")

    response = credits_with(api, jwt.encode(CLAIMS, KEY, "RS256", {"kid": "rsa-1"}))

    assert (response.status, response.json()["code"]) == (503, "busy")
    assert response.headers["retry-after"]


@pytest.mark.parametrize("error", [ConnectionResetError(), TimeoutError()], ids=repr)
def test_a_connection_that_breaks_in_the_answer_is_an_outage_too(
    api: Api, provider: str, monkeypatch: pytest.MonkeyPatch, error: OSError
):
    def broken(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", broken)

    assert credits_with(api, jwt.encode(CLAIMS, KEY, "RS256", {"kid": "rsa-1"})).status == 503
