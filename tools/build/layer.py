"""Fill a layer's folder with code that is ready to be imported, and nothing else. The layers' Makefiles run this.

    python3 -m tools.build.layer dependencies|topup SOURCE_FOLDER ARTIFACTS_FOLDER

It runs on Python 3.11 or newer, on any machine: packages are fetched for Lambda's Python and for the processor in
LAMBDA_ARCH (arm64 by default, or x86_64). The same sources give the same files, byte for byte. Like the modules that
it uses it imports only the standard library, because `sam build` runs it with the first python3 on PATH.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tools.build import (
    bundling,
    ca_roots,
    client_events,
    documentation,
    late_imports,
    preparation,
    pruning,
    service_models,
    stripe_library,
    typing_names,
)

FIND_PYTHON = Path(__file__).resolve().with_name("find-python")
SBOM = Path(__file__).resolve().with_name("sbom.py")
COMPILER = Path(__file__).resolve().with_name("compiler.py")
PYTHON_VERSION = "3.13"  # of the template's Runtime
MACHINE_OF = {"arm64": "aarch64", "x86_64": "x86_64"}
GLIBC_TAGS = ("manylinux2014", "manylinux_2_28", "manylinux_2_34")  # Lambda's Python 3.13 has glibc 2.34

# Nothing reads these at run time: commands, type stubs, C headers, documentation. Licences stay where they are.
UNREAD = ("bin", "**/tests", "**/test", "**/*.pyi", "**/py.typed", "**/*.h", "**/*.rst", "**/*.md")
METADATA = ".dist-info"

EPOCH = 315_619_200  # 1980-01-02 UTC: the oldest day that a zip file can hold, in every time zone


def main() -> None:
    layer, source, artifacts = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    {"dependencies": build_dependencies, "topup": build_topup}[layer](source, artifacts)


def build_dependencies(source: Path, artifacts: Path) -> None:
    """Install the packages of requirements.txt, reduced to what the functions can use."""
    python = artifacts / "python"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        install(source / "requirements.txt", python, report)
        pruning.remove_unused_packages(python)
        subprocess.run([sys.executable, SBOM, artifacts, report], check=True)
    _remove(path for pattern in UNREAD for path in python.glob(pattern) if METADATA not in str(path))
    pruning.remove_unused_parts(python)
    stripe_library.keep_what_is_called(python)
    service_models.keep_what_is_called(python / "botocore" / "data")
    client_events.keep_what_is_emitted(python / "botocore")
    documentation.replace_what_only_documents(python)
    late_imports.import_late(python)
    typing_names.take_from_python(python)
    ca_roots.keep_amazons_roots(python)
    _finish(artifacts, preparation.prepare_packages)


def build_topup(source: Path, artifacts: Path) -> None:
    """Copy our own package, with its catalogue."""
    shutil.copytree(
        source / "topup",
        artifacts / "python" / "topup",
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    check_catalogue(artifacts / "python")
    _finish(artifacts, preparation.prepare_ours)


# What the functions do on first use. The catalogue is the one file that operators edit, and a wrong one would answer
# every buyer 500.
CATALOGUE_CHECK = """
import sys
from topup.domain.errors import ConfigurationError
from topup.runtime import config
try:
    config.catalogue()
except ConfigurationError as error:
    sys.exit(error.detail)
"""


def check_catalogue(package: Path) -> None:
    """End the build where the functions would refuse the catalogue; `package` is the folder that they import from."""
    python = find_lambda_python()
    if python is None:
        return  # said when the bytecode is made
    # Not another catalogue, which a developer tries: this one is deployed.
    environment = os.environ | {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1", "CATALOGUE_FILE": ""}
    found = subprocess.run(
        [python, "-P", "-c", CATALOGUE_CHECK], env=environment, capture_output=True, text=True, check=False
    )
    if found.returncode:
        sys.exit(f"The catalogue cannot be deployed: {found.stderr.strip()}")


def install(requirements: Path, target: Path, report: Path) -> None:
    """Install exactly the locked wheels, for Lambda instead of this machine, and report which."""
    arch = os.environ.get("LAMBDA_ARCH") or "arm64"
    if arch not in MACHINE_OF:
        sys.exit(f"LAMBDA_ARCH={arch} is not a processor of Lambda: use {' or '.join(MACHINE_OF)}")
    platforms = [f"--platform={tag}_{MACHINE_OF[arch]}" for tag in GLIBC_TAGS]
    command = [
        *_pip(),
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--root-user-action=ignore",
        "--no-compile",
    ]
    for_lambda = ["--implementation=cp", f"--python-version={PYTHON_VERSION}", *platforms]
    only_the_lock = ["--no-deps", "--require-hashes", "--only-binary=:all:", f"--requirement={requirements}"]
    where = [f"--target={target}", f"--report={report}"]
    if subprocess.run([*command, *for_lambda, *only_the_lock, *where], check=False).returncode:
        sys.exit("The layer's packages could not be installed: see pip's message above. Is there a network?")


def find_lambda_python() -> str | None:
    """A Python of Lambda's version, which makes the bytecode that Lambda reads; None if there is none here."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    found = subprocess.run([FIND_PYTHON], env=environment, capture_output=True, text=True, check=False)
    check = f"import sys; sys.exit('%d.%d' % sys.version_info[:2] != {PYTHON_VERSION!r})"
    for python in (sys.executable, found.stdout.strip()):
        if python and subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0:
            return python
    return None


def _finish(artifacts: Path, prepare: Callable[[str, Path], list[str]]) -> None:
    """Add bytecode and what else is prepared, and set the same times and modes on every machine."""
    _remove(artifacts.rglob("__pycache__"))
    python = find_lambda_python()
    if python is None:
        print(
            f"No Python {PYTHON_VERSION} found: the layer has no bytecode, and cold starts take longer", file=sys.stderr
        )
    else:
        common = prepare(python, artifacts / "python")
        _compile(python, artifacts)
        bundling.bundle(artifacts / "python", common)
    for path in [artifacts, *artifacts.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (EPOCH, EPOCH))


def _compile(python: str, artifacts: Path) -> None:
    # unchecked-hash: Python does not check whether the source has changed, and the file holds no time.
    # -s and -p: tracebacks show the paths on Lambda, not those of the build.
    how = ["-q", "--invalidation-mode=unchecked-hash", "-s", str(artifacts), "-p", "/opt"]
    # A fixed seed: the order of a set depends on it, and so do the bytes of a constant set.
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    # -B: nor what the compiler itself imports, without docstrings.
    subprocess.run([python, "-P", "-B", COMPILER, *how, str(artifacts / "python")], env=environment, check=True)


def _pip() -> list[str]:
    for python in (sys.executable, shutil.which("python3"), find_lambda_python()):
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
