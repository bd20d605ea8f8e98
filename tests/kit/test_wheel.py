"""The kit as a wheel: it has all that the stack needs, and works where the repository is not."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local import ROOT
from tests.support.wheel import MISSING, build, requirements, with_what_they_need

OURS = {"local", "topup", "topup_local"}
TYPES = {"types_boto3_dynamodb", "types_boto3_ssm"}  # imported for mypy alone

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment with the wheel. It takes the other packages from this one: no network."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    uv, python = str(Path(sys.executable).with_name("uv")), str(folder / "bin/python")
    subprocess.run([uv, "pip", "install", "--offline", "--no-deps", "--python", python, str(wheel)], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "others.pth").write_text(str(Path(httpx.__file__).parents[1]), encoding="utf-8")
    return folder / "bin"


def without_repository() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def test_every_import_in_the_wheel_is_a_package_that_it_asks_for(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        trees = [ast.parse(files.read(name)) for name in files.namelist() if name.endswith(".py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    imported = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - OURS - TYPES
    provided = metadata.packages_distributions()
    installed_with_it = with_what_they_need(requirements(wheel))

    assert imported
    for name in imported - {"pytest"}:  # which loads the plugin, or nobody does
        assert {canonicalize_name(one) for one in provided[name]} & installed_with_it, name


def test_it_asks_for_the_versions_of_the_lock_or_later_ones_that_fit(wheel: Path) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = [Requirement(pin) for pin in [*declared["project"]["dependencies"], *declared["dependency-groups"]["local"]]]
    asked = {one.name: one for one in map(Requirement, requirements(wheel))}

    assert len(asked) == len(pins)
    for pin in pins:
        version = str(pin.specifier).removeprefix("==")
        assert asked[pin.name].specifier.contains(version), pin.name
        assert asked[pin.name].extras == pin.extras
        assert not asked[pin.name].specifier.contains("999"), pin.name


def test_the_example_passes_where_the_repository_is_not(installed: Path, tmp_path: Path) -> None:
    for file in (ROOT / "kit/example").glob("*.py"):
        shutil.copy(file, tmp_path)
    for name in ("local", "topup"):  # a service may have modules of these names
        (tmp_path / f"{name}.py").write_text("MINE = True\n", encoding="utf-8")
    (tmp_path / "test_own_names.py").write_text(
        "import local, topup as own, topup_local\n\n"
        "def test_mine(topup):\n    assert local.MINE and own.MINE\n"
        f"    assert topup_local.__file__.startswith({str(installed.parent)!r})\n",
        encoding="utf-8",
    )

    ended = subprocess.run(
        [installed / "python", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env=without_repository(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"^1\d passed", ended.stdout.splitlines()[-1])


@pytest.fixture
def commands(installed: Path, tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Two stacks, started by the command at the same time."""
    flags = ["--json", "--until-stdin-ends", "--set", "FRONTEND_URL=https://shop.example"]
    started = [
        subprocess.Popen(
            [installed / "topup-local", *flags],
            cwd=tmp_path,
            env={**without_repository(), "TMPDIR": str(tmp_path), "STRIPE_SECRET_KEY": "sk_live_of_the_developer"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    yield started
    for process in started:
        with process:
            process.kill()


def test_the_command_prints_where_the_stack_is_and_leaves_nothing(
    commands: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    stacks = [json.loads(process.stdout.readline()) for process in commands if process.stdout]
    statuses = [httpx.get(f"{stack['api_url']}/api/payments/packages", trust_env=False).status_code for stack in stacks]
    for process in commands:
        process.communicate()  # closes its standard input

    assert statuses == [200, 200]
    assert len({stack["api_url"] for stack in stacks}) == 2
    assert [process.returncode for process in commands] == [0, 0]
    assert list(tmp_path.iterdir()) == []


def test_a_setting_without_a_value_is_refused(installed: Path) -> None:
    ended = subprocess.run(
        [installed / "topup-local", "--set", "API_PORT"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert "'API_PORT' is not NAME=VALUE" in ended.stderr
