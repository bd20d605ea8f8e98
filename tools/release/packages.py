"""The clients and the test kit, as what `pip install` and `npm install` take."""

import os
import subprocess
import sys
from pathlib import Path

from tools.generate import clients

WHEELS = ("clients/python", "kit")
NPM_PACKAGE = "clients/typescript"


class PackingError(Exception):
    """A package could not be made; the message has what its tool says."""


def wheel(project: Path, folder: Path, moment: int) -> None:
    """`moment`: the time of the wheel's files, in seconds since 1970. Raises PackingError."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    _run(command, project, SOURCE_DATE_EPOCH=str(moment))


def npm_tarball(project: Path, folder: Path) -> None:
    """Compile the project with the packages of `make test-clients`, and pack it. Raises PackingError."""
    (project / "node_modules").symlink_to(clients.NPM.parent)
    _run([str(clients.NPM / "tsc")], project)
    _run(["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", str(folder)], project)


def _run(command: list[str], folder: Path, **variables: str) -> None:
    """The files that it makes have the same modes under every umask: npm packs them with their modes."""
    environment = os.environ | variables
    ran = subprocess.run(command, cwd=folder, env=environment, umask=0o022, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise PackingError(f"{folder.name} cannot be packed: {' '.join((ran.stdout + ran.stderr).split())[-1000:]}")
