"""Which keys, issuers and audiences make a token valid. tests/security has the attacks on tokens."""

import base64
import hmac
import json
import time
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

CLAIMS = {"sub": "u", "exp": 4_000_000_000}
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
USER_ROUTES = ["/api/payments", "/api/payments/x", "/api/users/credits", "/api/users/credits/transactions"]


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def use(environment: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    config.settings.cache_clear()


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


@pytest.mark.parametrize("accepted", ["web,ios", "ios, web"])
@pytest.mark.parametrize("audience", ["web", "ios", ["ios"], ["other", "web"], ["web", "ios"]], ids=repr)
def test_a_token_for_any_of_the_accepted_audiences_is_accepted(
    api: Api, environment: pytest.MonkeyPatch, accepted: str, audience: Any
):
    use(environment, JWT_AUDIENCE=accepted)

    assert credits_with(api, token(aud=audience)).status == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "web,ios"},
        {"aud": "web ios"},
        {"aud": []},
        {"aud": ["web", 1]},
        {"aud": [["web"]]},
        {"aud": {"web": 1}},
        {"aud": "*"},
        {"aud": "", "client_id": "web"},
        {"aud": "android", "client_id": "web"},
        {"client_id": "android"},
        {"client_id": {"web": 1}},
        {"azp": "web"},
        {},
    ],
    ids=repr,
)
def test_a_token_for_none_of_the_accepted_audiences_is_refused(
    api: Api, environment: pytest.MonkeyPatch, claims: dict[str, Any]
):
    use(environment, JWT_AUDIENCE="web,ios")

    assert is_refused(credits_with(api, token(**claims)))


def test_client_id_is_the_audience_of_a_token_without_aud(api: Api, environment: pytest.MonkeyPatch):
    use(environment, JWT_AUDIENCE="web,ios")

    assert credits_with(api, token(client_id="ios")).status == 200


@pytest.mark.parametrize("claims", [{"aud": "anyone"}, {"client_id": "anyone"}, {}], ids=repr)
def test_a_star_accepts_every_audience(api: Api, environment: pytest.MonkeyPatch, claims: dict[str, Any]):
    use(environment, JWT_AUDIENCE="*")

    assert credits_with(api, token(**claims)).status == 200


# The leeway is 30 s; the real clock goes on while the test runs.
@pytest.mark.parametrize(("claim", "inside", "outside"), [("iat", 20, 60), ("nbf", 20, 60), ("exp", -20, -60)])
def test_clocks_may_differ_by_some_seconds(api: Api, claim: str, inside: int, outside: int):
    now = int(time.time())

    assert credits_with(api, token("u", **{claim: now + inside})).status == 200
    assert is_refused(credits_with(api, token("u", **{claim: now + outside})))


def test_of_several_secrets_each_is_accepted(api: Api, environment: pytest.MonkeyPatch):
    new = "a-new-secret-of-more-than-thirty-two-bytes"
    environment.setenv("JWT_SECRET", f"{new}, {JWT_SECRET}")

    for secret in (new, JWT_SECRET):
        assert credits_with(api, jwt.encode(CLAIMS, secret, "HS256")).status == 200
    for wrong in (f"{new}, {JWT_SECRET}", f"{new},{JWT_SECRET}", "another-secret-of-more-than-thirty-two-bytes"):
        assert is_refused(credits_with(api, jwt.encode(CLAIMS, wrong, "HS256")))
    assert is_refused(credits_with(api, jwt.encode(CLAIMS | {"exp": 1}, JWT_SECRET, "HS256")))


# ------------------------------------------------------------------------------------------------------------ roles


def may_do(**claims: Any) -> str:
    """What a token lets its user do."""
    caller = auth.authenticate(Request({"headers": as_user("somebody", **claims)}))
    if caller.is_admin:
        return "everything"
    return "read" if caller.may_read_all else "nothing"


@pytest.mark.parametrize(
    ("claim", "is_list", "claims", "allowed"),
    [
        ("role", "false", {"role": "admin"}, "everything"),
        ("role", "false", {"role": "support"}, "read"),
        ("role", "false", {"role": ["admin"]}, "nothing"),
        ("role", "true", {"role": "admin"}, "nothing"),
        ("role", "true", {"role": ["x", "admin"]}, "everything"),
        ("role", "true", {"role": ["support"]}, "read"),
        ("role", "true", {"role": ["ADMIN", "admin ", "administrator", ["admin"], {"admin": 1}, None]}, "nothing"),
        ("role", "true", {"role": {"admin": True}}, "nothing"),
        ("app.role", "false", {"app": {"role": "admin"}}, "everything"),
        ("app.role", "false", {"app": {"role": "support"}}, "read"),
        ("app.role", "false", {"app.role": "admin"}, "everything"),
        ("app.role", "false", {"app.role": "user", "app": {"role": "admin"}}, "nothing"),
        ("app.role", "false", {"role": "admin", "app": "admin"}, "nothing"),
        ("app.role", "false", {"app": [{"role": "admin"}]}, "nothing"),
        ("app.role", "false", {"app": {"role": {"role": "admin"}}}, "nothing"),
        ("app.roles", "true", {"app": {"roles": ["admin"]}}, "everything"),
        ("https://shop.example/role", "false", {"https://shop.example/role": "admin"}, "everything"),
    ],
)
def test_a_role_is_at_the_path_and_exact_or_in_a_list_where_the_operator_said_so(
    environment: pytest.MonkeyPatch, claim: str, is_list: str, claims: dict[str, Any], allowed: str
):
    use(environment, ADMIN_CLAIM=claim, ADMIN_CLAIM_IS_LIST=is_list)

    assert may_do(**claims) == allowed


@pytest.mark.parametrize(
    ("value", "allowed"),
    [(True, "everything"), ("true", "everything"), (False, "nothing"), (1, "nothing"), ("1", "nothing")],
)
def test_a_flag_of_the_provider_is_the_word_true(environment: pytest.MonkeyPatch, value: Any, allowed: str):
    use(environment, ADMIN_CLAIM="admin", ADMIN_VALUE="true")

    assert may_do(admin=value) == allowed


def test_a_flag_alone_makes_nobody_an_administrator():
    assert may_do(role=True) == "nothing"


@pytest.mark.parametrize("secret", ["", "short", "x" * 31, f"{JWT_SECRET},short", " , "])
def test_a_missing_or_short_secret_is_a_misconfiguration(
    api: Api, dynamodb: Emulator, environment: pytest.MonkeyPatch, log: Any, secret: str
):
    environment.setenv("JWT_SECRET", secret)

    response = api.get("/api/users/credits", as_user())

    assert (response.status, response.json()["code"]) == (500, "misconfigured")
    assert "JWT_SECRET must have at least 32 bytes" in log.getvalue()
    assert "JWT_SECRET" not in response.body
    assert dynamodb.operations == []
