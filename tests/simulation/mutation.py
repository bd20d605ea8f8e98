"""`make simulate-bugs`: plant each defect, and let the simulation find it.

The seed that found a defect last is tried first: it proves that a search from 0 ends there at the latest. Only a defect
that this seed finds no more is searched for. `SEARCH=1` searches for all of them, and keeps the seeds. A defect that
one seed in tens of thousands finds has a plan of the corpus in place of a seed.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from local import ROOT
from tests.simulation.mutants import MUTANTS
from tests.simulation.planting import Mutant, plant

PROCESSES = os.cpu_count() or 1
NOT_FOUND = "not found"
FOUND_BY = Path(__file__).with_name("found_by.json")  # the seed that found each defect last


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="tests.simulation.mutation", description="Check that the simulation finds planted defects."
    )
    parser.add_argument(
        "--one", help="plant only this defect, in this process", choices=[mutant.name for mutant in MUTANTS]
    )
    parser.add_argument("--search", action="store_true", help="try every seed from 0 on, whatever found it last")
    options = parser.parse_args(arguments)
    if options.one:
        return _search(next(mutant for mutant in MUTANTS if mutant.name == options.one), from_0=options.search)
    return _table(from_0=options.search)


def found_by() -> dict[str, int]:
    """The seed that found each planted defect last, by the defect's name."""
    seeds: dict[str, int] = json.loads(FOUND_BY.read_text(encoding="utf-8"))
    return seeds


def _search(mutant: Mutant, *, from_0: bool) -> int:
    """Run seed after seed with the defect until one fails: 0 if that happens within the stated number."""
    plant(mutant)
    # Imported only now: a module that was imported before would not have the defect.
    from tests.simulation import corpus  # noqa: PLC0415
    from tests.simulation.plan import plan_of  # noqa: PLC0415
    from tests.simulation.world import simulate  # noqa: PLC0415

    known = [seed for name, seed in found_by().items() if name == mutant.name and seed < mutant.within]
    seeds = ((str(seed), plan_of(seed)) for seed in [*([] if from_0 else known), *range(mutant.within)])
    saved = ((one.name, one.plan) for one in corpus.load() if one.name == mutant.plan)
    for name, plan in saved if mutant.plan else seeds:
        if violation := simulate(plan).violation:
            print(f"{name}\t{violation}")
            return 0
    print(f"{NOT_FOUND}\twithin {mutant.within} seeds")
    return 1


def _table(*, from_0: bool) -> int:
    print(f"{'planted defect':72} {'found by':>10} {'below':>6}   as\n{'-' * 134}")
    seeds: dict[str, int] = {}
    found = 0
    search = partial(_search_in_a_process, from_0=from_0)
    with ThreadPoolExecutor(PROCESSES) as pool:
        for mutant, (seed, violation) in zip(MUTANTS, pool.map(search, MUTANTS), strict=True):
            found += seed != NOT_FOUND
            if seed.isdecimal():
                seeds[mutant.name] = int(seed)
            print(f"{mutant.name:72} {seed:>10} {mutant.within:>6}   {violation[:90]}", flush=True)
    print(f"{found} of {len(MUTANTS)} found")
    if from_0:
        FOUND_BY.write_text(json.dumps(seeds, indent=2) + "\n", encoding="utf-8")
    elif moved := [name for name, seed in seeds.items() if found_by().get(name) != seed]:
        print(f"other seeds find {len(moved)} of them now: make simulate-bugs SEARCH=1 keeps those")
    return 0 if found == len(MUTANTS) else 1


def _search_in_a_process(mutant: Mutant, *, from_0: bool) -> tuple[str, str]:
    """Search in a new process, because the code is edited as it is imported."""
    command = [sys.executable, "-m", "tests.simulation.mutation", "--one", mutant.name]
    command += ["--search"] if from_0 else []
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "\t" not in ended.stdout:
        raise RuntimeError(f"{mutant.name}: {ended.stderr}")
    found, _, violation = ended.stdout.strip().splitlines()[-1].partition("\t")
    return found, violation


if __name__ == "__main__":
    sys.exit(main())
