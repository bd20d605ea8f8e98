"""What the layers' Makefiles run: fill a layer's folder with code that is ready to be imported, and with nothing else.

    python3 tools/build/layer.py dependencies|topup SOURCE_FOLDER ARTIFACTS_FOLDER

Any Python from 3.11 up, on any machine: packages are fetched for Lambda's Python and for the processor that LAMBDA_ARCH
names (arm64 unless it says x86_64). The same sources give the same files, byte for byte. Standard library only: `sam
build` runs it with whatever Python it finds.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
PYTHON_VERSION = "3.13"  # of the template's Runtime
MACHINE_OF = {"arm64": "aarch64", "x86_64": "x86_64"}
GLIBC_TAGS = ("manylinux2014", "manylinux_2_28", "manylinux_2_34")  # Lambda's Python 3.13 has glibc 2.34

# The AWS services that the functions call; tests/packaging/test_layers.py says when this list lacks one.
SERVICES = ("dynamodb", "ssm")
# What botocore reads of a service; its examples are for documentation.
SERVICE_FILES = ("service-2", "endpoint-rule-set-1", "paginators-1", "waiters-2")

# Nothing reads these at run time: commands, type stubs, C headers, documentation, package metadata.
UNREAD = ("bin", "**/tests", "**/test", "**/*.pyi", "**/py.typed", "**/*.h", "**/*.rst", "**/*.md", "*.dist-info")

EPOCH = 315_619_200  # 1980-01-02 UTC: the oldest day that a zip file can hold, in every time zone


def main() -> None:
    layer, source, artifacts = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    {"dependencies": build_dependencies, "topup": build_topup}[layer](source, artifacts)


def build_dependencies(source: Path, artifacts: Path) -> None:
    """The packages of the folder's requirements.txt, reduced to what the functions can use."""
    python = artifacts / "python"
    install(source / "requirements.txt", python)
    _remove(path for pattern in UNREAD for path in python.glob(pattern))
    reduce_service_data(python / "botocore" / "data")
    _remove([python / "boto3" / "data", python / "boto3" / "examples"])  # of its resources, which we do not use
    _finish(artifacts)


def build_topup(source: Path, artifacts: Path) -> None:
    """Our own package, and the catalogue that lies in it."""
    shutil.copytree(
        source / "topup",
        artifacts / "python" / "topup",
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    _finish(artifacts)


def install(requirements: Path, target: Path) -> None:
    """Install exactly the wheels that the lock names, for Lambda instead of this machine."""
    arch = os.environ.get("LAMBDA_ARCH") or "arm64"
    if arch not in MACHINE_OF:
        sys.exit(f"LAMBDA_ARCH={arch} is no processor of Lambda's: say {' or '.join(MACHINE_OF)}")
    platforms = [f"--platform={tag}_{MACHINE_OF[arch]}" for tag in GLIBC_TAGS]
    command = [
        *_pip(),
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--root-user-action=ignore",
        "--no-compile",
    ]
    lambdas_python = ["--implementation=cp", f"--python-version={PYTHON_VERSION}", *platforms]
    only_the_lock = ["--no-deps", "--require-hashes", "--only-binary=:all:", f"--requirement={requirements}"]
    if subprocess.run([*command, *lambdas_python, *only_the_lock, f"--target={target}"], check=False).returncode:
        sys.exit("The layer's packages could not be installed: see pip's message above. Is the network there?")


def reduce_service_data(data: Path) -> None:
    """Keep what botocore reads for our services: their models, and the entries of theirs in the list of endpoints."""
    _remove(path for path in data.iterdir() if path.is_dir() and path.name not in SERVICES)
    models = [path for service in SERVICES for path in (data / service).rglob("*") if path.is_file()]
    _remove(path for path in models if path.name.split(".")[0] not in SERVICE_FILES)
    for packed in data.rglob("*.json.gz"):
        # botocore reads either form; a layer is zipped as a whole, and this way nothing is unpacked twice.
        model = json.loads(gzip.decompress(packed.read_bytes()), object_hook=_without_documentation)
        packed.with_suffix("").write_text(json.dumps(model, separators=(",", ":")))
        packed.unlink()
    endpoints = data / "endpoints.json"
    document = json.loads(endpoints.read_bytes())
    for partition in document["partitions"]:
        # A service without an entry has its partition's defaults, so that those that stay are found as before.
        partition["services"] = {name: value for name, value in partition["services"].items() if name in SERVICES}
    endpoints.write_text(json.dumps(document, separators=(",", ":")))


def _without_documentation(part: dict[str, object]) -> dict[str, object]:
    """A model's texts for people are half of it, and parsed with it. A member of that name is no text, and stays."""
    return {name: value for name, value in part.items() if name != "documentation" or not isinstance(value, str)}


def lambdas_python() -> str | None:
    """A Python of Lambda's version, whose bytecode is Lambda's; None where there is none."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    found = subprocess.run([TOOLS / "find-python"], env=environment, capture_output=True, text=True, check=False)
    is_right = f"import sys; sys.exit('%d.%d' % sys.version_info[:2] != {PYTHON_VERSION!r})"
    for python in (sys.executable, found.stdout.strip()):
        if python and subprocess.run([python, "-c", is_right], capture_output=True, check=False).returncode == 0:
            return python
    return None


def _finish(artifacts: Path) -> None:
    """Bytecode, and the same times and modes whoever builds."""
    _remove(artifacts.rglob("__pycache__"))
    _compile(artifacts)
    for path in [artifacts, *artifacts.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (EPOCH, EPOCH))


def _compile(artifacts: Path) -> None:
    python = lambdas_python()
    if python is None:
        print(
            f"No Python {PYTHON_VERSION} here: the layer has no bytecode, and cold starts take longer", file=sys.stderr
        )
        return
    # unchecked-hash: Lambda never asks whether the source has changed, and the file holds no time.
    # -s and -p: tracebacks name the files where they are on Lambda, not where they were built.
    how = ["-q", "--invalidation-mode=unchecked-hash", "-s", str(artifacts), "-p", "/opt"]
    # A fixed seed: the order of a set, and so the bytes of a constant one, hang on it.
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    subprocess.run([python, "-m", "compileall", *how, str(artifacts / "python")], env=environment, check=True)


def _pip() -> list[str]:
    for python in (sys.executable, shutil.which("python3"), lambdas_python()):
        if (
            python
            and subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
        ):
            return [python, "-m", "pip"]
    sys.exit("Building the layers needs pip: install it for python3 (Debian: apt install python3-pip)")


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
