"""What `make test-clients` installs under .cache/clients, from requirements-clients.txt and package-lock.json."""

import os
import subprocess
from pathlib import Path

import pytest

from local import ROOT

INSTALLED = ROOT / ".cache" / "clients"
PYTHON, NPM = INSTALLED / "venv" / "bin", INSTALLED / "node_modules" / ".bin"
DOCUMENT = ROOT / "docs" / "openapi.json"
PACKAGE = ROOT / "clients" / "python"


def needs(*programs: Path) -> pytest.MarkDecorator:
    missing = [program.name for program in programs if not program.exists()]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)}: `make test-clients` installs it, with npm")


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr
