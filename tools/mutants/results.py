"""What became of each mutant, remembered between runs, and the score of each package."""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.mutants.making import Mutant
from tools.mutants.scope import PACKAGE, ROOT, package_of

ALIKE = Path(__file__).with_name("survivors.toml")


@dataclass(frozen=True)
class Result:
    """`killer` is the test that failed, empty for a survivor; `tests` says which version of all tests this was."""

    key: str
    killer: str
    tests: str
    seconds: float


class Results:
    """A file with one line for each result; of several for the same mutant the last one counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, Result] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                result = Result(**json.loads(line))
                self.known[result.key] = result

    def add(self, result: Result) -> None:
        self.known[result.key] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")

    def of(self, mutant: Mutant, tests: str, seconds: float) -> Result | None:
        """The result that still holds: a kill, or a survivor of the same tests, given as much time."""
        found = self.known.get(mutant.key)
        if found and (found.killer or (found.tests == tests and found.seconds >= seconds)):
            return found
        return None


@dataclass(frozen=True)
class Listed:
    """Survivors that someone has looked at: those of a definition, and, if given, only with this change."""

    file: str
    definition: str
    reason: str
    before: str | None = None
    after: str | None = None

    def is_about(self, mutant: Mutant) -> bool:
        if (self.file, self.definition) != (str(mutant.path.relative_to(PACKAGE)), mutant.definition):
            return False
        return self.before in {None, mutant.before} and self.after in {None, mutant.after}


def listed() -> list[Listed]:
    return [Listed(**row) for row in tomllib.loads(ALIKE.read_text()).get("survivor", [])]


@dataclass
class Score:
    """How many mutants of a package were killed, and how many survivors are listed with a reason."""

    mutants: int = 0
    killed: int = 0
    listed: int = 0

    @property
    def percent(self) -> float:
        """Of the mutants that are not listed; rounded down to a tenth, so that 95 is at least 95."""
        tested = self.mutants - self.listed
        return (1000 * self.killed // tested) / 10 if tested else 100.0


def scores(outcomes: Iterable[tuple[Mutant, Result]]) -> dict[str, Score]:
    known = listed()
    found = {"domain": Score(), "store": Score(), "flows": Score()}
    for mutant, result in outcomes:
        score = found[package_of(mutant.path)]
        score.mutants += 1
        score.killed += bool(result.killer)
        score.listed += not result.killer and any(one.is_about(mutant) for one in known)
    return found


def survivors(outcomes: Iterable[tuple[Mutant, Result]]) -> list[Mutant]:
    """Those that no one has looked at."""
    known = listed()
    return [
        mutant for mutant, result in outcomes if not result.killer and not any(one.is_about(mutant) for one in known)
    ]


def cache() -> Path:
    return ROOT / ".cache" / "mutants"
