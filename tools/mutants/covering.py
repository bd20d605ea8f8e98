"""Which tests run which functions, so that a mutant meets only tests that can notice it."""

import ast
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from tools.mutants.scope import PACKAGE, ROOT

MONITORING: Any = getattr(sys, "monitoring", None)  # from Python 3.12 on
TOOL = 4  # one of the numbers that sys.monitoring has for tools without a fixed one


@dataclass(frozen=True)
class Covering:
    """What one test runs, in `seconds`: the lines of each function, counted from where it begins."""

    test: str
    seconds: float
    lines: Mapping[str, frozenset[int]]


class Watch:
    """Notes the lines of the package that run. It costs next to nothing: each is noted once between two resets."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()

    def start(self) -> None:
        if MONITORING is None:
            raise SystemExit("make mutants needs Python 3.12 or newer")
        MONITORING.use_tool_id(TOOL, "mutants")
        MONITORING.register_callback(TOOL, MONITORING.events.LINE, self._note)
        MONITORING.set_events(TOOL, MONITORING.events.LINE)

    def stop(self) -> None:
        MONITORING.set_events(TOOL, 0)
        MONITORING.free_tool_id(TOOL)

    def reset(self) -> None:
        self.seen = set()
        MONITORING.restart_events()

    def lines(self) -> dict[str, list[int]]:
        """What ran since the last reset, by function."""
        found: dict[str, list[int]] = defaultdict(list)
        for file, number in sorted(self.seen):
            name, line = place_of(Path(file), number)
            if name:
                found[name].append(line)
        return found

    def _note(self, code: CodeType, number: int) -> object:
        if code.co_filename.startswith(str(PACKAGE)):
            self.seen.add((code.co_filename, number))
        return MONITORING.DISABLE


def place_of(path: Path, number: int) -> tuple[str, int]:
    """The function that a line of a file is in, as file:name, and the line of that function; ("", 0) outside of any."""
    for first, last, name in _functions_of(path):
        if first <= number <= last:
            return f"{path.relative_to(ROOT)}:{name}", number - first
    return "", 0


@cache
def _functions_of(path: Path) -> list[tuple[int, int, str]]:
    """First line, last line and name of each function and method; what is defined within one counts as it."""
    found: list[tuple[int, int, str]] = []
    for node in ast.parse(path.read_text()).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        functions = [one for one in inside if isinstance(one, ast.FunctionDef)]
        found += [(one.lineno, one.end_lineno or one.lineno, prefix + one.name) for one in functions]
    return found


class Memory:
    """What was measured before, by test file: a file is measured again when it changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        known = json.loads(path.read_text()) if path.exists() else {"names": [], "files": {}}
        self.names: dict[str, int] = {name: place for place, name in enumerate(known["names"])}
        self.files: dict[str, Any] = known["files"]

    def missing(self, files: Iterable[Path]) -> list[Path]:
        return [path for path in files if self._known(path) is None]

    def add(self, path: Path, tests: Iterable[Covering]) -> None:
        measured = [
            [one.test, one.seconds, [self._number(name, lines) for name, lines in one.lines.items()]] for one in tests
        ]
        self.files[str(path.relative_to(ROOT))] = {"digest": _digest(path), "tests": measured}

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"names": list(self.names), "files": self.files}))

    def tests(self, files: Iterable[Path]) -> list[Covering]:
        names = [_from_text(text) for text in self.names]
        return [
            Covering(test, seconds, dict(names[place] for place in places))
            for path in files
            for test, seconds, places in (self._known(path) or {"tests": []})["tests"]
        ]

    def _number(self, name: str, lines: frozenset[int]) -> int:
        """Many tests run the same lines of a function, so this is kept once."""
        text = f"{name} {' '.join(map(str, sorted(lines)))}"
        return self.names.setdefault(text, len(self.names))

    def _known(self, path: Path) -> Any:
        found = self.files.get(str(path.relative_to(ROOT)))
        return found if found and found["digest"] == _digest(path) else None


def _from_text(text: str) -> tuple[str, frozenset[int]]:
    name, *lines = text.split()
    return name, frozenset(map(int, lines))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
