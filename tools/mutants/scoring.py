"""What became of each mutant, and the score of each package."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutmut.stats import status_by_exit_code

from tools.mutants.staging import WORK, path_of

LISTED = Path(__file__).with_name("survivors.toml")
PACKAGES = ("domain", "store", "flows")
ALIVE = {"survived", "no tests", "suspicious"}


@dataclass(frozen=True)
class Mutant:
    """`name` is mutmut's: the module, the function, and the number of the change. `status` is mutmut's word too."""

    name: str
    status: str

    @property
    def module(self) -> str:
        return self.name.rpartition(".")[0]

    @property
    def package(self) -> str:
        """The row of the score that it counts in."""
        folder = self.module.split(".")[1]
        return folder if folder in PACKAGES else "flows"

    @property
    def is_alive(self) -> bool:
        return self.status in ALIVE

    @property
    def is_open(self) -> bool:
        """Whether no test has met it yet."""
        return not self.is_alive and self.status not in {"killed", "timeout", "segfault", "caught by type check"}


def mutants(stage: Path, modules: Iterable[str]) -> list[Mutant]:
    """All mutants of these modules, as the last run left them."""
    found = []
    for module in modules:
        path = _results(stage, module)
        if path.exists():
            codes = json.loads(path.read_text())["exit_code_by_key"]
            found += [Mutant(name, status_by_exit_code[code]) for name, code in codes.items()]
    return found


def forget_survivors(stage: Path, modules: Iterable[str]) -> None:
    """Let them meet the tests again, which may have learned to notice them."""
    for module in modules:
        path = _results(stage, module)
        if path.exists():
            kept = json.loads(path.read_text())
            codes = kept["exit_code_by_key"]
            alive = {name for name, code in codes.items() if Mutant(name, status_by_exit_code[code]).is_alive}
            kept["exit_code_by_key"] = codes | dict.fromkeys(alive)
            path.write_text(json.dumps(kept))


def _results(stage: Path, module: str) -> Path:
    return stage / WORK / f"{path_of(module)}.meta"


@dataclass(frozen=True)
class Listed:
    """A survivor that someone has looked at: the changed line before and after, and why no test need notice it."""

    module: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True)
class ListedKind:
    """Survivors that change nothing but what is ignored (a regular expression), in lines that match another one."""

    lines: str
    ignored: str
    reason: str

    def has(self, before: str, after: str) -> bool:
        changed = [re.sub(self.ignored, "", line) for line in (before, after)]
        return re.search(self.lines, before) is not None and changed[0] == changed[1]


@dataclass(frozen=True)
class KnownSurvivors:
    """Those of `survivors.toml`: one by one, and by their kind."""

    changes: frozenset[tuple[str, str, str]]
    kinds: Sequence[ListedKind]

    def have(self, module: str, before: str, after: str) -> bool:
        is_one = (module, before, after) in self.changes
        return is_one or any(kind.has(before, after) for kind in self.kinds)


def listed() -> KnownSurvivors:
    read = tomllib.loads(LISTED.read_text())
    rows = [Listed(**row) for row in read["survivor"]]
    kinds = [ListedKind(**row) for row in read["kind"]]
    return KnownSurvivors(frozenset((row.module, row.before, row.after) for row in rows), kinds)


def change_in(diff: str) -> tuple[str, str]:
    """The changed lines of a mutant before and after, from the difference that mutmut shows."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    return _joined(lines, "-"), _joined(lines, "+")


def _joined(lines: Iterable[str], sign: str) -> str:
    return " ".join(line[1:].strip() for line in lines if line.startswith(sign))


@dataclass
class Score:
    """Of the mutants of one package that have met the tests."""

    mutants: int = 0
    killed: int = 0
    listed: int = 0

    @property
    def percent(self) -> float:
        """Of the mutants that are not listed; rounded down to a tenth, so that 95 is at least 95."""
        counted = self.mutants - self.listed
        return (1000 * self.killed // counted) / 10 if counted else 100.0


def scores(outcomes: Iterable[Mutant], known: set[str]) -> Iterator[tuple[str, Score]]:
    """The row of each package that has mutants; `known` are the names of those that are listed."""
    found = {name: Score() for name in PACKAGES}
    for mutant in outcomes:
        if not mutant.is_open:
            score = found[mutant.package]
            score.mutants += 1
            score.killed += not mutant.is_alive
            score.listed += mutant.is_alive and mutant.name in known
    yield from ((name, score) for name, score in found.items() if score.mutants)
