"""`make simulate-bugs`: every planted defect, and how many seeds it took to find it."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from local import ROOT
from tests.simulation.mutants import BUGS, Bug, plant

PROCESSES = 2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.simulation.mutation", description="Does the simulation find defects?")
    parser.add_argument("--one", help="one defect by name, here and now", choices=[bug.name for bug in BUGS])
    asked = parser.parse_args(arguments)
    if asked.one:
        return _search(next(bug for bug in BUGS if bug.name == asked.one))
    return _table()


def _search(bug: Bug) -> int:
    """Seed after seed with the bug in place, until one fails: 0 if that is within the stated number."""
    plant(bug)
    # Imported only now: what has been imported before has no bug in it.
    from tests.simulation.plan import plan_of  # noqa: PLC0415
    from tests.simulation.world import simulate  # noqa: PLC0415

    for seed in range(bug.within):
        if violation := simulate(plan_of(seed)).violation:
            print(f"{seed + 1}\t{violation}")
            return 0
    print(f"not found\twithin {bug.within} seeds")
    return 1


def _table() -> int:
    print(f"{'planted defect':58} {'found after':>11} {'at most':>8}   by\n{'-' * 120}")
    missed = 0
    with ThreadPoolExecutor(PROCESSES) as pool:
        for bug, (found, violation) in zip(BUGS, pool.map(_searched, BUGS), strict=True):
            missed += not found.isdecimal()
            print(f"{bug.name:58} {found:>11} {bug.within:>8}   {violation[:90]}", flush=True)
    print(f"{len(BUGS) - missed} of {len(BUGS)} found")
    return 1 if missed else 0


def _searched(bug: Bug) -> tuple[str, str]:
    """In a process of its own, because the code is edited as it is imported."""
    command = [sys.executable, "-m", "tests.simulation.mutation", "--one", bug.name]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "\t" not in ended.stdout:
        raise RuntimeError(f"{bug.name}: {ended.stderr}")
    found, _, violation = ended.stdout.strip().splitlines()[-1].partition("\t")
    return found, violation


if __name__ == "__main__":
    sys.exit(main())
