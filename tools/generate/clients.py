"""`make clients`: write clients/python/topup_client/generated again, from docs/openapi.json."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from local import ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"
GENERATED = ROOT / "clients" / "python" / "topup_client" / "generated"
# These may gain values: to a client they are texts, because the generated code refuses a value that it does not know.
OPEN = ("TransactionType",)
DIGEST = "openapi.sha256"
PROGRAMS = ROOT / ".cache" / "clients" / "venv" / "bin"


def digest() -> str:
    """Names the document, so that a test that has no generator sees whether the code is made from this one."""
    return hashlib.sha256(DOCUMENT.read_bytes()).hexdigest() + "\n"


def generate(target: Path) -> None:
    """Write the generated package to `target`, which must not exist; raises CalledProcessError."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    for name in OPEN:
        del document["components"]["schemas"][name]["enum"]
    source = target.with_suffix(".json")
    source.write_text(json.dumps(document), encoding="utf-8")
    options = ("--path", source, "--meta", "none", "--output-path", target, "--fail-on-warning")
    path = f"{PROGRAMS}:{os.environ['PATH']}"  # the generator formats with the ruff beside it
    # Outside of the repository, because its own settings for ruff leave this folder out.
    subprocess.run(
        [PROGRAMS / "openapi-python-client", "generate", *options],
        cwd=target.parent,
        env={**os.environ, "PATH": path},
        capture_output=True,
        check=True,
    )
    shutil.rmtree(target / ".ruff_cache", ignore_errors=True)
    (target / DIGEST).write_text(digest(), encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / GENERATED.name
        generate(made)
        shutil.rmtree(GENERATED, ignore_errors=True)
        shutil.copytree(made, GENERATED)
    print(f"wrote {GENERATED.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
