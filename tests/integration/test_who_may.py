"""Who may call what."""

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.in_process.api import Api, ApiResponse, as_buyer, as_user, token
from local.in_process.dynamodb import Emulator
from local.in_process.environment import API_KEY, JWT_SECRET, NOW
from tests.support.stripe_wire import StripeWire
from topup.api import auth
from topup.api.endpoint import Request
from topup.runtime import config

FAR = 4_000_000_000
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CREATE = "/api/payments/stripe/create"
USER_ROUTES = ["/api/payments", "/api/payments/x", "/api/users/credits", "/api/users/credits/transactions"]


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def credits_with(api: Api, bearer: str) -> ApiResponse:
    return api.get("/api/users/credits", {"authorization": f"Bearer {bearer}"})


def forged(header: dict[str, Any], claims: Any, key: bytes = JWT_SECRET.encode()) -> str:
    """A token with any header and claims, honestly signed by HS256."""

    def part(value: Any) -> bytes:
        text = value if isinstance(value, str) else json.dumps(value)
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=")

    signed = part(header) + b"." + part(claims)
    return (signed + b"." + base64.urlsafe_b64encode(hmac.digest(key, signed, "sha256")).rstrip(b"=")).decode()


def is_refused(answer: ApiResponse) -> bool:
    assert answer.headers["content-type"] == "application/problem+json"
    return (answer.status, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("path", USER_ROUTES)
def test_a_user_route_needs_a_token(api: Api, dynamodb: Emulator, path: str):
    answer = api.get(path)

    assert is_refused(answer)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert dynamodb.operations == []


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcg==", "token", f"Token {token()}", token()])
def test_an_authorization_header_that_is_no_bearer_token_is_refused(api: Api, header: str):
    assert is_refused(api.get("/api/users/credits", {"authorization": header}))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_letter_case(api: Api, scheme: str):
    assert api.get("/api/users/credits", {"authorization": f"{scheme} {token()}"}).status == 200


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "hs256", "HS384", "HS512", "RS256", "", None, 1, ["HS256"]]
)
def test_any_algorithm_but_the_keys_own_is_refused(api: Api, algorithm: Any):
    assert is_refused(credits_with(api, forged({"alg": algorithm, "typ": "JWT"}, {"sub": "u", "exp": FAR})))


def test_an_unsigned_token_is_refused(api: Api):
    signed = forged({"alg": "none"}, {"sub": "u", "exp": FAR})

    assert is_refused(credits_with(api, signed.rpartition(".")[0] + "."))


def test_a_public_key_is_not_taken_for_a_shared_secret(api: Api, environment: pytest.MonkeyPatch):
    public = pem(RSA_KEY)
    environment.setenv("JWT_PUBLIC_KEY", public)
    config.settings.cache_clear()

    assert is_refused(credits_with(api, forged({"alg": "HS256"}, {"sub": "u", "exp": FAR}, public.encode())))


@pytest.mark.parametrize(
    "key",
    [RSA_KEY, ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()],
    ids=["RS256", "ES256", "EdDSA"],
)
def test_a_public_key_verifies_with_its_own_algorithm(
    api: Api, environment: pytest.MonkeyPatch, key: Any, request: Any
):
    environment.setenv("JWT_PUBLIC_KEY", pem(key).replace("\n", "\\n"))
    config.settings.cache_clear()
    algorithm = request.node.callspec.id

    assert credits_with(api, jwt.encode({"sub": "u", "exp": FAR}, key, algorithm)).status == 200
    assert is_refused(credits_with(api, token()))


@pytest.mark.parametrize("wrong", ["not a key", pem(ec.generate_private_key(ec.SECP384R1()))])
def test_a_public_key_of_no_use_is_a_mistake_of_configuration(api: Api, environment: pytest.MonkeyPatch, wrong: str):
    environment.setenv("JWT_PUBLIC_KEY", wrong)
    config.settings.cache_clear()

    assert (answer := credits_with(api, token())).status == 500
    assert answer.json()["code"] == "misconfigured"


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
def test_hints_at_other_keys_in_a_tokens_header_change_nothing(api: Api, header: dict[str, Any]):
    honest = forged({"alg": "HS256", **header}, {"sub": "u", "exp": FAR})
    forgery = forged({"alg": "HS256", **header}, {"sub": "u", "exp": FAR}, b"secret")

    assert credits_with(api, honest).status == 200
    assert is_refused(credits_with(api, forgery))


def test_an_extension_that_must_be_understood_and_is_not_is_refused(api: Api):
    assert is_refused(
        credits_with(api, forged({"alg": "HS256", "crit": ["exp2"], "exp2": 1}, {"sub": "u", "exp": FAR}))
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
def test_claims_that_are_not_perfect_are_refused(api: Api, dynamodb: Emulator, claims: str):
    assert is_refused(credits_with(api, forged({"alg": "HS256"}, claims)))
    assert dynamodb.operations == []


@pytest.mark.parametrize("bearer", ["a", "a.b", "a.b.c", "..", "a.b.c.d", "é.é.é", "%00", "=" * 8000])
def test_what_is_no_token_is_refused(api: Api, bearer: str):
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
def test_a_secret_that_could_be_guessed_is_refused(
    api: Api, dynamodb: Emulator, environment: pytest.MonkeyPatch, log: Any, secret: str
):
    environment.setenv("JWT_SECRET", secret)

    answer = api.get("/api/users/credits", as_user())

    assert (answer.status, answer.json()["code"]) == (500, "misconfigured")
    assert "JWT_SECRET must have at least 32 bytes" in log.getvalue()
    assert "JWT_SECRET" not in answer.body
    assert dynamodb.operations == []


# ------------------------------------------------------------------------------------------------ administrators


@pytest.mark.parametrize("role", ["notadmin", "Admin", "admin ", "", ["admin"], {"admin": True}, True, 1, None])
def test_only_the_exact_value_makes_an_administrator(api: Api, role: Any):
    request = Request({"headers": as_user(role=role)})

    assert auth.authenticate(request).is_admin is False


def test_the_administrators_claim_and_value_are_configurable(api: Api, environment: pytest.MonkeyPatch):
    environment.setenv("ADMIN_CLAIM", "groups")
    environment.setenv("ADMIN_VALUE", "billing")
    config.settings.cache_clear()

    assert auth.authenticate(Request({"headers": as_user(groups="billing")})).is_admin
    assert not auth.authenticate(Request({"headers": as_user(role="admin")})).is_admin


# ------------------------------------------------------------------------------------------------ trusted services


@pytest.mark.parametrize("key", [None, "", API_KEY[:-1], API_KEY + "x", API_KEY.upper(), "é", "\udcff", ",", "a,b"])
def test_a_wrong_api_key_is_refused(api: Api, dynamodb: Emulator, stripe_wire: StripeWire, key: str | None):
    headers = as_user() | ({} if key is None else {"x-api-key": key})

    assert is_refused(api.post(CREATE, {"package": "trial"}, headers))
    assert (dynamodb.operations, stripe_wire.requests) == ([], [])


@pytest.mark.parametrize("configured", ["", " ", ",", " , "])
def test_without_a_configured_key_none_is_right(api: Api, environment: pytest.MonkeyPatch, configured: str):
    environment.setenv("PROXY_API_KEY", configured)

    for key in ("", " ", ",", configured, API_KEY):
        assert is_refused(api.post(CREATE, {"package": "trial"}, as_user() | {"x-api-key": key}))


def test_while_one_key_replaces_another_both_are_right(api: Api, environment: pytest.MonkeyPatch):
    environment.setenv("PROXY_API_KEY", f"the-old-key, {API_KEY}")

    for key in ("the-old-key", API_KEY):
        assert api.post(CREATE, {"package": "trial"}, as_user() | {"x-api-key": key}).status == 200


def test_create_needs_a_user_besides_the_key(api: Api):
    assert is_refused(api.post(CREATE, {"package": "trial"}, {"x-api-key": API_KEY}))


def test_the_time_of_a_request_is_the_gateways(api: Api):
    assert Request({"requestContext": {"timeEpoch": int(NOW.timestamp() * 1000)}}).now == NOW


def test_the_key_of_a_service_is_not_a_users_token(api: Api):
    assert is_refused(api.post(CREATE, {"package": "trial"}, as_buyer() | {"authorization": f"Bearer {API_KEY}"}))
