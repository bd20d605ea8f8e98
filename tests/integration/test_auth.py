"""Which tokens are accepted, and who is an administrator."""

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
from topup.api import auth
from topup.api.endpoint import Request
from topup.runtime import config

FAR = 4_000_000_000
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
USER_ROUTES = ["/api/payments", "/api/payments/x", "/api/users/credits", "/api/users/credits/transactions"]


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def credits_with(api: Api, bearer: str) -> ApiResponse:
    return api.get("/api/users/credits", {"authorization": f"Bearer {bearer}"})


def token_with(header: dict[str, Any], claims: Any, key: bytes = JWT_SECRET.encode()) -> str:
    """A token with any header and claims, signed with `key` by HS256."""

    def part(value: Any) -> bytes:
        text = value if isinstance(value, str) else json.dumps(value)
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=")

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


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcg==", "token", f"Token {token()}", token()])
def test_an_authorization_header_that_is_no_bearer_token_is_refused(api: Api, header: str):
    assert is_refused(api.get("/api/users/credits", {"authorization": header}))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_word_bearer_may_be_written_in_any_letter_case(api: Api, scheme: str):
    assert api.get("/api/users/credits", {"authorization": f"{scheme} {token()}"}).status == 200


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "hs256", "HS384", "HS512", "RS256", "", None, 1, ["HS256"]]
)
def test_any_algorithm_but_the_keys_own_is_refused(api: Api, algorithm: Any):
    assert is_refused(credits_with(api, token_with({"alg": algorithm, "typ": "JWT"}, {"sub": "u", "exp": FAR})))


def test_an_unsigned_token_is_refused(api: Api):
    signed = token_with({"alg": "none"}, {"sub": "u", "exp": FAR})

    assert is_refused(credits_with(api, signed.rpartition(".")[0] + "."))


def test_the_public_key_is_not_accepted_as_a_shared_secret(api: Api, environment: pytest.MonkeyPatch):
    public = pem(RSA_KEY)
    environment.setenv("JWT_PUBLIC_KEY", public)
    config.settings.cache_clear()

    assert is_refused(credits_with(api, token_with({"alg": "HS256"}, {"sub": "u", "exp": FAR}, public.encode())))


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

    assert credits_with(api, jwt.encode({"sub": "u", "exp": FAR}, key, algorithm)).status == 200
    assert is_refused(credits_with(api, token()))


@pytest.mark.parametrize("wrong", ["not a key", pem(ec.generate_private_key(ec.SECP384R1()))])
def test_a_public_key_that_cannot_be_used_is_a_misconfiguration(api: Api, environment: pytest.MonkeyPatch, wrong: str):
    environment.setenv("JWT_PUBLIC_KEY", wrong)
    config.settings.cache_clear()

    assert (response := credits_with(api, token())).status == 500
    assert response.json()["code"] == "misconfigured"


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/x5u"},
        {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
    ],
)
def test_a_tokens_header_cannot_name_another_key(api: Api, header: dict[str, Any]):
    valid = token_with({"alg": "HS256", **header}, {"sub": "u", "exp": FAR})
    forgery = token_with({"alg": "HS256", **header}, {"sub": "u", "exp": FAR}, b"secret")

    assert credits_with(api, valid).status == 200
    assert is_refused(credits_with(api, forgery))


def test_a_token_with_an_unknown_critical_extension_is_refused(api: Api):
    assert is_refused(
        credits_with(api, token_with({"alg": "HS256", "crit": ["exp2"], "exp2": 1}, {"sub": "u", "exp": FAR}))
    )


@pytest.mark.parametrize(
    "claims",
    [
        '{"sub": "u"}',
        '{"sub": "u", "exp": 1}',
        '{"sub": "u", "exp": null}',
        '{"sub": "u", "exp": [4000000000]}',
        '{"sub": "u", "exp": {}}',
        '{"sub": "u", "exp": "4000000000"}',
        '{"sub": "u", "exp": true}',
        '{"sub": "u", "exp": 1e400}',
        '{"sub": "u", "exp": -1e400}',
        '{"sub": "u", "exp": NaN}',
        '{"sub": "u", "exp": ' + "9" * 5000 + "}",
        '{"sub": "u", "exp": 4000000000, "nbf": 3900000000}',
        '{"sub": "u", "exp": 4000000000, "iat": 3900000000}',
        '{"sub": "u", "exp": 4000000000, "nbf": "soon"}',
        '{"exp": 4000000000}',
        '{"sub": "", "exp": 4000000000}',
        '{"sub": 1, "exp": 4000000000}',
        '{"sub": {"id": 1}, "exp": 4000000000}',
        '{"sub": null, "exp": 4000000000}',
        '{"sub": "a\\nb", "exp": 4000000000}',
        '{"sub": "\\ud800", "exp": 4000000000}',
        '{"sub": "' + "u" * 256 + '", "exp": 4000000000}',
        "[]",
        "null",
        '"x"',
        "{",
        "[" * 10_000,
    ],
)
def test_missing_wrong_or_odd_claims_are_refused(api: Api, dynamodb: Emulator, claims: str):
    assert is_refused(credits_with(api, token_with({"alg": "HS256"}, claims)))
    assert dynamodb.operations == []


@pytest.mark.parametrize("bearer", ["a", "a.b", "a.b.c", "..", "a.b.c.d", "é.é.é", "%00", "=" * 8000])
def test_a_bearer_that_is_no_token_is_refused(api: Api, bearer: str):
    assert is_refused(credits_with(api, bearer))


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


@pytest.mark.parametrize("role", ["notadmin", "Admin", "admin ", "", ["admin"], {"admin": True}, True, 1, None])
def test_only_the_exact_claim_makes_an_administrator(api: Api, role: Any):
    request = Request({"headers": as_user(role=role)})

    assert auth.authenticate(request).is_admin is False


def test_the_administrators_claim_and_value_are_configurable(api: Api, environment: pytest.MonkeyPatch):
    environment.setenv("ADMIN_CLAIM", "groups")
    environment.setenv("ADMIN_VALUE", "billing")
    config.settings.cache_clear()

    assert auth.authenticate(Request({"headers": as_user(groups="billing")})).is_admin
    assert not auth.authenticate(Request({"headers": as_user(role="admin")})).is_admin
