"""What the site of `make docs` is made of: the documents, what they have links to, and the page of the API.

MkDocs loads this file by its path and calls its functions. Each document has the path that it has in the repository, so
a link that works there works here.
"""

import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parents[2]))  # for the next two, which need no package

from local import reference
from tools.site import ROOT, SCRIPTS, documents

API_PAGE = "docs/reference"
LINK = re.compile(r"\[([^]]*)\]\(([^)#:\s]+)(#[^)]*)?\)")  # to a file of the repository: an address has a colon
SHOWN_BY_BROWSERS = (".json", ".md", ".png", ".svg")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents, the files that they have links to, and the page of the API."""
    pages = documents()
    for path in sorted(pages.union(_linked(pages))):
        _add(files, config, _served(path.relative_to(ROOT).as_posix()), abs_src_path=str(path))
    for path in sorted(reference.STATIC.iterdir()):
        _add(files, config, f"{API_PAGE}/{path.name}", abs_src_path=str(path))
    _add(files, config, f"{API_PAGE}/{reference.DATA}", content=reference.data())
    for name, path in SCRIPTS.items():
        if path.exists():
            _add(files, config, name, abs_src_path=str(path))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Let links to source lead to where it is served, and keep only the text of links to folders."""
    folder = posixpath.dirname(page.file.src_uri)

    def adapted(link: re.Match[str]) -> str:
        text, target, anchor = link.groups(default="")
        if (ROOT / folder / target).is_dir():
            return text
        return f"[{text}]({_served(target)}{anchor})"

    return LINK.sub(adapted, markdown)


def _linked(pages: set[Path]) -> Iterator[Path]:
    """The files other than documents that a link leads to. Where there is none, MkDocs reports the link."""
    for page in pages:
        for _, target, _ in LINK.findall(page.read_text(encoding="utf-8")):
            path = (page.parent / target).resolve()
            if path.is_file() and path.suffix != ".md":
                yield path


def _served(name: str) -> str:
    """Browsers show a .txt, and save a .py or .yaml; MkDocs leaves out what begins with a dot."""
    if name.endswith(SHOWN_BY_BROWSERS):
        return name
    folder, _, file = name.rpartition("/")
    return posixpath.join(folder, f"{file.removeprefix('.')}.txt")


def _add(files: Files, config: MkDocsConfig, name: str, **source: str) -> None:
    is_listed_elsewhere = name.startswith("docs/decisions/0")  # in the decisions' README.md; MkDocs reports others
    level = InclusionLevel.NOT_IN_NAV if is_listed_elsewhere else InclusionLevel.INCLUDED
    files.append(File.generated(config, name, inclusion=level, **source))
