"""What others make of docs/openapi.json: clients that work against a running stack, and linters that find nothing."""

import json
import shutil
from pathlib import Path
from typing import Any

from tests.clients.programs import DOCUMENT, INSTALLED, NPM, PACKAGE, PYTHON, needs, run

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


def results_of(output: str) -> Any:
    return json.loads(output.strip().splitlines()[-1])


@needs(PYTHON / "python")
def test_a_python_client_generated_from_the_document_understands_every_answer(environment: dict[str, str]):
    output = run(PYTHON / "python", HERE / "calls.py", cwd=PACKAGE, PYTHONPATH=str(PACKAGE), **environment)

    assert results_of(output) == EXPECTED


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
