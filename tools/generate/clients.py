"""`make clients`: write again what is generated of the clients, in clients/, from docs/openapi.json."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from local import ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"
PYTHON_CODE = ROOT / "clients" / "python" / "topup_client" / "generated"
TYPESCRIPT_TYPES = ROOT / "clients" / "typescript" / "src" / "schema.ts"
MADE_FROM = ROOT / "clients" / "openapi.sha256"
# These may gain values: to a client they are texts, because the generated code refuses a value that it does not know.
OPEN = ("TransactionType",)
PYTHON, NPM = (ROOT / ".cache" / "clients" / folder for folder in ("venv/bin", "node_modules/.bin"))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        code, types = Path(folder) / PYTHON_CODE.name, Path(folder) / TYPESCRIPT_TYPES.name
        generate_python(code)
        generate_typescript(types)
        shutil.rmtree(PYTHON_CODE, ignore_errors=True)
        shutil.copytree(code, PYTHON_CODE)
        shutil.copy(types, TYPESCRIPT_TYPES)
    MADE_FROM.write_text(digest(), encoding="utf-8")
    print(f"wrote {PYTHON_CODE.relative_to(ROOT)} and {TYPESCRIPT_TYPES.relative_to(ROOT)}")


def generate_python(target: Path) -> None:
    """Write the generated package to the folder `target`, which must not exist; raises CalledProcessError."""
    source = target.with_suffix(".json")
    source.write_text(json.dumps(_document()), encoding="utf-8")
    options = ("--path", source, "--meta", "none", "--output-path", target, "--fail-on-warning")
    # Outside of the repository, whose own settings for ruff leave this folder out: the generator formats with ruff.
    _run(PYTHON / "openapi-python-client", "generate", *options, cwd=target.parent)
    shutil.rmtree(target / ".ruff_cache", ignore_errors=True)


def generate_typescript(target: Path) -> None:
    """Write the types to the file `target`; raises CalledProcessError, and FileNotFoundError without npm's packages."""
    _run(NPM / "openapi-typescript", DOCUMENT, "--output", target, cwd=target.parent)


def digest(document: Path = DOCUMENT) -> str:
    """Names the document, so that a test that has no generator sees whether the clients are made from this one."""
    return hashlib.sha256(document.read_bytes()).hexdigest() + "\n"


def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    for name in OPEN:
        del document["components"]["schemas"][name]["enum"]
    return document


def _run(*command: str | Path, cwd: Path) -> None:
    environment = {**os.environ, "PATH": f"{PYTHON}:{os.environ['PATH']}"}
    subprocess.run(command, cwd=cwd, env=environment, capture_output=True, check=True)


if __name__ == "__main__":
    main()
