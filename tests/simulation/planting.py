"""Plant a defect: edit modules of the product as they are imported."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from local import ROOT


@dataclass(frozen=True)
class Edit:
    """A text that a module has exactly once, and its replacement."""

    module: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A planted defect, and the number of seeds within which the simulation must find it.

    `plan` names the plan of the corpus that finds one that is too rare for a search.
    """

    name: str
    within: int
    edits: tuple[Edit, ...]
    plan: str | None = None


def edited(mutant: Mutant, module: str, source: str) -> str:
    """The module's source with the defect planted; raises ValueError if an edit no longer fits the code."""
    for edit in mutant.edits:
        if edit.module == module:
            if source.count(edit.old) != 1:
                raise ValueError(f"{mutant.name}: {module} has {source.count(edit.old)} times:\n{edit.old}")
            source = source.replace(edit.old, edit.new)
    return source


def source_of(module: str) -> str:
    path = (ROOT if module.startswith("ops.") else ROOT / "layers" / "topup") / module.replace(".", "/")
    found = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return found.read_text(encoding="utf-8")


class _Loader(importlib.abc.InspectLoader):
    def __init__(self, mutant: Mutant, name: str, path: str) -> None:
        self._mutant, self._name, self._path = mutant, name, path

    def get_source(self, fullname: str) -> str:
        return edited(self._mutant, fullname, source_of(fullname))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self._path
        exec(compile(self.get_source(self._name), self._path, "exec"), module.__dict__)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in {edit.module for edit in self._mutant.edits}:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        assert found
        assert found.origin
        return importlib.util.spec_from_loader(name, _Loader(self._mutant, name, found.origin))


def plant(mutant: Mutant) -> None:
    """Plant the defect in the modules that are imported from now on."""
    loaded = [edit.module for edit in mutant.edits if edit.module in sys.modules]
    assert not loaded, f"these modules are already loaded: {loaded}"
    sys.meta_path.insert(0, _Finder(mutant))
