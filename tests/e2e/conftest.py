"""One local stack for all end-to-end tests of a worker, on ports of its own."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from local.running import Stack, running


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A test that moves the clock or steers the webhooks starts one of its own, with `running()`."""
    with running() as started:
        yield started
    assert answering(started) == []


def answering(stack: Stack) -> list[str]:
    """The stack's addresses where something still listens."""
    addresses = [stack.api_url, stack.webhook_url, stack.stripe_url, stack.web_url, stack.dynamodb_url]
    return [address for address in addresses if _listens(urlsplit(address).port)]


def _listens(port: int | None) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
