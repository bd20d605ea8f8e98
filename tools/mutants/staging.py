"""The folder in which mutmut works: its own copy of the package, beside links to what the tests need.

Mutmut wants the package at the top of its folder, and leaves every decorated function alone.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import libcst as cst
from libcst import matchers as m

from local import ROOT

SOURCE = ROOT / "layers" / "topup" / "topup"
STAGES = ROOT / ".cache" / "mutmut"
# Below a stage: where mutmut keeps the mutated package and what became of each mutant, and where it runs the tests.
WORK = "mutants"
LINKED = ("dashboard.yaml", "docs", "events", "functions", "local", "ops", "template.yaml", "tests", "tools")

RETRIED = m.Name("retried") | m.Attribute(attr=m.Name("retried"))


def prepare(stage: Path, modules: Sequence[str]) -> None:
    """Bring the folder up to date for these modules. What has not changed keeps its time, so mutmut keeps its results.

    Where other modules were mutated there, or one of the package has gone, it starts anew.
    """
    configured = _configuration(modules)
    copies = {path.relative_to(SOURCE): path for path in SOURCE.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    staged = {path.relative_to(stage / "topup") for path in (stage / "topup").rglob("*") if path.is_file()}
    configuration = stage / "pyproject.toml"
    if staged - copies.keys() or (configuration.exists() and configuration.read_text() != configured):
        shutil.rmtree(stage)
    for name, path in copies.items():
        content = path.read_bytes()
        _write(stage / "topup" / name, undecorated(content) if path.suffix == ".py" else content)
    _write(configuration, configured.encode())
    (stage / WORK).mkdir(exist_ok=True)
    for linked in LINKED:
        if not (stage / WORK / linked).is_symlink():
            (stage / WORK / linked).symlink_to(ROOT / linked)


def path_of(module: str) -> str:
    """A module's file, from the stage."""
    return f"{module.replace('.', '/')}.py"


def _configuration(modules: Sequence[str]) -> str:
    """The project's own, with the files that are mutated."""
    paths = json.dumps([path_of(module) for module in modules])
    return (ROOT / "pyproject.toml").read_text().replace("only_mutate = []", f"only_mutate = {paths}")


def undecorated(source: bytes) -> bytes:
    """The same module, with `flow = retried(flow)` below a function in place of `@retried` above it."""
    return cst.parse_module(source).visit(_Undecorated()).bytes


class _Undecorated(cst.CSTTransformer):
    def leave_FunctionDef(  # noqa: N802 - libcst's name
        self,
        original_node: cst.FunctionDef,  # noqa: ARG002
        updated_node: cst.FunctionDef,
    ) -> cst.FunctionDef | cst.FlattenSentinel[cst.BaseStatement]:
        function = updated_node
        if len(function.decorators) != 1 or not m.matches(function.decorators[0].decorator, RETRIED):
            return function
        call = cst.Call(function.decorators[0].decorator, [cst.Arg(function.name)])
        below = cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(function.name)], call)])
        return cst.FlattenSentinel([function.with_changes(decorators=()), below])


def _write(path: Path, content: bytes) -> None:
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
