"""Looks at a page with axe-core, as two visitors: in Chinese on a phone in the dark, in English on a desk."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from local import ROOT
from tests.e2e.shop_page import WAIT_MS
from tools.pictures.browser import DESKTOP, PHONE

AXE = ROOT / ".cache" / "npm" / "node_modules" / "axe-core" / "axe.min.js"

needs_axe = pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm install --prefix .cache/npm axe-core@4.14.1")
VISITORS: dict[str, tuple[str, ViewportSize, Literal["dark", "light"]]] = {
    "phone": ("zh-CN", PHONE, "dark"),
    "desktop": ("en-GB", DESKTOP, "light"),
}

SMALLEST_TARGET = 44  # CSS pixels (WCAG 2.5.5)
TOO_SMALL = """smallest => [...document.querySelectorAll("a, button, input:not([type=hidden]), summary")]
  .filter((one) => one.checkVisibility() && !one.matches(".skip"))
  .filter((one) => (one.closest("label") ?? one).getBoundingClientRect().height < smallest)
  .map((one) => one.outerHTML)"""
IS_TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


def findings(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))  # not as a script element, which the page's policy refuses
    result: dict[str, Any] = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    found = [f"{one['id']}: {node['html']}" for one in result["violations"] for node in one["nodes"]]
    found += [f"too small: {one}" for one in page.evaluate(TOO_SMALL, SMALLEST_TARGET)]
    return found + (["wider than the screen"] if page.evaluate(IS_TOO_WIDE) else [])


def visiting(browser: Browser, visitor: str) -> Iterator[Page]:
    """A new visitor's page."""
    language, size, scheme = VISITORS[visitor]
    context = browser.new_context(locale=language, viewport=size, color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(WAIT_MS)
    yield context.new_page()
    context.close()
