"""What `make` does first: find a Python, and make an environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local import ROOT

FOUND_NOTHING = "Topup needs Python 3.11 or newer with its venv module"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs: the usual ones, but no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "dirname", "mktemp", "rm", "tail", "touch"):
        (folder / name).symlink_to(f"/bin/{name}")
    return folder


def a_python(machine: Path, name: str, version: str, missing: str = "nothing") -> str:
    """A Python that claims to have this version; it lacks the module `missing`."""
    script = machine / name
    major, minor = version.split(".")
    setup = f"import sys; sys.version_info = ({major}, {minor}, 0); sys.modules[{missing!r}] = None"
    script.write_text(
        f"""#!/bin/sh
if [ "$1" = --version ]; then echo "Python {version}.0"; exit; fi
[ "$1" = -c ] && exec "{sys.executable}" -c "{setup}
$2"
echo "no module named venv works here"; exit 1
""",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return str(script)


def run(machine: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": str(machine), "HOME": str(machine), **environment}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def found(machine: Path, **environment: str) -> str:
    ended = run(machine, "tools/build/find-python", **environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_the_version_of_lambda_is_preferred(machine: Path) -> None:
    a_python(machine, "python3", "3.12")
    a_python(machine, "python3.13", "3.13")

    assert found(machine) == "python3.13"


def test_a_python_that_the_caller_names_is_used(machine: Path) -> None:
    a_python(machine, "python3.13", "3.13")
    older = a_python(machine, "python3", "3.11")

    assert found(machine, PYTHON=older) == older
    assert found(machine, PYTHON="python3") == "python3"


def test_without_the_version_of_lambda_another_one_is_used_with_a_note(machine: Path) -> None:
    a_python(machine, "python3", "3.11")

    ended = run(machine, "tools/build/find-python")

    assert ended.stdout == "python3\n"
    assert ended.stderr == "No Python 3.13 found (Lambda's version); using Python 3.11.0.\n"


@pytest.mark.parametrize(("version", "missing"), [("3.10", "nothing"), ("3.13", "venv"), ("3.13", "ensurepip")])
def test_a_python_that_is_too_old_or_incomplete_is_skipped(machine: Path, version: str, missing: str) -> None:
    python = a_python(machine, "python3", version, missing)

    for ended, complaint in (
        (run(machine, "tools/build/find-python"), FOUND_NOTHING),
        (run(machine, "tools/build/find-python", PYTHON=python), f"PYTHON={python} is no Python 3.11 or newer"),
    ):
        assert ended.returncode == 1
        assert ended.stdout == ""
        assert ended.stderr.startswith(complaint)
        assert len(ended.stderr.splitlines()) == 1


def test_an_environment_that_cannot_be_made_is_reported_without_a_traceback(machine: Path, tmp_path: Path) -> None:
    a_python(machine, "python3.13", "3.13")

    ended = run(machine, "tools/build/make-venv", str(tmp_path / "venv"), "requirements-dev.txt")

    assert ended.returncode == 1
    assert "Python's venv module does not work here (Debian: apt install python3-venv):" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("python", "is_rebuilt"), [("", False), (sys.executable, False), ("python-of-another-version", True)]
)
def test_the_environment_is_rebuilt_only_for_another_python(machine: Path, python: str, is_rebuilt: bool) -> None:
    a_python(machine, "python-of-another-version", "3.99")
    given = [f"PYTHON={python}"] if python else []

    ended = subprocess.run(
        ["make", "--dry-run", "--old-file=requirements-dev.txt", *given, "types"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{machine}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert ("tools/build/make-venv" in ended.stdout) is is_rebuilt
