"""The TypeScript client, clients/typescript: made from the document, it works against a running stack."""

import json
import re
import shutil
import tarfile
from pathlib import Path

import pytest

from local import ROOT
from tests.clients.programs import INSTALLED, NPM, needs, run
from tools.generate import clients

PACKAGE = ROOT / "clients" / "typescript"
README = (PACKAGE / "README.md").read_text(encoding="utf-8")

installed = needs(NPM / "tsc", NPM / "openapi-typescript")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A copy of the package, compiled."""
    folder = tmp_path / "typescript"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (folder / "node_modules").symlink_to(INSTALLED / "node_modules")
    run(NPM / "tsc", cwd=folder)
    return folder


@pytest.fixture
def service(tmp_path: Path, built: Path) -> Path:
    """A service that has installed the package, with the README's program in it."""
    folder = tmp_path / "service"
    modules = folder / "node_modules"
    modules.mkdir(parents=True)
    for name in ("openapi-fetch", "openapi-typescript-helpers", "@types", "undici-types"):
        (modules / name).symlink_to(INSTALLED / "node_modules" / name)
    run("npm", "pack", "--ignore-scripts", "--silent", cwd=built)
    [packed] = built.glob("*.tgz")
    with tarfile.open(packed) as files:
        files.extractall(modules, filter="data")
    (modules / "package").rename(modules / "topup-client")
    [program] = re.findall(r"^```ts\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (folder / "example.ts").write_text(program, encoding="utf-8")
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    options = ("--strict", "--target", "es2022", "--module", "nodenext", "--types", "node", "example.ts")
    run(NPM / "tsc", *options, cwd=folder)
    return folder


@installed
def test_its_types_are_those_of_the_document(tmp_path: Path):
    made = tmp_path / "schema.ts"
    clients.generate_typescript(made)

    assert made.read_text() == clients.TYPESCRIPT_TYPES.read_text(), "docs/openapi.json has changed: run `make clients`"


@installed
def test_its_own_tests_pass(built: Path):
    # The report that ends with the tests that failed: the end is what is shown of it.
    output = run("node", "--test", "--test-reporter=spec", *sorted(built.glob("dist/tests/*.test.js")), cwd=built)

    assert re.search(r"^ℹ pass [1-9]", output, re.MULTILINE)


@installed
def test_it_works_against_a_running_stack(built: Path, environment: dict[str, str]):
    printed, logged = run("node", "dist/tests/running.js", cwd=built, **environment).split("\n", 1)

    assert "was set aside: the service refused it" in logged
    assert json.loads(printed) == {
        "held": 200,
        "after the hold": [130, 0],
        "answer lost": 20,
        "after the loss": 150,
        "released": 60,
        "after the release": [150, 0],
        "too few": 150,
        "a refused API key": [1, 160],
        "two processes that replay": [3, 166],
        "a killed process": [True, 1, 1, 296],
        "after the hold's end": [True, 4, 300],
        "a day later": [[True], 0, 300],
    }


@installed
def test_a_service_that_installs_it_prints_what_the_readme_says(service: Path, environment: dict[str, str]):
    [printed] = re.findall(r"^```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    variables = {"PROXY_API_KEY": environment["API_KEY"], "TOPUP_URL": environment["API_URL"]}

    assert run("node", "example.js", cwd=service, USER_ID=environment["USER_ID"], **variables) == printed


def test_its_licence_is_ours():
    assert (PACKAGE / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
