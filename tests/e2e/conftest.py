"""One local stack for all end-to-end tests of a test worker, on free ports."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from local import ROOT
from local.launcher import Stack, running
from tests.e2e.buyer import Buyer, NewBuyer
from tests.e2e.shop_page import WAIT_MS
from tools.pictures.browser import ARGUMENTS, CHROMIUM

expect.set_options(timeout=WAIT_MS)

PROJECT = ("template.yaml", ".env.example", "functions", "layers/topup", "local")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Shared: a test that moves the clock or disturbs the webhooks starts another one, with `running()`."""
    with running() as started:
        yield started
    assert open_addresses(started) == []


@pytest.fixture
def new_buyer() -> Iterator[NewBuyer]:
    """Makes buyers, and closes their connections at the end."""
    with ExitStack() as clients:
        yield lambda stack: Buyer(stack, clients)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that a test may edit."""
    return copied_project(tmp_path)


@pytest.fixture(scope="module")
def project_of_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project that the tests of a module share."""
    return copied_project(tmp_path_factory.mktemp("project"))


def copied_project(folder: Path) -> Path:
    for name in PROJECT:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on the PATH")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new visitor's page; its scripts must raise no error."""
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def open_addresses(stack: Stack) -> list[str]:
    """The stack's addresses where something still listens."""
    addresses = [stack.api_url, stack.webhook_url, stack.stripe_url, stack.web_url, stack.dynamodb_url]
    return [address for address in addresses if _listens(urlsplit(address).port)]


def _listens(port: int | None) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
