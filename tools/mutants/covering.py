"""Which tests run which functions, so that a mutant meets only tests that can notice it."""

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from tools.mutants.scope import PACKAGE, ROOT

MONITORING: Any = getattr(sys, "monitoring", None)  # from Python 3.12 on
TOOL = 4  # one of the numbers that sys.monitoring has for tools without a fixed one


@dataclass(frozen=True)
class Covering:
    """What one test runs: `functions` as file:name, in `seconds`."""

    test: str
    seconds: float
    functions: frozenset[str]


class Watch:
    """Notes the functions of the package that run. It costs next to nothing: each is noted once between two resets."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def start(self) -> None:
        if MONITORING is None:
            raise SystemExit("make mutants needs Python 3.12 or newer")
        monitoring = MONITORING
        monitoring.use_tool_id(TOOL, "mutants")
        monitoring.register_callback(TOOL, monitoring.events.PY_START, self._note)
        monitoring.set_events(TOOL, monitoring.events.PY_START)

    def stop(self) -> None:
        MONITORING.set_events(TOOL, 0)
        MONITORING.free_tool_id(TOOL)

    def reset(self) -> None:
        self.seen = set()
        MONITORING.restart_events()

    def _note(self, code: CodeType, _offset: int) -> object:
        if code.co_filename.startswith(str(PACKAGE)):
            self.seen.add(name_of(Path(code.co_filename), code.co_qualname))
        return MONITORING.DISABLE


def name_of(path: Path, definition: str) -> str:
    """A function's name here; what is defined within it counts as it."""
    return f"{path.relative_to(ROOT)}:{definition.split('.<locals>', maxsplit=1)[0]}"


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
            [one.test, one.seconds, [self.names.setdefault(name, len(self.names)) for name in sorted(one.functions)]]
            for one in tests
        ]
        self.files[str(path.relative_to(ROOT))] = {"digest": _digest(path), "tests": measured}

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"names": list(self.names), "files": self.files}))

    def tests(self, files: Iterable[Path]) -> list[Covering]:
        names = list(self.names)
        return [
            Covering(test, seconds, frozenset(names[place] for place in places))
            for path in files
            for test, seconds, places in (self._known(path) or {"tests": []})["tests"]
        ]

    def _known(self, path: Path) -> Any:
        found = self.files.get(str(path.relative_to(ROOT)))
        return found if found and found["digest"] == _digest(path) else None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
