"""`make simulate`: many hostile histories, or one of them again.

make simulate SEEDS=10000        the seeds 0 … 9,999, on every core
make simulate SEEDS=5000-6000    these
make simulate SEED=5123          one, told step by step
make simulate SEED=5123 SHRINK=1 one that fails, made as small as it will go, and kept in the corpus
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
    asked = _asked(arguments)
    if asked.seed is not None:
        return _shrink(asked.seed) if asked.shrink else _replay(asked.seed, told=not asked.quiet)
    return _many(_range(asked.seeds), asked.processes)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.simulation", description="Deterministic simulation of Topup.")
    parser.add_argument("--seeds", default="1000", help="how many, or a range such as 5000-6000 (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="live through one seed, and tell every call")
    parser.add_argument("--shrink", action="store_true", help="make a failing seed smaller and keep it in the corpus")
    parser.add_argument("--quiet", action="store_true", help="of one seed, tell only what came of it")
    parser.add_argument("--processes", type=int, default=runner.cores(), help="default: one a core (%(default)s)")
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
        f"{sum(tally.hits.values()):,} faults and narrow windows; trace {tally.trace:016x}"
    )
    for seed, violation in sorted(tally.failed)[:20]:
        print(f"FAILED seed {seed}: {violation}\n  again: make simulate SEED={seed}   smaller: … SHRINK=1")
    missed = sometimes.never(tally.hits) if len(seeds) >= sometimes.ENOUGH else []
    for name in sometimes.ALL:
        print(f"  {tally.hits.get(name, 0):>9,}  {name}")
    for name in missed:
        print(f"NEVER: {name}")
    print(f"{len(tally.failed)} violations")
    return 1 if tally.failed or missed else 0


def _replay(seed: int, *, told: bool) -> int:
    outcome = simulate(plan_of(seed), print if told else None)
    print(f"seed {seed}, commit {_commit()}, trace {outcome.trace}: {outcome.violation or 'nothing is violated'}")
    return 1 if outcome.violation else 0


def _shrink(seed: int) -> int:
    plan = shrink(plan_of(seed), print)
    violation = simulate(plan).violation
    assert violation
    path = corpus.keep(plan, violation)
    print(f"{violation}\n{plan.to_json()}\nkept as {path}")
    return 1


def _commit() -> str:
    found = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
