"""Which keys, issuers and audiences make a token valid. tests/security has the attacks on tokens."""

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.in_process.api import Api, ApiResponse, as_user, token
from local.in_process.dynamodb import Emulator
from local.in_process.environment import JWT_SECRET
from topup.runtime import config

CLAIMS = {"sub": "u", "exp": 4_000_000_000}
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
USER_ROUTES = ["/api/payments", "/api/payments/x", "/api/users/credits", "/api/users/credits/transactions"]


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def credits_with(api: Api, bearer: str) -> ApiResponse:
    return api.get("/api/users/credits", {"authorization": f"Bearer {bearer}"})


def token_with(header: dict[str, Any], claims: dict[str, Any], key: bytes = JWT_SECRET.encode()) -> str:
    """A token with any header and claims, signed with `key` by HS256."""

    def part(value: dict[str, Any]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signed = part(header) + b"." + part(claims)
    return (signed + b"." + base64.urlsafe_b64encode(hmac.digest(key, signed, "sha256")).rstrip(b"=")).decode()


def is_refused(response: ApiResponse) -> bool:
    assert response.headers["content-type"] == "application/problem+json"
    return (response.status, response.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("path", USER_ROUTES)
def test_a_user_route_needs_a_token(api: Api, dynamodb: Emulator, path: str):
    response = api.get(path)

    assert is_refused(response)
    assert response.headers["www-authenticate"] == "Bearer"
    assert dynamodb.operations == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_word_bearer_may_be_written_in_any_letter_case(api: Api, scheme: str):
    assert api.get("/api/users/credits", {"authorization": f"{scheme} {token()}"}).status == 200


def test_the_public_key_is_not_accepted_as_a_shared_secret(api: Api, environment: pytest.MonkeyPatch):
    public = pem(RSA_KEY)
    environment.setenv("JWT_PUBLIC_KEY", public)
    config.settings.cache_clear()

    assert is_refused(credits_with(api, token_with({"alg": "HS256"}, CLAIMS, public.encode())))


@pytest.mark.parametrize(
    "key",
    [RSA_KEY, ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()],
    ids=["RS256", "ES256", "EdDSA"],
)
def test_a_public_key_is_accepted_with_its_own_algorithm_only(
    api: Api, environment: pytest.MonkeyPatch, key: Any, request: Any
):
    environment.setenv("JWT_PUBLIC_KEY", pem(key).replace("\n", "\\n"))
    config.settings.cache_clear()
    algorithm = request.node.callspec.id

    assert credits_with(api, jwt.encode(CLAIMS, key, algorithm)).status == 200
    assert is_refused(credits_with(api, token()))


@pytest.mark.parametrize("wrong", ["not a key", pem(ec.generate_private_key(ec.SECP384R1()))])
def test_a_public_key_that_cannot_be_used_is_a_misconfiguration(api: Api, environment: pytest.MonkeyPatch, wrong: str):
    environment.setenv("JWT_PUBLIC_KEY", wrong)
    config.settings.cache_clear()

    assert (response := credits_with(api, token())).status == 500
    assert response.json()["code"] == "misconfigured"


@pytest.mark.parametrize(
    "bearer",
    ["a.b.c", token_with({"alg": "HS256"}, {"sub": "u", "exp": 1}), token_with({"alg": "HS256"}, CLAIMS, b"secret")],
    ids=["no token", "expired", "another secret"],
)
def test_a_refused_token_causes_no_read(api: Api, dynamodb: Emulator, bearer: str):
    assert is_refused(credits_with(api, bearer))
    assert dynamodb.operations == []


@pytest.mark.parametrize(("variable", "claim"), [("JWT_ISSUER", "iss"), ("JWT_AUDIENCE", "aud")])
def test_issuer_and_audience_are_checked_when_configured(
    api: Api, environment: pytest.MonkeyPatch, variable: str, claim: str
):
    assert credits_with(api, token(**{claim: "anyone"})).status == 200
    environment.setenv(variable, "us")
    config.settings.cache_clear()

    assert credits_with(api, token(**{claim: "us"})).status == 200
    wrongs: list[Any] = ["them", None, "", "US"]
    for wrong in wrongs:
        assert is_refused(credits_with(api, token(**{claim: wrong})))


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_a_missing_or_short_secret_is_a_misconfiguration(
    api: Api, dynamodb: Emulator, environment: pytest.MonkeyPatch, log: Any, secret: str
):
    environment.setenv("JWT_SECRET", secret)

    response = api.get("/api/users/credits", as_user())

    assert (response.status, response.json()["code"]) == (500, "misconfigured")
    assert "JWT_SECRET must have at least 32 bytes" in log.getvalue()
    assert "JWT_SECRET" not in response.body
    assert dynamodb.operations == []
