"""Layers for the benchmarks, unpacked as on Lambda: everything in one folder `python`."""

import os
import platform
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from local import ROOT
from tools.build import layer as builder

HERE_ARCH = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
# What Lambda's runtime itself contains: boto3 and its imports.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py")


@dataclass(frozen=True)
class Size:
    """Bytes of a layer: uploaded, and unpacked by Lambda (at most 250 MB for all layers together)."""

    zipped: int
    unzipped: int


def lambda_python() -> str:
    """A Python of Lambda's version; ends the command where this machine has none."""
    python = builder.find_lambda_python()
    if python is None:
        raise SystemExit(f"This needs Lambda's Python {builder.PYTHON_VERSION}, and there is none on this machine")
    return python


def build(target: Path, layer: str, source: str, arch: str, root: Path = ROOT) -> Path:
    """Build one layer of a checkout with the Makefile that `sam build` uses."""
    artifacts = target / layer
    environment = os.environ | {"LAMBDA_ARCH": arch, "ARTIFACTS_DIR": str(artifacts)}
    command = ["make", "--silent", "--no-print-directory", f"build-{layer}"]
    subprocess.run(command, cwd=root / "layers" / source, env=environment, check=True)
    return artifacts


def build_both(target: Path, arch: str) -> tuple[Path, Path]:
    """Build Topup's layer and the dependencies' layer."""
    return build(target, "TopupLayer", "topup", arch), build(target, "DependenciesLayer", "dependencies", arch)


def unpack(layers: tuple[Path, ...], opt: Path) -> Path:
    """Unpack the layers into one folder, as a function finds them."""
    for layer in layers:
        shutil.copytree(layer / "python", opt / "python", dirs_exist_ok=True)
    return opt / "python"


def build_plain(target: Path) -> Path:
    """Build what `BuildMethod: python3.13` makes of the same sources: every file of every package, no bytecode."""
    python = install_plain(ROOT / "layers" / "dependencies" / "requirements.txt", target)
    shutil.copytree(ROOT / "layers" / "topup" / "topup", python / "topup", ignore=shutil.ignore_patterns("__pycache__"))
    return python


def install_plain(requirements: Path, target: Path) -> Path:
    """Install every file of these packages, for the processor of this machine, without bytecode."""
    python = target / "python"
    target.mkdir(parents=True)
    os.environ["LAMBDA_ARCH"] = HERE_ARCH
    builder.install(requirements, python, target / "report.json")
    return python


def add_bytecode(folder: Path, interpreter: str) -> None:
    subprocess.run([interpreter, "-m", "compileall", "-q", str(folder)], check=True)


def build_runtime(target: Path, plain: Path, interpreter: str) -> Path:
    """Build boto3 as Lambda's runtime has it: with the data of every service, and with bytecode."""
    python = target / "python"
    for name in RUNTIME_PACKAGES:
        if (plain / name).is_dir():
            shutil.copytree(plain / name, python / name)
        else:
            shutil.copy(plain / name, python / name)
    add_bytecode(python, interpreter)
    return python


def size(layer: Path) -> Size:
    files = [path for path in layer.rglob("*") if path.is_file()]
    archive = layer.with_suffix(".zip")
    zip_up(layer, archive)
    return Size(archive.stat().st_size, sum(path.stat().st_size for path in files))


def zip_up(layer: Path, archive: Path) -> None:
    """Zip a layer as SAM does, without times, but in a fixed order."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted(path for path in layer.rglob("*") if path.is_file()):
            info = zipfile.ZipInfo(str(path.relative_to(layer)))
            info.external_attr = path.stat().st_mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(info, path.read_bytes())
