"""The console's page: what it is sent with, what it is told, and what it may call."""

import re

import pytest

from local import ROOT
from local.in_process.api import Api
from local.in_process.dynamodb import Emulator
from tests.support.stripe_wire import StripeWire
from topup.runtime import config

STATIC = ROOT / "functions" / "console" / "static"
ISSUER = "https://id.example/realms/shop"


@pytest.fixture
def sign_in(environment: pytest.MonkeyPatch) -> None:
    """People sign in at an identity provider whose token endpoint has an origin of its own."""
    environment.setenv("JWT_ISSUER", ISSUER)
    environment.setenv("CONSOLE_CLIENT_ID", "topup-console")
    environment.setenv("CONSOLE_ORIGINS", "https://login.example")
    config.settings.cache_clear()


def policy(api: Api, path: str = "/console") -> dict[str, str]:
    text = api.get(path).headers["content-security-policy"]
    return {name: rest for name, _, rest in (directive.partition(" ") for directive in text.split("; "))}


def test_anyone_gets_the_page_without_a_call_of_dynamodb_or_stripe(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire
):
    response = api.get("/console")

    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.body == (STATIC / "index.html").read_text(encoding="utf-8")
    assert (dynamodb.operations, stripe_wire.requests) == ([], [])


@pytest.mark.parametrize("name", sorted(path.name for path in STATIC.iterdir()))
def test_every_file_has_its_type_and_the_headers_that_protect_the_page(api: Api, name: str):
    response = api.get(f"/console/{name}")

    kind = {"css": "text/css", "html": "text/html", "js": "text/javascript", "svg": "image/svg+xml"}
    assert response.headers["content-type"].partition(";")[0] == kind[name.rpartition(".")[2]]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert response.body == (STATIC / name).read_text(encoding="utf-8")


def test_the_policy_lets_the_page_run_its_own_files_and_call_its_own_origin_alone(api: Api):
    allowed = policy(api)

    assert allowed == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


@pytest.mark.usefixtures("sign_in")
def test_where_people_sign_in_at_a_provider_the_page_may_call_it_too(api: Api):
    assert policy(api)["connect-src"] == "'self' https://id.example https://login.example"


def test_a_file_that_has_not_changed_is_not_sent_again(api: Api):
    first = api.get("/console/app.js")
    again = api.get("/console/app.js", {"if-none-match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"  # the browser asks each time
    assert (again.status, again.body) == (304, "")
    assert again.headers["etag"] == first.headers["etag"] != api.get("/console").headers["etag"]


@pytest.mark.parametrize("name", ["app.py", "..", "../app.py", "%2e%2e%2fapp.py", "__pycache__", "App.js", "none.js"])
def test_nothing_else_is_served(api: Api, name: str):
    response = api.get(f"/console/{name}")

    assert (response.status, response.json()["code"]) == (404, "no_such_address")


def test_the_page_may_be_returned_to_with_parameters_of_the_identity_provider(api: Api):
    assert api.get("/console?code=1&state=2&session_state=3&iss=4").status == 200


def test_the_page_is_told_which_claim_makes_an_administrator_and_no_secret(api: Api, environment: pytest.MonkeyPatch):
    environment.setenv("ADMIN_CLAIM", "realm_access.roles")
    environment.setenv("ADMIN_CLAIM_IS_LIST", "true")
    environment.setenv("STRIPE_API_BASE", "")
    config.settings.cache_clear()

    response = api.get("/console/config.json")

    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "sign_in": None,
        "roles": {"claim": "realm_access.roles", "claim_is_list": True, "admin": "admin", "support": "support"},
        "stripe_dashboard": "https://dashboard.stripe.com",
        "now": response.json()["now"],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*", response.json()["now"])


def test_with_a_simulator_there_is_no_dashboard(api: Api, environment: pytest.MonkeyPatch):
    environment.setenv("STRIPE_API_BASE", "http://localhost:12111")
    config.settings.cache_clear()

    assert api.get("/console/config.json").json()["stripe_dashboard"] is None


@pytest.mark.usefixtures("sign_in")
def test_the_page_is_told_where_people_sign_in(api: Api):
    assert api.get("/console/config.json").json()["sign_in"] == {
        "issuer": ISSUER,
        "client_id": "topup-console",
        "scopes": "openid",
        "audience": None,
    }


@pytest.mark.parametrize("issuer", ["", "id.example", "http://id.example"])
def test_an_issuer_that_nobody_could_trust_is_a_wrong_setting(api: Api, environment: pytest.MonkeyPatch, issuer: str):
    environment.setenv("JWT_ISSUER", issuer)
    environment.setenv("CONSOLE_CLIENT_ID", "topup-console")
    config.settings.cache_clear()

    assert api.get("/console/config.json").status == 500
