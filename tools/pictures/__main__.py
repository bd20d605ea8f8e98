"""Take the pictures of docs/pictures: the demo in a terminal, and every page in Chromium, on stacks of their own."""

import sys
from typing import Literal, TypeAlias

import httpx
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from local import ROOT
from local.client import Client, Json
from local.launcher import Stack, running
from tools.pictures import cast, scenes
from tools.pictures.browser import ARGUMENTS, CHROMIUM, DESKTOP, PHONE

FOLDER = ROOT / "docs" / "pictures"
DEMO = FOLDER / "demo.svg"
Visitor: TypeAlias = tuple[str, Literal["light", "dark"]]
ENGLISH: Visitor = ("en-GB", "light")
CHINESE: Visitor = ("zh-CN", "dark")
READY = "main[aria-busy=false]"


def main() -> int:
    if CHROMIUM is None:
        print("no chromium on the PATH", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    cast.take(DEMO)
    print(DEMO.relative_to(ROOT))
    with running() as stack, httpx.Client(trust_env=False, timeout=30) as http, sync_playwright() as playwright:
        client = Client(stack.api_url, stack.stripe_url, stack.values, http.request)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        _take_console(browser, stack, client)
        _take_storefront(browser, stack, client)
        browser.close()
    return 0


def _take_console(browser: Browser, stack: Stack, client: Client) -> None:
    scenes.waiting(client)  # for two weeks, when the pictures are taken
    payment = scenes.history(client)
    scenes.disputed(client)
    quarantined = scenes.quarantined(client)
    places = {
        "console-lists": ("", _nothing),
        "console-user": (f"#/user/{scenes.USER}", _nothing),
        "console-payment": (f"#/payment/{payment['payment_id']}", _nothing),
        "console-quarantine": (f"#/payment/{quarantined['payment_id']}", _nothing),
        "console-refund": (f"#/payment/{payment['payment_id']}", _ask_for_refund),
        "console-release": (f"#/payment/{quarantined['payment_id']}", _ask_for_release),
    }
    for visitor, size, suffix in ((ENGLISH, DESKTOP, ""), (CHINESE, PHONE, "-zh-phone")):
        for name, (place, act) in places.items():
            page = _page(browser, visitor, size)
            page.goto(f"{stack.api_url}/console#token={stack.admin_token}")
            page.wait_for_selector(f"{READY} #search")
            if place:
                page.goto(f"{stack.api_url}/console{place}")
                page.wait_for_selector(f"{READY} h1.mono")
            act(page)
            _save(page, name + suffix, is_whole=act is _nothing)


def _nothing(_: Page) -> None:
    """The page as it is."""


def _ask_for_refund(page: Page) -> None:
    page.locator("[data-action=refund]").click()
    _see_what_it_does(page)


def _ask_for_release(page: Page) -> None:
    page.locator("[data-action=release_fulfil]").click()
    page.locator("dialog [name=reason]").fill("The buyer had a voucher")
    _see_what_it_does(page)


def _see_what_it_does(page: Page) -> None:
    page.locator("dialog button[type=submit]").click()
    page.wait_for_selector("dialog .consequences")
    page.wait_for_selector("dialog button[type=submit]:enabled")


def _take_storefront(browser: Browser, stack: Stack, client: Client) -> None:
    """After a purchase, as its buyer sees it."""
    payment: Json = scenes.bought(client, "standard", "user-demo")
    scenes.bought(client, "trial", "user-demo")
    address = f"{stack.web_url}?payment_id={payment['payment_id']}&status=success"
    for visitor, size, suffix in ((ENGLISH, DESKTOP, ""), (CHINESE, PHONE, "-zh-phone")):
        page = _page(browser, visitor, size)
        page.goto(address)
        page.wait_for_selector("#payment-status[data-status=succeeded]")
        _save(page, f"storefront{suffix}", is_whole=True)


def _page(browser: Browser, visitor: Visitor, size: ViewportSize) -> Page:
    language, scheme = visitor
    return browser.new_page(locale=language, color_scheme=scheme, viewport=size, reduced_motion="reduce")


def _save(page: Page, name: str, *, is_whole: bool) -> None:
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path, full_page=is_whole)
    page.close()
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
