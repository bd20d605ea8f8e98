"""A running stack, and what a client needs to call it."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local.launcher import Stack, running
from tests.e2e.buyer import Buyer


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running() as started:
        yield started


@pytest.fixture
def environment(stack: Stack) -> Iterator[dict[str, str]]:
    """What a client's calls need: addresses, credentials, and a payment whose buyer has its credits."""
    with ExitStack() as clients:
        buyer = Buyer(stack, clients)
        payment = buyer.buy()
        credentials = buyer.api.credentials
        yield {
            "API_URL": stack.api_url,
            "USER_TOKEN": token_in(credentials.user(buyer.user_id)),
            "ADMIN_TOKEN": token_in(credentials.admin()),
            "API_KEY": credentials.service()["x-api-key"],
            "PAYMENT_ID": payment["payment_id"],
            "USER_ID": buyer.user_id,
        }


def token_in(headers: dict[str, str]) -> str:
    return headers["authorization"].removeprefix("Bearer ")
