"""Which requests the local stack refuses because a foreign page has sent them."""

import asyncio

import httpx
import pytest
from starlette.responses import PlainTextResponse

from local.own_pages import OwnPages, OwnPagesOnly

OWN = OwnPages.of(
    ["http://localhost:3000", "https://shop.example", "http://localhost:8000"], "https://abc.tunnel.example"
)


def ask(headers: dict[str, str], method: str = "POST") -> tuple[httpx.Response, list[str]]:
    """The response, and what the console was told."""
    told: list[str] = []
    app = OwnPagesOnly(PlainTextResponse("done"), OWN, told.append)

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return await client.request(method, "http://localhost:8000/_local/clock", headers=headers)

    return asyncio.run(send()), told


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8000",
        "localhost",
        "127.0.0.1:8000",
        "[::1]:8000",
        "172.17.0.1:33001",
        "abc.tunnel.example",
        "host.docker.internal:1",
    ],
)
def test_a_host_that_leads_here_is_served(host: str):
    assert ask({"host": host})[0].text == "done"


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "x"),
        *("shop.example", "evil.example\\localhost"),
    ],
)
def test_a_host_that_was_made_to_lead_here_is_refused(host: str):
    response, told = ask({"host": host}, "GET")

    assert (response.status_code, response.json()["code"]) == (403, "foreign_page")
    assert told == [response.json()["detail"]]
    assert "API_BASE_URL" in told[0]


@pytest.mark.parametrize(
    "origin",
    [
        *("http://localhost:3000", "http://127.0.0.1:3000", "http://127.0.0.1:8000", "https://shop.example"),
        "https://abc.tunnel.example",
    ],
)
def test_our_own_pages_are_served(origin: str):
    assert ask({"origin": origin})[0].text == "done"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "null", "", "http://localhost:5173", "http://localhost:3000.evil.example"),
        *("https://localhost:3000", "http://shop.example", "HTTP://LOCALHOST:3000"),
    ],
)
def test_a_foreign_page_is_refused(origin: str, method: str):
    response, told = ask({"origin": origin}, method)

    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers
    assert "FRONTEND_URL" in told[0]
