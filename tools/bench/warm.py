"""`make bench-warm`: the CPU time of a warm invocation, compared with only the boto3 and stripe calls that it makes.

Both run as deployed, in turn, each in its own process; AWS and Stripe are recorded responses on loopback.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from botocore import xform_name

from local import ROOT
from tools.bench import layers, recording, report
from tools.bench.process import Deployed, check, read_line
from tools.bench.replay import Replay, replaying
from tools.build import layer

WORK = ROOT / ".cache" / "bench-warm"
BUDGET = 1.3
# Three functions call nothing, and no user waits for reconcile.
WITHOUT_CALLS = ("console", "list_packages", "no_route", "reconcile")
FUNCTIONS = tuple(name for name in recording.FUNCTIONS if name not in WITHOUT_CALLS)
EXPLAINED = """\
CPU time of one warm invocation: the handler with its real event and known secrets, compared with a process that only
makes the same calls: first all of boto3's, then all of stripe's. Ratios are medians over the rounds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=80)
    parser.add_argument("--calls", type=int, default=10, help="invocations per round")
    parser.add_argument("--functions", nargs="*", default=list(FUNCTIONS))
    arguments = parser.parse_args()
    interpreter = layer.find_lambda_python()
    if interpreter is None:
        raise SystemExit(f"This needs Lambda's Python {layer.PYTHON_VERSION}, and there is none on this machine")
    shutil.rmtree(WORK, ignore_errors=True)
    ours = layers.unpack(layers.build_both(WORK / "ours", layers.HERE_ARCH), WORK / "opt")
    plain = layers.build_plain(WORK / "plain")
    with replaying(recording.secrets()) as replay:
        recording.record(replay)
        rows = []
        for function in arguments.functions:
            print(function, end="\r", flush=True)
            both = (_ours(interpreter, ours, replay, function), _bare(interpreter, plain, replay, function))
            rows.append([function, *_row(measure(both, arguments.rounds, arguments.calls))])
    version = subprocess.run([interpreter, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    head = ["function", "CPU ms", "bare calls, CPU ms", "ratio", "budget"]
    measured = report.measured_by("make bench-warm", version, arguments.rounds)
    calls = f"Each round is {arguments.calls} invocations."
    report.write(
        "warm", "\n\n".join(["## Warm invocation", f"{measured} {calls}", EXPLAINED, report.table(head, rows)])
    )


def measure(both: Sequence[Deployed], rounds: int, calls: int) -> list[tuple[float, ...]]:
    """By round, the CPU seconds of one invocation in each process; a first round is not counted."""
    processes = [deployed.start(str(calls)) for deployed in both]
    try:
        for process in processes:
            check(read_line(process)["result"])
        measured = [tuple(_batch(process) / calls for process in processes) for _ in range(rounds + 1)]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return measured[1:]


def _batch(process: "subprocess.Popen[str]") -> float:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()
    return float(read_line(process)["seconds"])


def _row(rounds: Sequence[tuple[float, ...]]) -> list[str]:
    mine, bare = (statistics.median(times) * 1000 for times in zip(*rounds, strict=True))
    ratio = statistics.median(one / other for one, other in rounds)
    return [f"{mine:.2f}", f"{bare:.2f}", f"{ratio:.2f}", f"{BUDGET}"]


def _ours(interpreter: str, opt: Path, replay: Replay, function: str) -> Deployed:
    event = WORK / f"{function}.json"
    event.write_text(json.dumps(recording.event(function)))
    environment = recording.environments()[function] | replay.environment("ours", function)
    return Deployed(interpreter, ROOT / "functions" / function, opt, event, environment)


def _bare(interpreter: str, opt: Path, replay: Replay, function: str) -> Deployed:
    task = WORK / "bare" / function
    task.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("bare_calls.py"), task / "app.py")
    dynamodb = [
        (xform_name(exchange.operation), json.loads(exchange.request)) for exchange in replay.recorded[function]
    ]
    stripe = [(path, _nested(form)) for path, form in replay.stripe_requests[function]]
    (task / "calls.json").write_text(json.dumps({"dynamodb": dynamodb, "stripe": stripe}))
    environment = recording.environments()[function] | replay.environment("bare", function)
    return Deployed(interpreter, task, opt, WORK / f"{function}.json", environment)


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
