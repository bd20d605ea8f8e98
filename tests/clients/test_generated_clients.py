"""What others make of docs/openapi.json: clients that work against a running stack, and linters that find nothing.

`make test-clients` installs the generators and linters under .cache/clients, pinned: from requirements-clients.txt and
package-lock.json.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from local import ROOT
from local.launcher import Stack, running
from tests.e2e.buyer import Buyer

INSTALLED = ROOT / ".cache" / "clients"
PYTHON, NPM = INSTALLED / "venv" / "bin", INSTALLED / "node_modules" / ".bin"
DOCUMENT = ROOT / "docs" / "openapi.json"
HERE = Path(__file__).parent

# What every client must make of the answers: the status, and the error's code, who answered, or what was asked for.
EXPECTED = {
    "packages": [200, 1100],
    "created": [200, "pending"],
    "repeated": [200, "true"],
    "pending": [200, "pending"],
    "paid": [200, "succeeded"],
    "spent": [200, 1075],
    "refunded": [200, 275],
    "credits": [200, 800],
    "first page": [200, 1],
    "next page": [200, "succeeded"],
    "transactions": [200, [-275, -25, 1100]],
    "too few credits": [409, "insufficient_credits", 1075],
    "no such package": [422, "validation_failed"],
    "another request": [409, "idempotency_conflict"],
    "no such payment": [404, "payment_not_found"],
    "no such address": [404, "no_such_address"],
    "no administrator": [403, "forbidden"],
    "no valid token": [401, "unauthorized"],
    "over 10 MB": [413, "gateway"],
    "gateway 404": [404, "gateway"],
    "gateway 413": [413, "gateway"],
    "gateway 429": [429, "gateway"],
    "gateway 431": [431, "gateway"],
    "gateway 500": [500, "gateway"],
    "gateway 503": [503, "gateway"],
}


def needs(*programs: Path) -> pytest.MarkDecorator:
    missing = [program.name for program in programs if not program.exists()]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)}: `make test-clients` installs it, with npm")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running() as started:
        yield started


@pytest.fixture
def environment(stack: Stack) -> Iterator[dict[str, str]]:
    """What a client's calls need: addresses, credentials, and a payment whose buyer has its credits."""
    with ExitStack() as clients:
        buyer = Buyer(stack, clients)
        payment = buyer.buy()
        credentials = buyer.api.credentials
        yield {
            "API_URL": stack.api_url,
            "USER_TOKEN": token_in(credentials.user(buyer.user_id)),
            "ADMIN_TOKEN": token_in(credentials.admin()),
            "API_KEY": credentials.service()["x-api-key"],
            "PAYMENT_ID": payment["payment_id"],
            "USER_ID": buyer.user_id,
        }


def token_in(headers: dict[str, str]) -> str:
    return headers["authorization"].removeprefix("Bearer ")


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


def results_of(output: str) -> Any:
    return json.loads(output.strip().splitlines()[-1])


@needs(PYTHON / "openapi-python-client")
def test_a_python_client_generated_from_the_document_understands_every_answer(
    tmp_path: Path, environment: dict[str, str]
):
    made = tmp_path / "topup_client"
    path = f"{PYTHON}:{os.environ['PATH']}"  # the generator formats with the ruff beside it
    options = ("--meta", "none", "--output-path", made, "--fail-on-warning")
    run(PYTHON / "openapi-python-client", "generate", "--path", DOCUMENT, *options, cwd=tmp_path, PATH=path)
    shutil.copy(HERE / "calls.py", tmp_path)

    assert results_of(run(PYTHON / "python", "calls.py", cwd=tmp_path, **environment)) == EXPECTED


@needs(NPM / "openapi-typescript", NPM / "tsc")
def test_a_typescript_client_generated_from_the_document_understands_every_answer(
    tmp_path: Path, environment: dict[str, str]
):
    (tmp_path / "node_modules").symlink_to(INSTALLED / "node_modules")
    for name in ("calls.ts", "tsconfig.json", "package.json"):
        shutil.copy(HERE / name, tmp_path)
    run(NPM / "openapi-typescript", DOCUMENT, "--output", "schema.d.ts", cwd=tmp_path)
    run(NPM / "tsc", "--project", "tsconfig.json", cwd=tmp_path)

    assert results_of(run("node", "calls.js", cwd=tmp_path, **environment)) == EXPECTED


@needs(NPM / "redocly")
def test_redocly_has_nothing_to_say(tmp_path: Path):
    output = run(NPM / "redocly", "lint", "--extends=recommended", "--format=json", DOCUMENT, cwd=tmp_path)

    report, _ = json.JSONDecoder().raw_decode(output[output.index("{") :])
    assert report["problems"] == []


@needs(NPM / "spectral")
def test_spectral_has_nothing_to_say(tmp_path: Path):
    rules = ("--ruleset", HERE / "spectral.yaml", "--fail-severity", "hint")
    output = run(NPM / "spectral", "lint", *rules, DOCUMENT, cwd=tmp_path)

    assert "No results" in output
