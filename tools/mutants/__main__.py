"""`make mutants`: how many changes of the code the tests notice."""

import argparse
import hashlib
import sys
from collections.abc import Sequence

import pytest

from tools.mutants import covering, results, scope
from tools.mutants.killing import OPTIONS, Plan, Runner
from tools.mutants.making import Mutant, mutants_of
from tools.mutants.results import Result, Results

LEAST = 95  # percent


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    files = scope.chosen(options.files.split(), options.changed)
    if not files:
        print("nothing to mutate: none of these files is in the domain, the store or the flows")
        return 0
    print(f"making the mutants of {len(files)} files …", flush=True)
    mutants = [mutant for path in files for mutant in mutants_of(path)]
    known = Results(results.cache() / "results.jsonl")
    tests = _version_of_tests()
    left = [one for one in mutants if known.of(one, tests, options.seconds) is None]
    print(f"{len(mutants)} mutants, {len(left)} of them without a result", flush=True)
    if left:
        progress = _Progress(known, tests, options.seconds, len(left))
        if options.minutes:
            left.sort(key=lambda one: one.key)  # in no order, so that a run that ends early has seen a sample
        plan = Plan(
            mutants=left,
            processes=options.processes,
            seconds=options.seconds,
            minutes=options.minutes or float("inf"),
            ended=progress.ended,
        )
        if status := _run(plan):
            return status
    outcomes = [(one, found) for one in mutants if (found := known.of(one, tests, options.seconds))]
    return _report(outcomes, len(mutants) - len(outcomes))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--files", default="", help="only files whose path contains one of these words")
    parser.add_argument("--changed", metavar="COMMIT", help="only files that differ from this commit")
    parser.add_argument("--minutes", type=float, help="end after this time; another run goes on there")
    parser.add_argument("--seconds", type=float, default=10.0, help="of tests that each mutant meets")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args(arguments)


def _run(plan: Plan) -> int:
    watch = covering.Watch()
    watch.start()
    runner = Runner(plan, covering.Memory(results.cache() / "lines.json"), watch)
    if status := int(pytest.main([*OPTIONS, *scope.TESTS], plugins=[runner])):
        print(f"pytest ended with {status}: the tests cannot be collected, or a child ended it", flush=True)
    return status


def _version_of_tests() -> str:
    """Changes with any test or any part of the product: a survivor meets the tests again."""
    digest = hashlib.sha256()
    for folder in ("tests", "local", "layers/topup"):
        for path in sorted((scope.ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class _Progress:
    def __init__(self, known: Results, tests: str, seconds: float, number: int) -> None:
        self.known = known
        self.tests = tests
        self.seconds = seconds
        self.number = number
        self.done = 0
        self.alive = 0

    def ended(self, mutant: Mutant, killer: str) -> None:
        self.known.add(Result(key=mutant.key, killer=killer, tests=self.tests, seconds=self.seconds))
        self.done += 1
        self.alive += not killer
        if not killer:
            print(f"alive  {_shown(mutant)}", flush=True)
        if self.done % 50 == 0 or self.done == self.number:
            print(f"{self.done} of {self.number}, {self.alive} alive", flush=True)


def _shown(mutant: Mutant) -> str:
    where = f"{mutant.path.relative_to(scope.PACKAGE)}:{mutant.line} {mutant.definition}"
    return f"{where}\n       - {mutant.before}\n       + {mutant.after}"


def _report(outcomes: list[tuple[Mutant, Result]], left: int) -> int:
    alive = results.survivors(outcomes)
    if alive:
        print("\nSurvivors without a reason in survivors.toml:")
        for mutant in alive:
            print(_shown(mutant))
    print(f"\n{'package':8} {'mutants':>8} {'killed':>7} {'listed':>7} {'score':>7}")
    found = {name: score for name, score in results.scores(outcomes).items() if score.mutants}
    for name, score in found.items():
        print(f"{name:8} {score.mutants:8} {score.killed:7} {score.listed:7} {score.percent:6.1f} %")
    if left:
        print(f"{left} mutants have not been run yet: run this again to go on")
    return 0 if all(score.percent >= LEAST for score in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
