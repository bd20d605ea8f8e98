"""What the tests in a browser do and see on the console's page."""

from playwright.sync_api import Locator, Page, expect

from local.launcher import Stack


def open_console(page: Page, stack: Stack, place: str = "", token: str | None = None) -> None:
    """Sign in by a link, as an administrator unless a token is given, and go to this place (`#/user/alice`)."""
    page.goto(f"{stack.api_url}/console#token={token or stack.admin_token}")
    expect(page.locator("#search")).to_be_visible()
    if place:
        page.goto(f"{stack.api_url}/console{place}")
        expect(page.locator("main[aria-busy=false] h1")).to_be_visible()


def search(page: Page, text: str) -> None:
    page.locator("#search").fill(text)
    page.get_by_role("search").get_by_role("button").click()


def expect_title(page: Page, text: str) -> None:
    expect(page.locator("h1")).to_have_text(text)


def figure(page: Page, name: str) -> Locator:
    return page.locator(f"[data-figure={name}]")


def steps(page: Page) -> list[str | None]:
    """What the payment's story tells, from the first step to the last."""
    expect(page.locator("#story")).to_be_visible()
    return [one.get_attribute("data-step") for one in page.locator("#story > li").all()]
