"""The stages of samconfig.toml, and what a stage's own file .deploy/STAGE.toml adds to its parameters.

SAM reads both files by itself (`sam deploy --config-env STAGE`); here they are read as SAM reads them.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import ROOT
from ops.errors import CannotRunError
from topup.runtime.chaos import LIVE_STAGES

__all__ = ["LIVE_STAGES", "Stage", "every", "find", "of_stack", "read_answers"]

CONFIG = "samconfig.toml"
REFERENCE = "file://"  # a parameter file in parameter_overrides, relative to the checkout


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One deployed stack, as samconfig.toml describes it."""

    name: str
    stack: str
    tracked: Mapping[str, str]  # the parameters that samconfig.toml itself sets
    answers: Path  # the untracked file with the other ones
    template: Path  # what SAM deploys

    @property
    def parameters(self) -> dict[str, str]:
        """What SAM passes to CloudFormation: the answers replace what is tracked. Raises CannotRunError."""
        return {**self.tracked, **read_answers(self.answers)}


def find(name: str, root: Path = ROOT) -> Stage:
    """The stage of this name; raises CannotRunError."""
    stages = {stage.name: stage for stage in every(root)}
    if name not in stages:
        raise CannotRunError(f"{CONFIG} has no stage {name!r}: use {', '.join(stages)}, or add it there")
    return stages[name]


def of_stack(stack: str, root: Path = ROOT) -> Stage | None:
    """The stage whose stack has this name; None where samconfig.toml does not know the stack."""
    return next((stage for stage in every(root) if stage.stack == stack), None)


def every(root: Path = ROOT) -> list[Stage]:
    """All stages, in the file's order; raises CannotRunError."""
    stages = []
    for name, commands in _read(root / CONFIG).items():
        deploy = commands.get("deploy", {}).get("parameters") if isinstance(commands, dict) else None
        if deploy is None:
            continue
        tracked: dict[str, str] = {}
        answers = root / ".deploy" / f"{name}.toml"
        for part in deploy["parameter_overrides"]:
            if isinstance(part, dict):
                tracked |= _as_texts(part)
            else:
                answers = root / str(part).removeprefix(REFERENCE)
        template = root / deploy["template_file"]
        stages.append(Stage(name=name, stack=deploy["stack_name"], tracked=tracked, answers=answers, template=template))
    return stages


def read_answers(path: Path) -> dict[str, str]:
    """A stage's own parameters, none where the file does not exist; raises CannotRunError."""
    return _as_texts(_read(path)) if path.exists() else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CannotRunError(f"{path} cannot be read: {error}") from error


def _as_texts(parameters: Mapping[str, Any]) -> dict[str, str]:
    """CloudFormation's parameters are text; a list is one text with commas."""
    return {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in parameters.items()
    }
