"""The test kit's wheel: built, and what it asks for."""

import re
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local import ROOT

MISSING = None if find_spec("hatchling") else "no hatchling: `make` installs it with the environment"


def build(folder: Path) -> Path:
    """As `make kit` does."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT / "kit", check=True)
    return next(folder.glob("*.whl"))


def requirements(wheel: Path) -> list[str]:
    with ZipFile(wheel) as files:
        name = next(name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        text = files.read(name).decode()
    return re.findall(r"^Requires-Dist: (.+)$", text, re.MULTILINE)


def with_what_they_need(names: list[str]) -> set[str]:
    """The distributions of these requirements and of theirs, as they are installed here."""
    found: set[str] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        one = waiting.pop()
        found.add(canonicalize_name(one.name))
        needed = map(Requirement, metadata.requires(one.name) or [])
        applying = [each for each in needed if _applies(each, one.extras)]
        waiting += [each for each in applying if canonicalize_name(each.name) not in found]
    return found


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""})
