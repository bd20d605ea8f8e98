"""What the benchmarks write about the peers: Topup beside what others would write the same service with."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from tools.bench import report
from tools.bench.peer_runs import COMPILED, EVENTS, PEERS, PLAIN

T = TypeVar("T")
OURS = "Topup"
OURS_PLAIN = "Topup, plainly built"
BUILT_AS = {PLAIN: "as built", COMPILED: "with bytecode"}
EXPLAINED = """\
The same service as others would begin it, with the sources in `tools/bench/peers` and the versions that are pinned
there, in the same rounds: boto3, stripe and PyJWT in one handler; FastAPI behind Mangum; Powertools' resolver with its
validation, parameters, logger and metrics. They do less: no holds, refunds, disputes, expiry or audit, and a webhook of
six single requests to DynamoDB, where Topup writes one transaction."""


def cold_name(peer: str, built: str) -> str:
    """A peer's name in the table of cold starts; `built` is PLAIN or COMPILED."""
    return f"{PEERS[peer]}, {BUILT_AS[built]}"


def table(figures: Mapping[str, Mapping[str, Sequence[T]]], seconds: Callable[[T], float], digits: int) -> str:
    """CPU ms of each candidate, by event, and what Topup takes of it; every round has a figure of every candidate."""
    head = ["", *(column for event in EVENTS for column in (f"{event}, CPU ms", "Topup ÷ it"))]
    rows = []
    for name, by_event in figures.items():
        row = [name]
        for event in EVENTS:
            its, mine = ([seconds(one) for one in found[event]] for found in (by_event, figures[OURS]))
            row.append(f"{statistics.median(its) * 1000:.{digits}f}")
            row.append("" if name == OURS else f"{report.median_ratio(mine, its):.2f}")
        rows.append(row)
    return report.table(head, rows)
