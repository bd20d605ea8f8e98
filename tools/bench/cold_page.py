"""What `make bench-cold` writes: a row for each function, with its budgets, and the sizes of the layers."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.bench import budgets, peer_page, recording, report
from tools.bench.budgets import Figure
from tools.bench.layers import Size
from tools.bench.peer_page import OURS, OURS_PLAIN
from tools.bench.peer_runs import COMPILED, EVENTS, PEERS, PLAIN
from tools.bench.process import Reads, Start

# A handler that only creates a client: with boto3 from Lambda's runtime, and with boto3 from a plainly built layer.
YARDSTICK, PLAIN_YARDSTICK = "boto3 client", "boto3 client, plain layer"
MEGABYTE = 1e6
EXPLAINED = f"""\
A cold start ends with the first response. The built layers are on the path as on Lambda, no bytecode is written, the
event is from `events/`, secrets are read from Parameter Store, and AWS and Stripe are recorded responses on loopback,
over TLS: a root of the benchmark's own is appended to the bundles of roots in the built layers.

"ms" is the time that passed; all else is CPU time. The yardstick is a handler that only creates a boto3 DynamoDB client
and calls nothing, with boto3 as in Lambda's runtime: complete, with bytecode. The second yardstick takes boto3 from a
plainly built layer (no bytecode). Ratios compare two starts of the same round; the table shows their medians.

"On Lambda" is the initialisation's CPU time, and the first request's divided by the part of a processor that the
function has there: its memory / 1,769 MB (AWS Lambda, "Configure Lambda function memory"). That a function has a whole
processor while it is initialised has been measured by others; AWS does not promise it.

"Files" and "MB" are what a start reads of its layers. This machine has them in memory; Lambda has to fetch them. A file
counts whole. The shared object of pydantic's validator is counted apart: it is larger than all else, and a function
that validates a body cannot do without it.

Where a budget is missed the figure is **bold**, and the command ends with an error. The first request may take
{budgets.FIRST_REQUEST.most:g} ms of CPU time (the aim is {budgets.FIRST_REQUEST.stretch:g}), and a start may read \
{budgets.BYTES_READ.most:g} MB ({budgets.BYTES_READ.stretch:g}) besides the validator."""
AS_BUILT = """\
"As built" is what `sam build` leaves with `BuildMethod: python3.13`: every file of every package, no bytecode. "With
bytecode" is the same after `compileall`. Topup's layers are as they are deployed, and in one row a plain build."""
LIMITS = f"""\
Both layers together may have {budgets.UNZIPPED.most:g} MB, and zipped {budgets.ZIPPED.most:g} MB (the aim is \
{budgets.UNZIPPED.stretch:g} and {budgets.ZIPPED.stretch:g})."""
HEAD = [
    "function",
    "ms",
    "init, CPU ms",
    "first request, CPU ms",
    "on Lambda, ms",
    f"CPU ÷ {YARDSTICK}",
    "budget",
    "stretch",
    "files",
    "MB",
    "MB of the validator",
]
SIZE_HEAD = ["layers", "own code, zipped kB", "unzipped kB", "packages, zipped MB", "unzipped MB"]


@dataclass(frozen=True)
class Found:
    """Everything that was measured: starts by candidate, reads by function, sizes of both layers by processor."""

    starts: Mapping[str, Sequence[Start]]
    reads: Mapping[str, Reads]
    sizes: Mapping[str, tuple[Size, Size]]


def section(found: Found, measured_by: str) -> str:
    """The section of docs/performance.md."""
    yardsticks = [[name, *_times(found.starts[name])] for name in (YARDSTICK, PLAIN_YARDSTICK)]
    return "\n\n".join(
        [
            "## Cold start",
            measured_by,
            EXPLAINED,
            report.table(["yardstick", "ms", "CPU ms"], yardsticks),
            report.table(HEAD, [_row(function, found) for function in found.reads]),
            *_beside(found),
            "## Layers",
            report.table(SIZE_HEAD, [_size_row(arch, *both) for arch, both in found.sizes.items()]),
            LIMITS,
        ]
    )


def figures(found: Found) -> Iterator[Figure]:
    """Everything that has a budget."""
    for function in found.reads:
        yield from _figures_of(function, found)
    for arch, (topup, packages) in found.sizes.items():
        unzipped, zipped = topup.unzipped + packages.unzipped, topup.zipped + packages.zipped
        yield Figure(f"layers for {arch}, MB", unzipped / MEGABYTE, budgets.UNZIPPED, digits=1)
        yield Figure(f"layers for {arch}, zipped MB", zipped / MEGABYTE, budgets.ZIPPED, digits=1)


def _figures_of(function: str, found: Found) -> tuple[Figure, Figure, Figure]:
    """CPU ÷ yardstick, the first request, and what is read."""
    starts, budget = found.starts[function], budgets.COLD.get(function)
    ratio = report.median_ratio([start.cpu for start in starts], [start.cpu for start in found.starts[YARDSTICK]])
    first = statistics.median(start.first for start in starts) * 1000
    reads = found.reads[function]
    read = (reads.bytes - reads.of_validator) / MEGABYTE
    return (
        Figure(f"{function}, CPU ÷ {YARDSTICK}", ratio, budget),
        Figure(f"{function}, first request, CPU ms", first, budgets.FIRST_REQUEST if budget else None, digits=0),
        Figure(f"{function}, MB read of the layers", read, budgets.BYTES_READ if budget else None, digits=1),
    )


def _row(function: str, found: Found) -> list[str]:
    starts, memory = found.starts[function], recording.memory_of(function)
    ratio, first, read = _figures_of(function, found)
    return [
        function,
        _milliseconds([start.wall for start in starts]),
        _milliseconds([start.init for start in starts]),
        str(first),
        _milliseconds([start.on_lambda(memory) for start in starts]),
        str(ratio),
        *budgets.shown(ratio.budget),
        str(found.reads[function].files),
        str(read),
        f"{found.reads[function].of_validator / MEGABYTE:.1f}",
    ]


def _beside(found: Found) -> list[str]:
    """Topup and its peers; nothing where only some functions were measured."""
    peers = [peer_page.cold_name(peer, built) for peer in PEERS for built in (PLAIN, COMPILED)]
    names = {name: {event: f"{name}, {event}" for event in EVENTS} for name in (OURS_PLAIN, *peers)}
    names = {OURS: {event: event for event in EVENTS}, **names}
    if not all(name in found.starts for by_event in names.values() for name in by_event.values()):
        return []
    starts = {
        title: {event: found.starts[name] for event, name in by_event.items()} for title, by_event in names.items()
    }
    table = peer_page.table(starts, lambda start: start.cpu, digits=0)
    return ["## Cold start beside others", peer_page.EXPLAINED, AS_BUILT, table]


def _times(starts: Sequence[Start]) -> list[str]:
    return [_milliseconds([start.wall for start in starts]), _milliseconds([start.cpu for start in starts])]


def _milliseconds(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f}"


def _size_row(arch: str, topup: Size, packages: Size) -> list[str]:
    return [
        arch,
        f"{topup.zipped / 1e3:.0f}",
        f"{topup.unzipped / 1e3:.0f}",
        f"{packages.zipped / MEGABYTE:.1f}",
        f"{packages.unzipped / MEGABYTE:.1f}",
    ]
