"""`make bench-warm`: CPU time of a warm invocation, against the bare boto3 and stripe calls that it makes.

Both run as deployed, each in a process of its own, in turn; AWS and Stripe answer on loopback what was recorded.
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
from tools.bench.answering import Answering, answering
from tools.bench.process import Deployed, check, read_answer
from tools.build import layer

WORK = ROOT / ".cache" / "bench-warm"
BUDGET = 1.3
# list_packages calls nothing, and reconcile is no request that anybody waits for.
FUNCTIONS = tuple(name for name in recording.FUNCTIONS if name not in ("list_packages", "reconcile"))
EXPLAINED = """\
CPU time of one warm invocation: the handler with its real event, secrets known, beside a process that makes the same
boto3 and stripe calls, in the same order of services, and does nothing else. Ratios are medians over the rounds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=80)
    parser.add_argument("--calls", type=int, default=10, help="invocations per round")
    parser.add_argument("--functions", nargs="*", default=list(FUNCTIONS))
    arguments = parser.parse_args()
    interpreter = layer.lambdas_python()
    if interpreter is None:
        raise SystemExit(f"Measured with Lambda's Python {layer.PYTHON_VERSION}: none was found")
    shutil.rmtree(WORK, ignore_errors=True)
    ours = layers.unpack(layers.build_both(WORK / "ours", layers.HERE_ARCH), WORK / "opt")
    plain = layers.build_plain(WORK / "plain")
    with answering({}, recording.secrets()) as answers:
        recording.record(answers)
        rows = []
        for function in arguments.functions:
            print(function, end="\r", flush=True)
            both = (_ours(interpreter, ours, answers, function), _bare(interpreter, plain, answers, function))
            rows.append([function, *_row(measure(both, arguments.rounds, arguments.calls))])
    version = subprocess.run([interpreter, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    head = ["function", "CPU ms", "bare calls, CPU ms", "ratio", "budget"]
    measured = report.measured_by("make bench-warm", version, arguments.rounds)
    calls = f"Each round is {arguments.calls} invocations."
    report.write(
        "warm", "\n\n".join(["## Warm invocation", f"{measured} {calls}", EXPLAINED, report.table(head, rows)])
    )


def measure(both: Sequence[Deployed], rounds: int, calls: int) -> list[tuple[float, ...]]:
    """Per round, the CPU seconds that one invocation took in each of the processes; one round before does not count."""
    processes = [deployed.start(str(calls)) for deployed in both]
    try:
        for process in processes:
            check(read_answer(process)["answer"])
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
    return float(read_answer(process)["seconds"])


def _row(rounds: Sequence[tuple[float, ...]]) -> list[str]:
    mine, bare = (statistics.median(times) * 1000 for times in zip(*rounds, strict=True))
    ratio = statistics.median(one / other for one, other in rounds)
    return [f"{mine:.2f}", f"{bare:.2f}", f"{ratio:.2f}", f"{BUDGET}"]


def _ours(interpreter: str, opt: Path, answers: Answering, function: str) -> Deployed:
    event = WORK / f"{function}.json"
    event.write_text(json.dumps(recording.event(function)))
    environment = recording.environments()[function] | answers.environment("ours", function)
    return Deployed(interpreter, ROOT / "functions" / function, opt, event, environment)


def _bare(interpreter: str, opt: Path, answers: Answering, function: str) -> Deployed:
    task = WORK / "bare" / function
    task.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("bare.py"), task / "app.py")
    dynamodb = [
        (xform_name(exchange.operation), json.loads(exchange.request)) for exchange in answers.recorded[function]
    ]
    stripe = [(path, _nested(form)) for path, form in answers.stripe_requests[function]]
    (task / "calls.json").write_text(json.dumps({"dynamodb": dynamodb, "stripe": stripe}))
    environment = recording.environments()[function] | answers.environment("bare", function)
    return Deployed(interpreter, task, opt, WORK / f"{function}.json", environment)


def _nested(form: str) -> dict[str, Any]:
    """The parameters that stripe's library made this form of; a list as a mapping of its indexes, which is as good."""
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
