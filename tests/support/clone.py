"""A fresh clone of this checkout, and the lines that an operator pastes into a shell there."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from local import ROOT

UNWANTED = (".git", ".venv*", ".cache", ".aws-sam", ".deploy", "logs", ".*_cache", "__pycache__", "docs")
# make takes the environments as they are.
MAKE = "make --old-file=.venv/.installed --old-file=.venv-sam/.installed "

Done = subprocess.CompletedProcess[str]


def clone_into(folder: Path) -> Path:
    """The checkout's files in another folder, with its environments, and without a build."""
    made = folder / "topup"
    shutil.copytree(ROOT, made, ignore=shutil.ignore_patterns(*UNWANTED), symlinks=True)
    lend_environments(made)
    return made


def lend_environments(folder: Path) -> None:
    """Let make find this checkout's environments there, which take minutes to install."""
    for name in (".venv", ".venv-sam"):
        (folder / name).symlink_to(ROOT / name)


def paste(clone: Path, line: str, variables: Mapping[str, str], answers: str = "") -> Done:
    """Run a line as an operator pastes it. `variables` lead to AWS; without a terminal `answers` are what is typed."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "MAKE", "PYTHON"))}
    return subprocess.run(
        ["sh", "-c", line.replace("make ", MAKE, 1)],
        cwd=clone,
        env=kept | dict(variables),
        input=answers,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # without a terminal that could be asked instead
    )
