"""Which X-API-Key makes a trusted service."""

import pytest

from local.in_process.api import Api, ApiResponse, as_buyer, as_user
from local.in_process.dynamodb import Emulator
from local.in_process.environment import API_KEY
from tests.support.stripe_wire import StripeWire

CREATE = "/api/payments/stripe/create"


def is_refused(response: ApiResponse) -> bool:
    assert response.headers["content-type"] == "application/problem+json"
    return (response.status, response.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("key", [None, "", API_KEY[:-1], API_KEY + "x", API_KEY.upper(), "é", "\udcff", ",", "a,b"])
def test_a_wrong_api_key_is_refused(api: Api, dynamodb: Emulator, stripe_wire: StripeWire, key: str | None):
    headers = as_user() | ({} if key is None else {"x-api-key": key})

    assert is_refused(api.post(CREATE, {"package": "trial"}, headers))
    assert (dynamodb.operations, stripe_wire.requests) == ([], [])


@pytest.mark.parametrize("configured", ["", " ", ",", " , "])
def test_without_a_configured_key_every_key_is_refused(api: Api, environment: pytest.MonkeyPatch, configured: str):
    environment.setenv("PROXY_API_KEY", configured)

    for key in ("", " ", ",", configured, API_KEY):
        assert is_refused(api.post(CREATE, {"package": "trial"}, as_user() | {"x-api-key": key}))


def test_while_one_key_replaces_another_both_are_accepted(api: Api, environment: pytest.MonkeyPatch):
    environment.setenv("PROXY_API_KEY", f"the-old-key, {API_KEY}")

    for key in ("the-old-key", API_KEY):
        assert api.post(CREATE, {"package": "trial"}, as_user() | {"x-api-key": key}).status == 200


def test_create_needs_a_users_token_as_well(api: Api):
    assert is_refused(api.post(CREATE, {"package": "trial"}, {"x-api-key": API_KEY}))


def test_an_api_key_is_no_users_token(api: Api):
    assert is_refused(api.post(CREATE, {"package": "trial"}, as_buyer() | {"authorization": f"Bearer {API_KEY}"}))
