"""`make bench-cold`: the time from the interpreter's start to each function's first response, compared with yardsticks.

In each round all candidates start once, one after the other, so that other load on the machine affects all of them.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import ROOT
from tools.bench import layers, recording, report
from tools.bench.layers import Size
from tools.bench.process import Deployed, Start, start_cold
from tools.bench.replay import Replay, replaying
from tools.build import layer

WORK = ROOT / ".cache" / "bench"
BUDGETS = {
    "list_packages": 1.5,
    "no_route": 1.5,
    "console": 1.5,
    "get_payment": 1.5,
    "get_credits": 1.5,
    "spend_credits": 1.5,
    "spend_batch": 1.5,
    "reverse_spend": 1.5,
    "open_hold": 1.5,
    "list_holds": 1.5,
    "capture_hold": 1.5,
    "extend_hold": 1.5,
    "release_hold": 1.5,
    "grant_credits": 1.5,
    "adjust_credits": 1.5,
    "find_payments": 1.5,
    "quote_refund": 1.5,
    "stripe_webhook": 2.2,
    "create_checkout": 2.2,
    "cancel_checkout": 2.2,
    "refund_payment": 2.2,
    "release_payment": 2.2,
}
# A handler that only creates a client: with boto3 from Lambda's runtime, and with boto3 from a plainly built layer.
YARDSTICK, PLAIN_YARDSTICK = "boto3 client", "boto3 client, plain layer"
CLIENT_ONLY = """import boto3

client = boto3.client("dynamodb")


def handler(event, context):
    return {"statusCode": 200}
"""


@dataclass(frozen=True)
class Row:
    """Medians of one function: milliseconds, and ratios between starts in the same round."""

    function: str
    wall: float
    cpu: float
    to_yardstick: float
    plain: float
    to_plain: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--functions", nargs="*", default=list(recording.FUNCTIONS))
    arguments = parser.parse_args()
    interpreter = layer.find_lambda_python() or _no_interpreter()
    shutil.rmtree(WORK, ignore_errors=True)
    sizes = _sizes()
    with replaying(recording.secrets()) as replay:
        recording.record(replay)
        deployed = _deploy(interpreter, replay, arguments.functions)
        before = _files()
        starts = _measure(deployed, arguments.rounds)
    assert _files() == before, "Bug! a function wrote into its layers, which are read-only on Lambda"
    rows = [_row(function, starts) for function in arguments.functions]
    report.write("cold", _section(rows, starts, sizes, _version(interpreter), arguments.rounds))


def _no_interpreter() -> str:
    raise SystemExit(f"Cold starts need Lambda's Python {layer.PYTHON_VERSION}, and there is none on this machine")


def _sizes() -> Mapping[str, tuple[Size, Size]]:
    """By processor, the sizes of both layers. The build for this machine's processor is also measured."""
    built = {arch: layers.build_both(WORK / arch, arch) for arch in ("arm64", "x86_64")}
    return {arch: (layers.size(topup), layers.size(packages)) for arch, (topup, packages) in built.items()}


def _deploy(interpreter: str, replay: Replay, functions: list[str]) -> dict[str, Deployed]:
    here = WORK / layers.HERE_ARCH
    ours = layers.unpack((here / "TopupLayer", here / "DependenciesLayer"), WORK / "opt")
    plain = layers.build_plain(WORK / "plain")
    runtime = layers.build_runtime(WORK / "runtime", plain, interpreter)
    yardstick = WORK / "yardstick"
    yardstick.mkdir()
    (yardstick / "app.py").write_text(CLIENT_ONLY)
    (WORK / "events").mkdir()
    environments = recording.environments()

    def deployed(caller: str, function: str, task: Path, opt: Path) -> Deployed:
        event = WORK / "events" / f"{function}.json"
        event.write_text(json.dumps(recording.event(function)))
        environment = environments[function] | replay.environment(caller, function)
        return Deployed(interpreter, task, opt, event, environment)

    candidates = {
        YARDSTICK: deployed("yardstick", "get_payment", yardstick, runtime),
        PLAIN_YARDSTICK: deployed("yardstick", "get_payment", yardstick, plain),
    }
    for function in functions:
        candidates[function] = deployed("ours", function, ROOT / "functions" / function, ours)
        candidates[f"{function}, plain"] = deployed("plain", function, ROOT / "functions" / function, plain)
    return candidates


def _measure(deployed: Mapping[str, Deployed], rounds: int) -> dict[str, list[Start]]:
    """Start each candidate once to warm the disk's cache, then measure `rounds` starts."""
    starts: dict[str, list[Start]] = {name: [] for name in deployed}
    for number in range(rounds + 1):
        print(f"round {number} of {rounds}", end="\r", flush=True)
        for name, candidate in deployed.items():
            start = start_cold(candidate)
            if number:
                starts[name].append(start)
    return starts


def _row(function: str, starts: Mapping[str, list[Start]]) -> Row:
    ours, plain = starts[function], starts[f"{function}, plain"]
    return Row(
        function=function,
        wall=statistics.median(start.wall for start in ours) * 1000,
        cpu=statistics.median(start.cpu for start in ours) * 1000,
        to_yardstick=_ratio(ours, starts[YARDSTICK]),
        plain=statistics.median(start.wall for start in plain) * 1000,
        to_plain=_ratio(ours, plain),
    )


def _ratio(ours: list[Start], others: list[Start]) -> float:
    return statistics.median(mine.wall / other.wall for mine, other in zip(ours, others, strict=True))


def _section(
    rows: list[Row],
    starts: Mapping[str, list[Start]],
    sizes: Mapping[str, tuple[Size, Size]],
    version: str,
    rounds: int,
) -> str:
    yardsticks = [
        [name, *(f"{statistics.median(getattr(start, kind) for start in starts[name]) * 1000:.0f}" for kind in KINDS)]
        for name in (YARDSTICK, PLAIN_YARDSTICK)
    ]
    functions = [
        [
            row.function,
            f"{row.wall:.0f}",
            f"{row.cpu:.0f}",
            f"{row.to_yardstick:.2f}",
            f"{BUDGETS[row.function]}" if row.function in BUDGETS else "",
            f"{row.plain:.0f}",
            f"{row.to_plain:.2f}",
        ]
        for row in rows
    ]
    head = ["function", "ms", "CPU ms", f"÷ {YARDSTICK}", "budget", "plain build, ms", "÷ plain build"]
    return "\n\n".join(
        [
            "## Cold start",
            report.measured_by("make bench-cold", version, rounds),
            EXPLAINED,
            report.table(["yardstick", "ms", "CPU ms"], yardsticks),
            report.table(head, functions),
            "## Layers",
            report.table(SIZE_HEAD, [_size_row(arch, *both) for arch, both in sizes.items()]),
        ]
    )


KINDS = ("wall", "cpu")
EXPLAINED = """\
Time from the interpreter's start to the first response. The built layers are on the path as on Lambda, no bytecode is
written, the event is from `events/`, secrets are read from Parameter Store, and AWS and Stripe are recorded responses
on loopback. The yardstick is a handler that only creates a boto3 DynamoDB client and calls nothing, with boto3 as in
Lambda's runtime: complete, with bytecode. The second yardstick takes boto3 from a plainly built layer (no bytecode).
"Plain build" is the same function with layers built by `BuildMethod: python3.13`: every file of every package, no
bytecode. Ratios compare two starts in the same round; the table shows their medians."""
SIZE_HEAD = ["layers", "own code, zipped kB", "unzipped kB", "packages, zipped MB", "unzipped MB"]


def _size_row(arch: str, topup: Size, packages: Size) -> list[str]:
    return [
        arch,
        f"{topup.zipped / 1e3:.0f}",
        f"{topup.unzipped / 1e3:.0f}",
        f"{packages.zipped / 1e6:.1f}",
        f"{packages.unzipped / 1e6:.1f}",
    ]


def _files() -> set[str]:
    """All files of the layers and the functions."""
    return {os.path.join(folder, name) for folder, _, names in os.walk(WORK) for name in names}  # noqa: PTH118


def _version(interpreter: str) -> str:
    done = subprocess.run([interpreter, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[1]


if __name__ == "__main__":
    main()
