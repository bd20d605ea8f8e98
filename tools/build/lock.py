"""`make lock`: resolve the versions of pyproject.toml, with hashes, for every Python from 3.11 up.

What is deployed, and what operators run, is resolved under the constraints of requirements-dev.txt: it has the tested
versions.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEV = "requirements-dev.txt"
LAYER = "layers/dependencies/requirements.txt"
OPS = "requirements-ops.txt"
SAM = "requirements-sam.txt"
CLIENTS = "requirements-clients.txt"
PEERS = "tools/bench/peers/requirements.txt"
DOCS = "requirements-docs.txt"
COMPILE = ["pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate"]


def main() -> None:
    _compile("pyproject.toml", "--group", "dev", "--output-file", DEV)
    _compile("pyproject.toml", "--constraint", DEV, "--output-file", LAYER)
    _compile("pyproject.toml", "--group", "ops", "--constraint", DEV, "--output-file", OPS)
    _compile("--group", "pyproject.toml:sam", "--output-file", SAM)
    _compile("--group", "pyproject.toml:clients", "--output-file", CLIENTS)
    _compile("pyproject.toml", "--group", "peers", "--constraint", DEV, "--output-file", PEERS)
    _compile("--group", "pyproject.toml:docs", "--output-file", DOCS)


def _compile(*arguments: str) -> None:
    print("resolving", arguments[-1], flush=True)
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, *COMPILE, "--custom-compile-command", "make lock", *arguments], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
