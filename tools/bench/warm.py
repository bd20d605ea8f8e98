"""`make bench-warm`: the CPU time of a warm invocation, compared with only the boto3 and stripe calls that it makes.

Both run as deployed, in turn, each in its own process; AWS and Stripe are recorded responses on loopback, over TLS.
"""

import argparse
import json
import random
import re
import shutil
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from botocore import xform_name

from local import ROOT
from tools.bench import budgets, layers, peer_page, peer_runs, recording, report
from tools.bench.budgets import Figure
from tools.bench.peer_runs import COMPILED, EVENTS, PEERS
from tools.bench.process import Deployed, Warm
from tools.bench.replay import Replay, replaying

WORK = ROOT / ".cache" / "bench-warm"
SEED = 1  # of the order in each round
# Three functions call nothing, and no user waits for the two that run on a schedule.
LEFT_OUT = ("console", "list_packages", "no_route", "daily_report", "reconcile")
FUNCTIONS = [name for name in recording.FUNCTIONS if name not in LEFT_OUT]
OURS, BARE = "ours", "bare"
EXPLAINED = f"""\
CPU time of one warm invocation: the handler with its real event and known secrets, compared with a process that only
makes the same calls: first all of boto3's, then all of stripe's. Ratios are medians over the rounds.

"Reconnect" is what one invocation costs more after AWS and Stripe have closed their idle connections, as they do while
Lambda keeps a function frozen; for so many connections. Each may take {budgets.RECONNECT.most:g} ms (the aim is \
{budgets.RECONNECT.stretch:g}). Where a budget is missed the figure is **bold**, and the command ends with an error."""
BESIDE = "The peers of the section on cold starts, with bytecode, in the same rounds."
HEAD = [
    "function",
    "CPU ms",
    "bare calls, CPU ms",
    "ratio",
    "budget",
    "stretch",
    "reconnect, CPU ms",
    "connections",
    "bare calls' reconnect",
]


@dataclass(frozen=True)
class Sample:
    """Of one round: CPU seconds of a call, how many more of the first one after a close, and its new connections."""

    call: float
    reconnect: float
    connections: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=80)
    parser.add_argument("--calls", type=int, default=10, help="invocations per round")
    parser.add_argument("--functions", nargs="*", default=FUNCTIONS, help="only these, no peers: nothing is written")
    arguments = parser.parse_args()
    interpreter = layers.lambda_python()
    shutil.rmtree(WORK, ignore_errors=True)
    ours = layers.unpack(layers.build_both(WORK / "ours", layers.HERE_ARCH), WORK / "opt")
    plain = layers.build_plain(WORK / "plain")
    found: dict[str, Mapping[str, Sequence[Sample]]] = {}
    with replaying(recording.secrets(), WORK) as replay:
        for packages in (ours, plain):
            replay.authority.append_to_bundles(packages)
        recording.record(replay)
        is_whole = arguments.functions == FUNCTIONS
        peers = peer_runs.install(WORK / "peers", interpreter, replay) if is_whole else None
        for function in arguments.functions:
            print(function, end="\r", flush=True)
            both = {
                OURS: _ours(interpreter, ours, replay, function),
                BARE: _bare(interpreter, plain, replay, function),
            }
            if peers and function in EVENTS:
                both |= {peer: peers.deployed(peer, function, COMPILED) for peer in PEERS}
            found[function] = measure(both, replay, arguments.rounds, arguments.calls)
    measured = report.measured_by("make bench-warm", interpreter, arguments.rounds)
    report.show("warm", section(found, f"{measured} Each round is {arguments.calls} invocations."), is_whole=is_whole)
    budgets.exit_if_missed(figure for samples in found.items() for figure in figures(*samples))


def measure(candidates: Mapping[str, Deployed], replay: Replay, rounds: int, calls: int) -> dict[str, list[Sample]]:
    """By candidate, a sample of each round; a first round is not counted."""
    order = random.Random(SEED)  # noqa: S311 - no secret
    processes = {name: Warm(deployed) for name, deployed in candidates.items()}
    found: dict[str, list[Sample]] = {name: [] for name in candidates}
    try:
        for number in range(rounds + 1):
            for name, sample in _round(processes, replay, calls, order):
                if number:
                    found[name].append(sample)
    finally:
        for process in processes.values():
            process.end()
    return found


def _round(
    processes: Mapping[str, Warm], replay: Replay, calls: int, order: random.Random
) -> Iterator[tuple[str, Sample]]:
    names = order.sample(list(processes), len(processes))
    warm = {name: processes[name].call(calls) / calls for name in names}
    replay.close_connections()
    for name in names:
        before = replay.connections
        after_close = processes[name].call(1)
        yield name, Sample(warm[name], after_close - warm[name], replay.connections - before)


def section(found: Mapping[str, Mapping[str, Sequence[Sample]]], measured_by: str) -> str:
    """The section of docs/performance.md."""
    rows = [_row(function, samples) for function, samples in found.items()]
    return "\n\n".join(["## Warm invocation", measured_by, EXPLAINED, report.table(HEAD, rows), *_beside(found)])


def _beside(found: Mapping[str, Mapping[str, Sequence[Sample]]]) -> list[str]:
    """Topup and its peers; nothing where only some functions were measured."""
    names = {OURS: peer_page.OURS, **PEERS}
    if not all(name in found.get(event, ()) for event in EVENTS for name in names):
        return []
    samples = {title: {event: found[event][name] for event in EVENTS} for name, title in names.items()}
    return [
        "## Warm invocation beside others",
        BESIDE,
        peer_page.table(samples, lambda sample: sample.call, digits=2),
        "The same after the idle connections were closed: what one invocation costs more.",
        peer_page.table(samples, lambda sample: sample.reconnect, digits=1),
    ]


def figures(function: str, samples: Mapping[str, Sequence[Sample]]) -> tuple[Figure, Figure]:
    """The ratio to the bare calls, and a reconnect for each connection."""
    ratio = report.median_ratio([one.call for one in samples[OURS]], [one.call for one in samples[BARE]])
    reconnect = _milliseconds(one.reconnect / max(one.connections, 1) for one in samples[OURS])
    return (
        Figure(f"{function}, CPU ÷ the bare calls", ratio, budgets.WARM),
        Figure(f"{function}, reconnect, CPU ms a connection", reconnect, budgets.RECONNECT, digits=1),
    )


def _row(function: str, samples: Mapping[str, Sequence[Sample]]) -> list[str]:
    ratio, reconnect = figures(function, samples)
    total = f"{_milliseconds(one.reconnect for one in samples[OURS]):.1f}"
    return [
        function,
        *(f"{_milliseconds(one.call for one in samples[name]):.2f}" for name in (OURS, BARE)),
        str(ratio),
        *budgets.shown(budgets.WARM),
        f"**{total}**" if reconnect.is_missed else total,
        f"{statistics.median(one.connections for one in samples[OURS]):.0f}",
        f"{_milliseconds(one.reconnect for one in samples[BARE]):.1f}",
    ]


def _milliseconds(seconds: Iterable[float]) -> float:
    return statistics.median(seconds) * 1000


def _ours(interpreter: str, opt: Path, replay: Replay, function: str) -> Deployed:
    event = WORK / f"{function}.json"
    event.write_text(json.dumps(recording.event(function)))
    environment = recording.environments()[function] | replay.environment("ours", function)
    return Deployed(interpreter, ROOT / "functions" / function, opt, event, environment)


def _bare(interpreter: str, opt: Path, replay: Replay, function: str) -> Deployed:
    task = WORK / "bare" / function
    task.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("bare_calls.py"), task / "app.py")
    (task / "calls.json").write_text(json.dumps(_calls(replay, function)))
    environment = recording.environments()[function] | replay.environment("bare", function)
    return Deployed(interpreter, task, opt, WORK / f"{function}.json", environment)


def _calls(replay: Replay, function: str) -> dict[str, Any]:
    """The requests of a function as its recording has them, for bare_calls.py."""
    dynamodb = [
        (xform_name(exchange.operation), json.loads(exchange.request)) for exchange in replay.recorded[function]
    ]
    events = [("put_events", json.loads(request)) for request in replay.event_requests[function]]
    stripe = [
        (f"{method} {path.partition('?')[0]}", _nested(form or path.partition("?")[2]))
        for method, path, form in replay.stripe_requests[function]
    ]
    aws = {"dynamodb": dynamodb, **({"events": events} if events else {})}
    return {"aws": aws, "stripe": stripe}


def _nested(form: str) -> dict[str, Any]:
    """The parameters that stripe's library turns into this form; a list becomes a mapping, which costs the same."""
    params: dict[str, Any] = {}
    for name, value in parse_qsl(form):
        *path, last = re.findall(r"[^\[\]]+", name)
        part = params
        for step in path:
            part = part.setdefault(step, {})
        part[last] = value
    return params


if __name__ == "__main__":
    main()
