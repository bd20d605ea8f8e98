"""`make simulate`: run many hostile histories, or one of them again.

make simulate SEEDS=10000        the seeds 0 to 9,999, on every core
make simulate SEEDS=5000-6000    the seeds 5,000 to 5,999
make simulate SEED=5123          one seed, with every call printed
make simulate SEED=5123 SHRINK=1 one failing seed, made as small as possible and saved in the corpus
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from tests.simulation import corpus, runner, sometimes
from tests.simulation.plan import plan_of
from tests.simulation.shrink import shrink
from tests.simulation.world import simulate


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if options.seed is not None:
        return _shrink(options.seed) if options.shrink else _replay(options.seed, verbose=not options.quiet)
    return _many(_range(options.seeds), options.processes)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.simulation", description="Deterministic simulation of Topup.")
    parser.add_argument("--seeds", default="1000", help="how many, or a range such as 5000-6000 (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="run one seed and print every call")
    parser.add_argument("--shrink", action="store_true", help="make a failing seed smaller and save it in the corpus")
    parser.add_argument("--quiet", action="store_true", help="print only the result of one seed")
    parser.add_argument(
        "--processes", type=int, default=runner.cores(), help="default: one for each core (%(default)s)"
    )
    return parser.parse_args(arguments)


def _range(text: str) -> range:
    first, dash, last = text.partition("-")
    if not (first.isdecimal() and (last.isdecimal() or not dash)):
        sys.exit(f"SEEDS={text}: write a number, or a range such as 5000-6000")
    return range(int(first), int(last)) if dash else range(int(first))


def _many(seeds: range, processes: int) -> int:
    print(f"seeds {seeds.start:,} to {seeds.stop - 1:,}, commit {_commit()}, {processes} processes", flush=True)
    tally = runner.run(seeds, processes)
    print(
        f"{tally.seeds:,} histories in {tally.seconds:.0f} s ({tally.seeds / tally.seconds / processes:.1f} a second "
        f"and process): {tally.invocations:,} invocations, {tally.commits:,} commits, each audited; "
        f"{sum(tally.hits.values()):,} faults and races; trace {tally.trace:016x}"
    )
    for seed, violation in sorted(tally.failed)[:20]:
        print(f"FAILED seed {seed}: {violation}\n  again: make simulate SEED={seed}   smaller: add SHRINK=1")
    missed = sometimes.missed(tally.hits) if len(seeds) >= sometimes.ENOUGH_SEEDS else []
    for name in sometimes.ALL:
        print(f"  {tally.hits.get(name, 0):>9,}  {name}")
    for name in missed:
        print(f"NEVER: {name}")
    print(f"{len(tally.failed)} violations")
    return 1 if tally.failed or missed else 0


def _replay(seed: int, *, verbose: bool) -> int:
    outcome = simulate(plan_of(seed), print if verbose else None)
    print(f"seed {seed}, commit {_commit()}, trace {outcome.trace}: {outcome.violation or 'no violation'}")
    return 1 if outcome.violation else 0


def _shrink(seed: int) -> int:
    plan = shrink(plan_of(seed), print)
    violation = simulate(plan).violation
    assert violation
    path = corpus.save(plan, violation)
    print(f"{violation}\n{plan.to_json()}\nsaved as {path}")
    return 1


def _commit() -> str:
    found = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
