"""`sam build` for a stage's processor, and a look at what was built."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3

from local import ROOT
from ops.errors import CannotRunError

SAM = ROOT / ".venv-sam" / "bin" / "sam"
BUILT = Path(".aws-sam/build")
LAYERS = ("TopupLayer", "DependenciesLayer")
# The processor in an ELF file's header, bytes 18 and 19 (System V ABI, e_machine).
MACHINES = {b"\xb7\x00": "arm64", b"\x3e\x00": "x86_64"}


def build(root: Path, architecture: str) -> None:
    """Build the whole template, for this processor; raises CannotRunError."""
    if subprocess.run([SAM, "build"], cwd=root, env=environment(architecture), check=False).returncode:
        raise CannotRunError("sam build failed: see above")


def check(root: Path, architecture: str) -> None:
    """Raise CannotRunError unless there is a build whose layers can be imported on this processor."""
    folder = root / BUILT
    missing = [name for name in LAYERS if not any((folder / name / "python").glob("*"))]
    if not (folder / "template.yaml").exists() or missing:
        raise CannotRunError(f"{BUILT} is no complete build ({', '.join(missing) or 'no template'}): make build")
    others = processors(folder / "DependenciesLayer") - {architecture}
    if others:
        found = ", ".join(sorted(others))
        raise CannotRunError(f"{BUILT} is for {found}, and the stage is for {architecture}: deploy without BUILT=1")


def processors(layer: Path) -> set[str]:
    """The processors that the layer's compiled modules are for."""
    return {MACHINES.get(head[18:20], "another processor") for head in _heads(layer)}


def _heads(layer: Path) -> Iterator[bytes]:
    for path in layer.rglob("*.so*"):
        with path.open("rb") as file:
            yield file.read(20)


def environment(architecture: str) -> dict[str, str]:
    """The caller's environment; SAM's own Python comes first, because the layers are built with `python3`."""
    return os.environ | {
        "PATH": f"{SAM.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "LAMBDA_ARCH": architecture,
        "LAMBDA_ROOTS": os.environ.get("LAMBDA_ROOTS") or _roots(boto3.Session().region_name or ""),
        "SAM_CLI_TELEMETRY": "0",
    }


def _roots(region: str) -> str:
    """Which certificate authorities the functions trust for AWS: Amazon's own do not sign everywhere."""
    return "all" if region.startswith("cn-") else "amazon"
