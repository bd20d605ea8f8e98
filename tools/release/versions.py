"""The version, in every file that has one."""

import re
from pathlib import Path

from local import ROOT
from tools.generate import clients

FORM = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")
# Each has the version once. The test kit takes its own from pyproject.toml.
PLACES = {
    "pyproject.toml": re.compile(r'^(version = ")([^"]+)"$', re.MULTILINE),
    "clients/python/pyproject.toml": re.compile(r'^(version = ")([^"]+)"$', re.MULTILINE),
    "clients/typescript/package.json": re.compile(r'^(  "version": ")([^"]+)"', re.MULTILINE),
    "docs/openapi.json": re.compile(r'^(    "version": ")([^"]+)"', re.MULTILINE),
}

Version = tuple[int, int, int]


def parse(text: str) -> Version | None:
    """The three numbers; None where the text is no version."""
    found = FORM.fullmatch(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def of(root: Path) -> dict[str, str]:
    """The version that each file says."""
    found = {}
    for name, pattern in PLACES.items():
        [(_, version)] = pattern.findall((root / name).read_text(encoding="utf-8"))
        found[name] = version
    return found


def write(root: Path, version: str) -> None:
    """Set the version in each file; the clients are made from the same document as before, but for its version."""
    for name, pattern in PLACES.items():
        path = root / name
        path.write_text(pattern.sub(rf'\g<1>{version}"', path.read_text(encoding="utf-8")), encoding="utf-8")
    digest = clients.digest(root / clients.DOCUMENT.relative_to(ROOT))
    (root / clients.MADE_FROM.relative_to(ROOT)).write_text(digest, encoding="utf-8")
