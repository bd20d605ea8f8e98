"""The page of the API in a real browser: it shows every operation, and loads nothing from elsewhere."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from local import reference
from local.launcher import Stack
from tests.e2e.axe import VISITORS, findings, needs_axe, visiting

DOCUMENT: dict[str, Any] = json.loads(reference.DOCUMENT.read_text(encoding="utf-8"))
OPERATIONS = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
# Of Redoc's structure, which is not ours to change, and of its buttons.
REDOCS_OWN = ("heading-order", "page-has-heading-one", "region", "too small")


def link_of(operation: dict[str, Any]) -> str:
    return f"#/{operation['tags'][0].lower()}/{operation['operationId']}"


def open_reference(page: Page, stack: Stack, place: str = "") -> None:
    page.goto(f"{stack.web_url}/docs/{place}")
    expect(page.locator("#reference h1, #reference h2").first).to_be_visible()


def test_every_operation_has_its_place(page: Page, stack: Stack) -> None:
    open_reference(page, stack)

    for operation in OPERATIONS:
        scroll_down_to(page, f'#reference a[href="{link_of(operation)}"]')


def scroll_down_to(page: Page, selector: str) -> None:
    """Only what comes into sight is drawn, and it pushes down what follows: one move does not reach the end."""
    page.wait_for_function(
        """(selector) => {
            if (document.querySelector(selector)) return true;
            document.scrollingElement.scrollTo(0, document.scrollingElement.scrollHeight);
            return false;
        }""",
        arg=selector,
    )


def test_a_link_leads_to_an_operation_with_its_address_and_this_stacks_server(page: Page, stack: Stack) -> None:
    open_reference(page, stack, "#/holds/open_hold")
    summary = DOCUMENT["paths"]["/api/users/credits/holds"]["post"]["summary"]

    expect(page.get_by_role("heading", name=summary)).to_be_in_viewport()
    open_reference(page, stack)

    expect(page.get_by_text(stack.api_url)).to_be_visible()


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_blocked(page: Page, stack: Stack) -> None:
    asked: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)

    open_reference(page, stack)
    open_reference(page, stack, "#/credits/spend_credits")

    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {urlsplit(stack.web_url).netloc}
    assert problems == []


def test_the_pages_policy_refuses_other_scripts_and_every_request(page: Page, stack: Stack) -> None:
    open_reference(page, stack)

    refused = page.evaluate(
        """async () => {
            const told = [];
            document.addEventListener("securitypolicyviolation", (event) => told.push(event.effectiveDirective));
            await fetch("openapi.js").catch(() => {});
            document.body.append(Object.assign(document.createElement("script"), {textContent: "window.injected = 1"}));
            await new Promise((resolve) => setTimeout(resolve));
            return [...new Set(told), String(window.injected)];
        }"""
    )

    assert set(refused) == {"connect-src", "script-src-elem", "undefined"}


@pytest.fixture(params=list(VISITORS))
def visitor(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    yield from visiting(browser, request.param)


@needs_axe
@pytest.mark.parametrize("place", ["", "#/holds/open_hold"], ids=["overview", "operation"])
def test_axe_finds_nothing_that_is_ours(visitor: Page, stack: Stack, place: str) -> None:
    open_reference(visitor, stack, place)

    assert [one for one in findings(visitor) if not one.startswith(REDOCS_OWN)] == []
