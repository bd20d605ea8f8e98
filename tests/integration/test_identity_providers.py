"""The settings of docs/identity.md, with tokens and keys of each provider's shape.

The shapes are those of the providers' documentation: Cognito "Understanding the access token", Auth0 "Access token
profiles", Clerk "Session tokens" (version 2), Keycloak's realm tokens, Entra "Access token claims reference" (2.0),
Supabase "JWT claims reference", Firebase "Verify ID tokens".
"""

import json
import re
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from local import ROOT
from local.aws import template
from local.in_process.api import Api, ApiResponse
from topup.api import auth, token_keys
from topup.api.auth import Caller
from topup.api.endpoint import Request
from topup.runtime import config

Claims = dict[str, Any]
PAGE = (ROOT / "docs/identity.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)
BLOCKS = {section.partition("\n")[0]: block for section in PAGE.split("\n## ") for block in BLOCK.findall(section)}
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
USER = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"


@dataclass(frozen=True, kw_only=True)
class Provider:
    """What it publishes and signs: the claims of an ordinary user, and those that make another one of them."""

    issuer: str
    claims: Claims
    admin: Claims
    support: Claims | None
    others_application: Claims  # what is different in a token for another application of the same provider
    without_rights: list[Claims] = field(default_factory=list)  # what users can set, or what looks like a role
    key: Any = RSA_KEY
    algorithm: str = "RS256"
    jwk: Claims = field(default_factory=lambda: {"alg": "RS256", "use": "sig"})
    header: Claims = field(default_factory=lambda: {"typ": "JWT"})
    more_keys: tuple[Claims, ...] = ()

    def jwks(self) -> Claims:
        to_jwk: Callable[[Any], str] = ECAlgorithm.to_jwk if self.algorithm == "ES256" else RSAAlgorithm.to_jwk
        public: Claims = json.loads(to_jwk(self.key.public_key()))
        public.pop("key_ops", None)
        return {"keys": [*self.more_keys, public | self.jwk | {"kid": "key-1"}]}

    def token(self, changes: Mapping[str, Any]) -> str:
        now = int(time.time())
        claims: Claims = {"iss": self.issuer, "iat": now, "exp": now + 300, **self.claims, **changes}
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, self.key, self.algorithm, self.header | {"kid": "key-1"})


def _entra_id(number: int) -> str:
    return f"{number:08}-0000-4000-8000-000000000000"


# Keycloak publishes a key for encryption beside the one for signatures.
ENCRYPTION_KEY = {
    **json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())),
    "kid": "enc-1",
    "alg": "RSA-OAEP",
    "use": "enc",
}

PROVIDERS = {
    "Amazon Cognito": Provider(
        issuer="https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE12",
        claims={
            "sub": USER,
            "client_id": "6v7c8wlm2gu5gm4nh6f73e0bep",
            "origin_jti": "b0f1",
            "event_id": "ce82b157-abd7-11e8-a0b2-f197cbb44c95",
            "token_use": "access",
            "scope": "aws.cognito.signin.user.admin openid",
            "auth_time": 1735560930,
            "jti": "d49208e7-e619-40c7-a0b4-bb3c9607effa",
            "username": "mei",
        },
        admin={"cognito:groups": ["beta", "billing-admins"]},
        support={"cognito:groups": ["support"]},
        others_application={"client_id": "9zzzzzzzzzzzzzzzzzzzzzzzzz"},
        without_rights=[
            {"cognito:groups": "billing-admins"},
            {"cognito:groups": ["Billing-Admins"]},
            {"custom:role": "billing-admins"},
            {"username": "billing-admins"},
        ],
    ),
    "Auth0": Provider(
        issuer="https://example.eu.auth0.com/",
        claims={
            "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
            "aud": ["https://api.shop.example", "https://example.eu.auth0.com/userinfo"],
            "azp": "my_client_id",
            "scope": "openid profile email",
            "permissions": [],
        },
        admin={"permissions": ["read:packages", "admin:credits"]},
        support={"permissions": ["read:credits"]},
        others_application={"aud": ["https://another-api.example", "https://example.eu.auth0.com/userinfo"]},
        without_rights=[
            {"scope": "openid admin:credits"},
            {"https://shop.example/roles": ["admin:credits"]},
            {"permissions": ["read:packages admin:credits"]},
        ],
        jwk={"alg": "RS256", "use": "sig", "x5t": "key-1", "x5c": ["MIIC"]},
    ),
    "Clerk": Provider(
        issuer="https://clerk.shop.example",
        claims={
            "sub": "user_2sYPzOCeYYrLDTRVTB3UY0zpkjC",
            "azp": "https://shop.example",
            "fva": [7, -1],
            "nbf": int(time.time()) - 10,
            "pla": "u:free",
            "sid": "sess_2sYPzZcRJkWTfqDfcEzQ6v2rGBL",
            "sts": "active",
            "v": 2,
            "metadata": {},
        },
        admin={"metadata": {"role": "admin"}},
        support={"metadata": {"role": "support"}},
        others_application={"iss": "https://another.clerk.accounts.dev"},
        without_rights=[
            {"unsafe_metadata": {"role": "admin"}},
            {"o": {"id": "org_1", "rol": "admin", "slg": "shop"}},
            {"org_role": "org:admin"},
            {"role": "admin"},
        ],
        header={"typ": "JWT", "cat": "cl_B7d4PD111AAA"},
    ),
    "Keycloak": Provider(
        issuer="https://id.shop.example/realms/shop",
        claims={
            "sub": USER,
            "jti": "d58f5dc8-fd8f-462b-8a19-716f8f83985b",
            "aud": ["topup", "account"],
            "typ": "Bearer",
            "azp": "storefront",
            "sid": "2a88c258-f73a-4103-b862-e1fbd8f4e04e",
            "acr": "1",
            "allowed-origins": ["https://shop.example"],
            "realm_access": {"roles": ["offline_access", "default-roles-shop", "uma_authorization"]},
            "resource_access": {"account": {"roles": ["manage-account", "view-profile"]}},
            "scope": "email profile",
            "email_verified": True,
            "preferred_username": "mei",
            "email": "mei@shop.example",
        },
        admin={"realm_access": {"roles": ["default-roles-shop", "credits-admin"]}},
        support={"realm_access": {"roles": ["credits-support"]}},
        others_application={"aud": "account"},
        without_rights=[
            {"resource_access": {"account": {"roles": ["credits-admin"]}}},
            {"preferred_username": "credits-admin"},
            {"realm_access": ["credits-admin"]},
        ],
        header={"typ": "JWT"},
        more_keys=(ENCRYPTION_KEY,),
    ),
    "Microsoft Entra ID": Provider(
        issuer="https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
        claims={
            "sub": "9fTQ0wBbYpQ2o4aVq3oYb8dPqFJ3yT1v0mJ6rF6kZ1c",
            "aud": "66666666-7777-8888-9999-000000000000",
            "aio": "AWQAm/8XAAAA",
            "azp": _entra_id(1),
            "azpacr": "0",
            "name": "Mei",
            "oid": _entra_id(2),
            "preferred_username": "mei@shop.example",
            "rh": "0.AXkA",
            "scp": "access_as_user",
            "tid": "11111111-2222-3333-4444-555555555555",
            "uti": "fqiBqXLPj0eQa82S",
            "ver": "2.0",
        },
        admin={"roles": ["Credits.Admin"]},
        support={"roles": ["Credits.Read"]},
        others_application={"aud": _entra_id(3)},
        without_rights=[{"scp": "Credits.Admin"}, {"wids": ["Credits.Admin"]}, {"groups": ["Credits.Admin"]}],
        jwk={"use": "sig", "x5t": "key-1", "x5c": ["MIIC"]},  # without alg
        header={"typ": "JWT", "x5t": "key-1"},
    ),
    "Supabase": Provider(
        issuer="https://abcdefghijklmnopqrst.supabase.co/auth/v1",
        claims={
            "sub": USER,
            "aud": "authenticated",
            "email": "mei@shop.example",
            "phone": "",
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": {"email": "mei@shop.example", "email_verified": True},
            "role": "authenticated",
            "aal": "aal1",
            "amr": [{"method": "password", "timestamp": 1735560930}],
            "session_id": "2a88c258-f73a-4103-b862-e1fbd8f4e04e",
            "is_anonymous": False,
        },
        admin={"app_metadata": {"provider": "email", "providers": ["email"], "role": "admin"}},
        support={"app_metadata": {"provider": "email", "role": "support"}},
        others_application={"aud": "anon"},
        without_rights=[{"user_metadata": {"role": "admin"}}, {"role": "admin"}, {"role": "service_role"}],
        key=EC_KEY,
        algorithm="ES256",
        jwk={"alg": "ES256", "use": "sig", "key_ops": ["verify"], "ext": True},
    ),
    "Firebase Authentication": Provider(
        issuer="https://securetoken.google.com/shop-example",
        claims={
            "sub": "CArJJ2PQFFd8l2Rf8uptZhl86d33",
            "aud": "shop-example",
            "auth_time": 1766002923,
            "user_id": "CArJJ2PQFFd8l2Rf8uptZhl86d33",
            "email": "mei@shop.example",
            "email_verified": True,
            "firebase": {"identities": {"email": ["mei@shop.example"]}, "sign_in_provider": "password"},
        },
        admin={"admin": True},
        support=None,
        others_application={"aud": "another-project"},
        without_rights=[{"admin": False}, {"admin": 1}, {"firebase": {"admin": True}}, {"admin": "yes"}],
    ),
}
EACH = pytest.mark.parametrize("name", PROVIDERS)


@cache
def settings_of(name: str) -> dict[str, str]:
    return tomllib.loads(BLOCKS[name])


@pytest.fixture
def provider(name: str, environment: pytest.MonkeyPatch) -> Provider:
    """A stack with the page's block for this provider, which publishes its keys at the address in the block."""
    chosen = PROVIDERS[name]
    deployed = template.read(
        ROOT / "template.yaml", settings_of(name) | {"FrontendUrls": "https://shop.example", "SecretsPrefix": ""}
    )
    for variable, value in deployed.environment.items():
        if variable.startswith(("JWT_", "ADMIN_", "SUPPORT_")):
            environment.setenv(variable, value)
    config.settings.cache_clear()
    token_keys._provider.cache_clear()

    def published(client: jwt.PyJWKClient) -> Claims:
        assert client.uri == settings_of(name)["JwtJwksUrl"]
        return chosen.jwks()

    environment.setattr(jwt.PyJWKClient, "fetch_data", published)
    return chosen


def caller(token: str) -> Caller:
    return auth.authenticate(Request({"headers": {"authorization": f"Bearer {token}"}}))


def credits_with(api: Api, token: str) -> ApiResponse:
    return api.get("/api/users/credits", {"authorization": f"Bearer {token}"})


def test_every_block_of_the_page_is_tried_here():
    assert BLOCKS.keys() == PROVIDERS.keys()
    assert PAGE.count("```toml") == len(BLOCKS)


@EACH
def test_an_ordinary_user_is_let_in_under_the_providers_id(name: str, provider: Provider, api: Api):
    token = provider.token({})

    assert credits_with(api, token).json()["user_id"] == provider.claims["sub"]
    found = caller(token)
    assert (found.is_admin, found.is_support) == (False, False)


@EACH
def test_roles_are_where_the_provider_puts_them(name: str, provider: Provider):
    admin = caller(provider.token(provider.admin))
    assert (admin.is_admin, admin.is_support) == (True, False)
    if provider.support is not None:
        support = caller(provider.token(provider.support))
        assert (support.is_admin, support.is_support) == (False, True)


@EACH
def test_what_users_can_set_and_what_only_looks_like_a_role_gives_no_rights(name: str, provider: Provider):
    for claims in provider.without_rights:
        found = caller(provider.token(claims))
        assert not found.may_read_all, claims


@EACH
def test_a_token_for_another_application_or_of_another_issuer_is_refused(name: str, provider: Provider, api: Api):
    for changes in (
        provider.others_application,
        {"iss": provider.issuer.rstrip("/") + "-2"},
        {"iss": None},
        {"iss": provider.issuer.rstrip("/") if provider.issuer.endswith("/") else f"{provider.issuer}/"},
        {"exp": 1},
        {"sub": None},
    ):
        assert credits_with(api, provider.token(changes)).status == 401, changes


@pytest.mark.parametrize("name", ["Amazon Cognito"])
def test_an_id_token_of_cognito_has_its_client_in_aud(name: str, provider: Provider):
    as_id_token = {"client_id": None, "aud": provider.claims["client_id"], "token_use": "id"}

    assert caller(provider.token(as_id_token)).user_id == USER
