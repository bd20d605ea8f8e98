"""Run many seeds on every core, show the progress, and add up the results."""

import gc
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.simulation.plan import plan_of
from tests.simulation.world import Outcome, simulate

CHUNK = 25  # seeds that a process runs at a time
PROGRESS = 5.0  # seconds between two lines of progress


@dataclass
class Tally:
    """The results of many runs, added up."""

    seeds: int = 0
    commits: int = 0
    invocations: int = 0
    seconds: float = 0.0
    hits: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, str]] = field(default_factory=list)
    trace: int = 0  # of all runs together, whatever their order

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.commits += outcome.commits
        self.invocations += outcome.invocations
        self.hits.update(outcome.hits)
        self.trace ^= int(outcome.trace, 16)
        if outcome.violation is not None:
            self.failed.append((outcome.plan.seed, outcome.violation))

    def join(self, other: "Tally") -> None:
        self.seeds += other.seeds
        self.commits += other.commits
        self.invocations += other.invocations
        self.hits.update(other.hits)
        self.trace ^= other.trace
        self.failed += other.failed


def run(seeds: Sequence[int], processes: int, *, until_failure: bool = False, quiet: bool = False) -> Tally:
    """Run the seeds; with `until_failure` stop after the first failure."""
    tally, begun = Tally(), time.monotonic()
    shown = begun
    for part in _parts(seeds, processes):
        tally.join(part)
        tally.seconds = time.monotonic() - begun
        if not quiet:
            for seed, violation in part.failed:
                print(f"  FAILED seed {seed}: {violation}", file=sys.stderr, flush=True)
            if time.monotonic() - shown > PROGRESS:
                shown = time.monotonic()
                print(_progress(tally, len(seeds)), file=sys.stderr, flush=True)
        if until_failure and tally.failed:
            break
    return tally


def _progress(tally: Tally, wanted: int) -> str:
    rate = tally.seeds / tally.seconds
    left = (wanted - tally.seeds) / rate
    return f"  {tally.seeds:,} of {wanted:,} seeds, {rate:.0f} a second, {len(tally.failed)} failed, {left:.0f} s left"


def _parts(seeds: Sequence[int], processes: int) -> Iterator[Tally]:
    chunks = [seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)]
    if processes == 1:
        yield from map(_chunk, chunks)
        return
    # Started anew, not forked: a fork would copy locks that the threads of this process hold.
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(_chunk, chunks)


def _chunk(seeds: Sequence[int]) -> Tally:
    """Run a few seeds in this process; garbage is collected only between chunks, and without the loaded modules."""
    tally = Tally()
    gc.disable()
    if not gc.get_freeze_count():
        gc.freeze()
    try:
        for seed in seeds:
            tally.add(simulate(plan_of(seed)))
    except Exception as error:
        error.add_note(f"in seed {seed}: make simulate SEED={seed}")  # a defect of the simulation itself
        raise
    finally:
        gc.enable()
        gc.collect()
    return tally


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
