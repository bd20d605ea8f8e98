"""`make release VERSION=0.2.0`: check that this commit is that version, and build all its files into release/0.2.0.

It builds from the commit alone, so the same commit gives the same files, byte for byte. `PREPARE=1` only sets the
version everywhere and dates the changelog's section, for you to look at and to commit.
"""

import argparse
import contextlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from local import ROOT
from tools.build.layer import MACHINE_OF
from tools.release import archive, bundle, changelog, checks, packages, versions

FOLDER = "release"  # in the checkout; git ignores it
PROCESSORS = tuple(MACHINE_OF)
DOCUMENTS = ("docs/openapi.json", "docs/events.json")
NOTES = "RELEASE_NOTES.md"
START = """
To deploy, unpack `topup-{version}-arm64.tar.gz` (`…-x86_64.tar.gz` for the other processor), and follow the README.md
in it. It has all that a deployment needs. `sha256sum --check SHA256SUMS` checks the files.
"""
FILES = {
    "topup-{version}-*.tar.gz": "the template, functions, layers, and the operators' commands and documents",
    "topup-{version}-*.cdx.json": "the packages in the layers, with versions, licences and digests (CycloneDX)",
    "topup_client-{version}-*.whl": "the client for Python",
    "topup-client-{version}.tgz": "the client for TypeScript",
    "topup_local-{version}-*.whl": "the test kit: the local stack as a pytest fixture and a command",
    "openapi.json": "the API",
    "events.json": "the events",
}


class CannotReleaseError(Exception):
    """Nothing was built; each problem is a sentence."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("".join(f"\n  {problem}" for problem in problems))


def release(root: Path, version: str, *, with_npm: bool) -> Path:
    """The folder with the release's files; raises CannotReleaseError, OutOfDateError and PackingError."""
    with step(f"checks of version {version}"):
        refuse(checks.to_release(root, version))
        refuse(checks.of_this_machine(root, is_npm_needed=with_npm))
    done = root / FOLDER / version
    done.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=done.parent, prefix=".making-") as work:
        source, made = Path(work) / "source", Path(work) / "made"
        made.mkdir()
        with step("the files of this commit"):
            moment = export(root, source)
        build(source, made, version, moment, with_npm=with_npm)
        shutil.rmtree(done, ignore_errors=True)
        made.rename(done)
    return done


def build(source: Path, made: Path, version: str, moment: int, *, with_npm: bool) -> None:
    """Make every file of the release in the folder `made`."""
    for architecture in PROCESSORS:
        name = f"topup-{version}-{architecture}"
        with step(f"template, functions and layers for {architecture}"):
            folder = source.parent / name
            bundle.make(source, folder, version, architecture)
            shutil.copy(bundle.sbom(folder), made / f"{name}.cdx.json")
            archive.pack(folder, made / f"{name}.tar.gz", moment)
    for project in packages.WHEELS:
        with step(f"wheel of {project}"):
            packages.wheel(source / project, made, moment)
    if with_npm:
        with step(f"npm tarball of {packages.NPM_PACKAGE}"):
            packages.npm_tarball(source / packages.NPM_PACKAGE, made)
    with step("documents, notes and checksums"):
        for document in DOCUMENTS:
            shutil.copy(source / document, made)
        (made / NOTES).write_text(notes(source, made, version), encoding="utf-8")
        archive.write_sums(made)


def notes(source: Path, made: Path, version: str) -> str:
    """What the changelog says of this version, and what each of the files is for."""
    section = changelog.find((source / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    assert section
    names = {pattern.format(version=version): what for pattern, what in FILES.items()}
    rows = [f"| `{name}` | {what} |" for name, what in names.items() if any(made.glob(name))]
    table = "\n".join(["| file | what it is |", "|---|---|", *rows])
    return f"# Topup {version}, {section.day}\n{START.format(version=version)}\n{table}\n\n{section.body}\n"


def export(root: Path, target: Path) -> int:
    """The files of the commit that is checked out, and nothing else; its time, in seconds since 1970."""
    files = subprocess.run(["git", "archive", "--format=tar", "HEAD"], cwd=root, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(files)) as archived:
        archived.extractall(target, filter="data")
    shown = subprocess.run(["git", "show", "-s", "--format=%ct", "HEAD"], cwd=root, capture_output=True, check=True)
    return int(shown.stdout)


def prepare(root: Path, version: str) -> None:
    """Set the version everywhere, and date the changelog's section; raises CannotReleaseError."""
    refuse(checks.to_prepare(root, version))
    path = root / "CHANGELOG.md"
    text = changelog.released(path.read_text(encoding="utf-8"), version, datetime.now(UTC).date())
    path.write_text(text, encoding="utf-8")
    versions.write(root, version)


def refuse(problems: list[str]) -> None:
    if problems:
        raise CannotReleaseError(problems)


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """A line with what is done, and then how long it took."""
    print(f"{what} … ", end="", flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        print()
        raise
    print(f"{time.monotonic() - began:.1f} s", flush=True)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="make release", description="Build a release's files.", allow_abbrev=False)
    made.add_argument("--version", required=True, help="three numbers, such as 0.2.0")
    made.add_argument("--prepare", action="store_true", help="only set the version and date the changelog's section")
    made.add_argument("--without-npm", action="store_true", help="leave the TypeScript client out")
    return made


def main(arguments: list[str], root: Path = ROOT) -> int:
    options = parser().parse_args(arguments)
    began = time.monotonic()
    try:
        if options.prepare:
            prepare(root, options.version)
            print(f"Everything says {options.version} now. Read CHANGELOG.md, run `make check`, and commit.")
            return 0
        folder = release(root, options.version, with_npm=not options.without_npm)
    except (CannotReleaseError, bundle.OutOfDateError, packages.PackingError, subprocess.CalledProcessError) as error:
        print(f"cannot release {options.version}: {error}", file=sys.stderr)
        return 1
    files = sorted(folder.iterdir())
    for path in files:
        print(f"  {path.stat().st_size:>12,}  {path.name}")
    print(f"{folder.relative_to(root)}: {len(files)} files, in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
