"""`make simulate-bugs`: plant each defect, and count the seeds until the simulation finds it."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from local import ROOT
from tests.simulation.mutants import MUTANTS
from tests.simulation.planting import Mutant, plant

PROCESSES = 2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="tests.simulation.mutation", description="Check that the simulation finds planted defects."
    )
    parser.add_argument(
        "--one", help="plant only this defect, in this process", choices=[mutant.name for mutant in MUTANTS]
    )
    options = parser.parse_args(arguments)
    if options.one:
        return _search(next(mutant for mutant in MUTANTS if mutant.name == options.one))
    return _table()


def _search(mutant: Mutant) -> int:
    """Run seed after seed with the defect until one fails: 0 if that happens within the stated number."""
    plant(mutant)
    # Imported only now: a module that was imported before would not have the defect.
    from tests.simulation.plan import plan_of  # noqa: PLC0415
    from tests.simulation.world import simulate  # noqa: PLC0415

    for seed in range(mutant.within):
        if violation := simulate(plan_of(seed)).violation:
            print(f"{seed + 1}\t{violation}")
            return 0
    print(f"not found\twithin {mutant.within} seeds")
    return 1


def _table() -> int:
    print(f"{'planted defect':72} {'found after':>11} {'at most':>8}   by\n{'-' * 134}")
    missed = 0
    with ThreadPoolExecutor(PROCESSES) as pool:
        for mutant, (found, violation) in zip(MUTANTS, pool.map(_search_in_a_process, MUTANTS), strict=True):
            missed += not found.isdecimal()
            print(f"{mutant.name:72} {found:>11} {mutant.within:>8}   {violation[:90]}", flush=True)
    print(f"{len(MUTANTS) - missed} of {len(MUTANTS)} found")
    return 1 if missed else 0


def _search_in_a_process(mutant: Mutant) -> tuple[str, str]:
    """Search in a new process, because the code is edited as it is imported."""
    command = [sys.executable, "-m", "tests.simulation.mutation", "--one", mutant.name]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "\t" not in ended.stdout:
        raise RuntimeError(f"{mutant.name}: {ended.stderr}")
    found, _, violation = ended.stdout.strip().splitlines()[-1].partition("\t")
    return found, violation


if __name__ == "__main__":
    sys.exit(main())
