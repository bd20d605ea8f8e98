"""`sam build` for a stage's processor, and a look at what was built."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3

from local import ROOT
from local.aws.intrinsics import read_yaml
from ops.errors import CannotRunError

SAM = ROOT / ".venv-sam" / "bin" / "sam"
LAYERS = ("TopupLayer", "DependenciesLayer")
# The processor in an ELF file's header, bytes 18 and 19 (System V ABI, e_machine).
MACHINES = {b"\xb7\x00": "arm64", b"\x3e\x00": "x86_64"}


def build(root: Path, architecture: str) -> None:
    """Build the whole template, for this processor; raises CannotRunError."""
    if subprocess.run([SAM, "build"], cwd=root, env=environment(architecture), check=False).returncode:
        raise CannotRunError("sam build failed: see above")


def check(template: Path, architecture: str) -> None:
    """Raise CannotRunError unless a built template's layers are there, and can be imported on this processor."""
    layers = _layers(template)
    missing = [name for name in LAYERS if name not in layers or not any((layers[name] / "python").glob("*"))]
    folder = template.parent
    if missing:
        raise CannotRunError(f"{folder} is no complete build ({', '.join(missing)}): make build")
    others = processors(layers["DependenciesLayer"]) - {architecture}
    if others:
        found = ", ".join(sorted(others))
        raise CannotRunError(f"{folder} is for {found}, and the stage is for {architecture}: deploy without BUILT=1")


def _layers(template: Path) -> dict[str, Path]:
    """The folders of the layers in a built template; none where there is no template."""
    if not template.exists():
        return {}
    resources = read_yaml(template)["Resources"]
    return {name: template.parent / resources[name]["Properties"]["ContentUri"] for name in LAYERS}


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
        "LAMBDA_ROOTS": os.environ.get("LAMBDA_ROOTS") or roots(boto3.Session().region_name or ""),
        "SAM_CLI_TELEMETRY": "0",
    }


def roots(region: str) -> str:
    """Which certificate authorities the functions trust for AWS: Amazon's own do not sign everywhere."""
    return "all" if region.startswith("cn-") else "amazon"
