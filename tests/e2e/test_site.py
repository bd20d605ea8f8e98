"""The site that `make docs` makes of the documents, opened as files: without a server, and without a network."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from local import ROOT
from tools.site import SCRIPTS, documents

MKDOCS = ROOT / ".cache" / "docs" / "venv" / "bin" / "mkdocs"
missing = [str(path) for path in (MKDOCS, *SCRIPTS.values()) if not path.exists()]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"no {', '.join(missing)}: `make docs` installs it, with npm")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [str(MKDOCS), "build", "--strict", "--config-file", str(ROOT / "tools/site/mkdocs.yml")]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        [*command, "--site-dir", str(folder)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def quiet_page(page: Page) -> Iterator[Page]:
    """A page that loads files alone, and has no error."""
    problems: list[str] = []
    page.on(
        "request", lambda request: None if request.url.startswith(("file:", "data:")) else problems.append(request.url)
    )
    page.on("requestfailed", lambda request: problems.append(request.url))
    yield page
    assert problems == []


def test_every_document_has_a_page(site: Path) -> None:
    pages = {path.relative_to(ROOT).with_suffix(".html") for path in documents()}
    expected = {page.with_name("index.html") if page.stem == "README" else page for page in pages}

    assert {path.as_posix() for path in expected if not (site / path).exists()} == set()


def test_the_search_finds_a_page_without_a_server(site: Path, quiet_page: Page) -> None:
    quiet_page.goto((site / "index.html").as_uri())
    quiet_page.get_by_role("textbox", name="Search").fill("quarantine")

    expect(quiet_page.locator(".md-search-result__item").first).to_contain_text("quarantine")


def test_the_diagram_is_drawn(site: Path, quiet_page: Page) -> None:
    quiet_page.goto((site / "docs" / "architecture.html").as_uri())

    expect(quiet_page.locator("div.mermaid")).to_be_visible()


def test_the_page_of_the_api_works_without_a_server(site: Path, quiet_page: Page) -> None:
    quiet_page.goto((site / "docs" / "reference" / "index.html").as_uri() + "#/holds/open_hold")

    expect(quiet_page.get_by_text("/api/users/credits/holds").first).to_be_visible()
