"""What must be so before a release is built; each problem is one sentence that says what to do."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tools.build import layer
from tools.release import changelog, versions
from tools.release.changelog import UNRELEASED

COMPILER = Path(".cache/clients/node_modules/.bin/tsc")


def to_release(root: Path, version: str) -> list[str]:
    """Why this version cannot be released from this checkout as it is; empty if it can."""
    if versions.parse(version) is None:
        return [_no_version(version)]
    return [*_changes(root), *_other_versions(root, version), *_changelog(root, version), *_tags(root, version)]


def to_prepare(root: Path, version: str) -> list[str]:
    """Why what is unreleased cannot become this version; empty if it can."""
    if versions.parse(version) is None:
        return [_no_version(version)]
    text = _read(root)
    unreleased = changelog.find(text, UNRELEASED)
    found = [*_not_newer(root, version), *_tags(root, version)]
    if changelog.find(text, version):
        found.append(f"CHANGELOG.md has a section {version} already")
    elif unreleased is None or unreleased.is_empty:
        found.append(f"CHANGELOG.md has nothing under {UNRELEASED}: what is new for users and operators?")
    return found


def of_this_machine(root: Path, *, is_npm_needed: bool) -> list[str]:
    """What this machine lacks for a complete release."""
    found = []
    if layer.find_lambda_python() is None:
        found.append(f"there is no Python {layer.PYTHON_VERSION}, so the layers would have no bytecode: install it")
    if is_npm_needed and not shutil.which("npm"):
        found.append(
            "there is no npm, which packs the TypeScript client: install it, or leave it out with WITHOUT_NPM=1"
        )
    elif is_npm_needed and not (root / COMPILER).exists():
        found.append(f"{COMPILER} is missing, which npm could not install: see above")
    return found


def _no_version(version: str) -> str:
    return f"VERSION={version} is no version: use three numbers, such as VERSION=0.2.0"


def _changes(root: Path) -> Iterator[str]:
    changed = [line[3:] for line in _git(root, "status", "--porcelain").splitlines()]
    if changed:
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        yield f"the checkout has changes that are not committed: {', '.join(changed[:5])}{more}"


def _other_versions(root: Path, version: str) -> Iterator[str]:
    for name, found in versions.of(root).items():
        if found != version:
            yield f"{name} says version {found}, not {version}: {_prepare(version)} sets it everywhere"


def _changelog(root: Path, version: str) -> Iterator[str]:
    section = changelog.find(_read(root), version)
    if section is None:
        yield f"CHANGELOG.md has no section {version}: {_prepare(version)} makes it of what is under {UNRELEASED}"
        return
    if section.is_empty:
        yield f"CHANGELOG.md says nothing in its section {version}: what is new for users and operators?"
    if not section.is_dated:
        yield f"CHANGELOG.md dates its section {version} by {section.day!r}: write ## [{version}] - YYYY-MM-DD"
    yield from _not_newer(root, version)


def _not_newer(root: Path, version: str) -> Iterator[str]:
    """Whether another version in the changelog or among the tags is the same or newer."""
    wanted = versions.parse(version)
    assert wanted
    listed = {section.version for section in changelog.sections(_read(root))}
    tagged = {tag.removeprefix("v") for tag in _git(root, "tag", "--list", "v*").split()}
    others = [found for text in (listed | tagged) - {version} if (found := versions.parse(text))]
    if others and max(others) > wanted:
        yield f"{version} is not newer than {'.'.join(map(str, max(others)))}, the last one"


def _tags(root: Path, version: str) -> Iterator[str]:
    """A version that has been released stays the commit that it was."""
    commit = _git(root, "tag", "--list", f"v{version}", "--format=%(objectname) %(*objectname)").split()
    if commit and commit[-1] != _git(root, "rev-parse", "HEAD").strip():
        yield f"the tag v{version} is on the commit {commit[-1][:12]}: check that out, or choose the next version"


def _prepare(version: str) -> str:
    return f"`make release VERSION={version} PREPARE=1`"


def _read(root: Path) -> str:
    return (root / "CHANGELOG.md").read_text(encoding="utf-8")


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout
