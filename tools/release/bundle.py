"""The folder that an operator unpacks: the template and the code for one processor, and the operators' commands.

It is laid out as a checkout is, with built layers, so the documents' commands work there as they are written.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tools.bench import layers
from tools.build import import_graph
from tools.build.sbom import DOCUMENT
from tools.release import makefile

HERE = Path(__file__).resolve().parent
README = HERE / "bundle.md"
AS_THEY_ARE = (
    "CHANGELOG.md",
    "LICENSE",
    "SECURITY.md",
    "dashboard.yaml",
    "docs",
    "functions",
    "ops",
    "requirements-ops.txt",
    "requirements-sam.txt",
    "tools/build/find-python",
    "tools/build/make-venv",
)
IN_SAMCONFIG = {
    "` builds, keeps": "` keeps",
    "the built one: without a build there is nothing to deploy.": "the one here, with its code beside it.",
    ".aws-sam/build/template.yaml": "template.yaml",
}
LAYERS = {"TopupLayer": "topup", "DependenciesLayer": "dependencies"}
CODE = ("local", "ops", "tools")  # the packages that operators' commands are made of
COMMANDS = ("ops.", "tools.deploy.")


class OutOfDateError(Exception):
    """A file is not as it was when this module was written; the message says which."""


def make(source: Path, folder: Path, version: str, architecture: str) -> None:
    """Fill a folder that does not exist yet, from a checkout. Builds the layers, which needs a network."""
    copy(source, folder, version, architecture)
    for name, layer in LAYERS.items():
        layers.build(folder / "layers", name, layer, architecture, source).rename(folder / "layers" / layer)


def copy(source: Path, folder: Path, version: str, architecture: str) -> None:
    """Everything but the layers."""
    for name in AS_THEY_ARE:
        _copy(source / name, folder / name)
    for path in operators_code(source):
        _copy(path, folder / path.relative_to(source))
    texts = {
        "README.md": README.read_text(encoding="utf-8").format(version=version, architecture=architecture),
        "Makefile": makefile.for_operators((source / "Makefile").read_text(encoding="utf-8")),
        "samconfig.toml": edited(source / "samconfig.toml", IN_SAMCONFIG),
        "template.yaml": template_for(source / "template.yaml", architecture),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def operators_code(source: Path) -> list[Path]:
    """The modules that the operators' commands reach, beside the commands of ops itself."""
    modules = {
        ".".join(filter(None, (package, name))): path
        for package in CODE
        for name, path in import_graph.modules_in(source / package).items()
    }
    roots = [name for name in modules if f"{name}.".startswith(COMMANDS)]
    reached = import_graph.reached_from(roots, modules)
    return sorted(modules[name] for name in reached if not f"{name}.".startswith("ops."))


def template_for(path: Path, architecture: str) -> str:
    """The template with its layers built, for one processor: CloudFormation refuses the other one."""
    built = {
        "    Metadata: {BuildMethod: makefile}\n": "",
        "    Default: arm64\n    AllowedValues: [arm64, x86_64]\n": (
            f"    Default: {architecture}\n    AllowedValues: [{architecture}]\n"
        ),
        "Build the layers for the same one (sam build reads LAMBDA_ARCH).": "The layers here are built for it.",
    }
    return edited(path, built)


def edited(path: Path, changes: Mapping[str, str]) -> str:
    """The file's text with each of these parts replaced; raises OutOfDateError where one is not there."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        if old not in text:
            raise OutOfDateError(f"{path.name} does not have {old!r} any more, which {Path(__file__).name} replaces")
        text = text.replace(old, new)
    return text


def sbom(folder: Path) -> Path:
    """The list of packages in a finished folder."""
    return folder / "layers" / LAYERS["DependenciesLayer"] / DOCUMENT
