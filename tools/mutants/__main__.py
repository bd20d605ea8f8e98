"""`make mutants`: how many changes of the code the tests notice.

Mutmut makes the changes and runs the tests, as `[tool.mutmut]` in `pyproject.toml` says.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from threading import Timer

from mutmut.mutation.diff_apply import get_diff_for_mutant

from local import ROOT
from tools.mutants import scoring, staging
from tools.mutants.scoring import Mutant

TESTED = "Running mutation testing"  # what mutmut prints before the first mutant
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    modules = chosen(options.files.split(), options.changed)
    if not modules:
        print("nothing to mutate: none of these files is in the domain, the store or the flows")
        return 0
    stage = staging.STAGES / ("chosen" if options.files or options.changed else "all")
    staging.prepare(stage, modules)
    scoring.forget_survivors(stage, modules)
    if status := _mutmut(stage, options.processes, options.minutes):
        return status
    return _report(stage, scoring.mutants(stage, modules), options.least)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--files", default="", help="only files whose path contains one of these words")
    parser.add_argument("--changed", metavar="COMMIT", help="only files that differ from this commit")
    parser.add_argument("--minutes", type=float, help="end this long after the first mutant; another run goes on there")
    parser.add_argument("--least", type=float, default=95.0, help="percent that must be killed (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args(arguments)


def chosen(words: Sequence[str], changed_since: str | None) -> list[str]:
    """The modules to mutate: all; those whose path contains one of the words; those that differ from a commit."""
    package = staging.SOURCE
    folders = (package / "domain", package / "store", package, package / "reconciliation")
    paths = [path for folder in folders for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
    if words:
        paths = [path for path in paths if any(word in str(path.relative_to(ROOT)) for word in words)]
    if changed_since:
        changed = _changed(changed_since)
        paths = [path for path in paths if path in changed]
    return [".".join(path.relative_to(package.parent).with_suffix("").parts) for path in paths]


def _changed(commit: str) -> set[Path]:
    command = ["git", "diff", "--name-only", "--merge-base", commit]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {ROOT / line for line in listed.splitlines()}


def _mutmut(stage: Path, processes: int, minutes: float | None) -> int:
    """Run mutmut over all mutants without a result; its exit status."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it, and so would mutmut
    commands = Path(sys.executable).parent
    with subprocess.Popen(
        [commands / "mutmut", "run", "--max-children", str(processes)],
        cwd=stage,
        env=os.environ | {"PATH": f"{commands}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        end = Timer((minutes or 0) * 60, process.send_signal, [signal.SIGINT])
        for line in process.stdout or ():
            if line.strip() and line[0] not in SPINNER:
                print(line.rstrip(), flush=True)
            if minutes and line.startswith(TESTED):
                end.start()
    end.cancel()
    return process.returncode


def _report(stage: Path, outcomes: Sequence[Mutant], least: float) -> int:
    alive, known = _split(stage, [mutant for mutant in outcomes if mutant.is_alive])
    if alive:
        print("\nSurvivors without a reason in survivors.toml:")
        for mutant, (before, after) in alive.items():
            print(f"{mutant.name} ({mutant.status})\n    - {before}\n    + {after}")
    print(f"\n{'package':8} {'mutants':>8} {'killed':>7} {'listed':>7} {'score':>7}")
    rows = dict(scoring.scores(outcomes, known))
    for name, score in rows.items():
        print(f"{name:8} {score.mutants:8} {score.killed:7} {score.listed:7} {score.percent:6.1f} %")
    if left := sum(mutant.is_open for mutant in outcomes):
        print(f"{left} mutants have not met the tests yet")
    return 0 if all(score.percent >= least for score in rows.values()) else 1


def _split(stage: Path, alive: Sequence[Mutant]) -> tuple[dict[Mutant, tuple[str, str]], set[str]]:
    """The survivors that no one has looked at, each with its change, and the names of those that are listed."""
    known = scoring.listed()
    with chdir(stage):  # mutmut finds its files from here
        diffs = {mutant: get_diff_for_mutant(mutant.name, path=staging.path_of(mutant.module)) for mutant in alive}
    changes = {mutant: scoring.change_in(diff) for mutant, diff in diffs.items()}
    open_ones = {mutant: change for mutant, change in changes.items() if not known.have(mutant.module, *change)}
    return open_ones, {mutant.name for mutant in alive if mutant not in open_ones}


if __name__ == "__main__":
    sys.exit(main())
