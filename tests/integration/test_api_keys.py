"""Which X-API-Key identifies a trusted service. tests/security has the attacks on keys."""

import pytest

from local.in_process.api import Api, ApiResponse, as_user
from local.in_process.dynamodb import Emulator
from local.in_process.environment import API_KEY
from tests.support.stripe_wire import StripeWire

CREATE = "/api/payments/stripe/create"


def is_refused(response: ApiResponse) -> bool:
    assert response.headers["content-type"] == "application/problem+json"
    return (response.status, response.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("key", [None, "", API_KEY + "x"])
def test_a_wrong_api_key_causes_no_call_of_dynamodb_or_stripe(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire, key: str | None
):
    headers = as_user() | ({} if key is None else {"x-api-key": key})

    assert is_refused(api.post(CREATE, {"package": "trial"}, headers))
    assert (dynamodb.operations, stripe_wire.requests) == ([], [])


@pytest.mark.parametrize("configured", ["", " ", ",", " , "])
def test_without_a_configured_key_every_key_is_refused(api: Api, environment: pytest.MonkeyPatch, configured: str):
    environment.setenv("PROXY_API_KEY", configured)

    for key in ("", " ", ",", configured, API_KEY):
        assert is_refused(api.post(CREATE, {"package": "trial"}, as_user() | {"x-api-key": key}))
