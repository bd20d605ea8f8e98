"""`make bench-cold`: what each function's first response costs after a cold start, compared with yardsticks.

In each round all candidates start once, one after the other and in random order, so that other load on the machine
affects all of them.
"""

import argparse
import itertools
import json
import os
import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from local import ROOT
from tools.bench import budgets, cold_page, layers, peer_page, peer_runs, recording, report
from tools.bench.cold_page import PLAIN_YARDSTICK, YARDSTICK, Found
from tools.bench.layers import Size
from tools.bench.peer_page import OURS_PLAIN
from tools.bench.peer_runs import COMPILED, EVENTS, PEERS, PLAIN
from tools.bench.process import Deployed, Start, count_reads, start_cold
from tools.bench.replay import Replay, replaying

WORK = ROOT / ".cache" / "bench"
ALL = list(recording.FUNCTIONS)
SEED = 1  # of the order in each round
CLIENT_ONLY = """import boto3

client = boto3.client("dynamodb")


def handler(event, context):
    return {"statusCode": 200}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--functions", nargs="*", default=ALL, help="only these, no peers: nothing is written")
    arguments = parser.parse_args()
    interpreter = layers.lambda_python()
    shutil.rmtree(WORK, ignore_errors=True)
    sizes = _sizes()
    with replaying(recording.secrets(), WORK) as replay:
        recording.record(replay)
        deployed = _deploy(interpreter, replay, arguments.functions)
        if arguments.functions == ALL:
            deployed |= _peers(interpreter, replay)
        before = _files()
        starts = _measure(deployed, arguments.rounds)
        reads = {function: count_reads(deployed[function]) for function in arguments.functions}
    assert _files() == before, "Bug! a function wrote into its layers, which are read-only on Lambda"
    found = Found(starts, reads, sizes)
    measured_by = report.measured_by("make bench-cold", interpreter, arguments.rounds)
    report.show("cold", cold_page.section(found, measured_by), is_whole=arguments.functions == ALL)
    budgets.exit_if_missed(cold_page.figures(found))


def _sizes() -> Mapping[str, tuple[Size, Size]]:
    """By processor, the sizes of both layers. The build for this machine's processor is also measured."""
    built = {arch: layers.build_both(WORK / arch, arch) for arch in ("arm64", "x86_64")}
    return {arch: (layers.size(topup), layers.size(packages)) for arch, (topup, packages) in built.items()}


def _deploy(interpreter: str, replay: Replay, functions: Sequence[str]) -> dict[str, Deployed]:
    here = WORK / layers.HERE_ARCH
    ours = layers.unpack((here / "TopupLayer", here / "DependenciesLayer"), WORK / "opt")
    plain = layers.build_plain(WORK / "plain")
    runtime = layers.build_runtime(WORK / "runtime", plain, interpreter)
    for packages in (ours, plain, runtime):
        replay.authority.append_to_bundles(packages)
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
    for function in EVENTS:
        candidates[f"{OURS_PLAIN}, {function}"] = deployed("plain", function, ROOT / "functions" / function, plain)
    return candidates


def _peers(interpreter: str, replay: Replay) -> dict[str, Deployed]:
    peers = peer_runs.install(WORK / "peers", interpreter, replay)
    return {
        f"{peer_page.cold_name(peer, built)}, {event}": peers.deployed(peer, event, built)
        for peer, event, built in itertools.product(PEERS, EVENTS, (PLAIN, COMPILED))
    }


def _measure(deployed: Mapping[str, Deployed], rounds: int) -> dict[str, list[Start]]:
    """Start each candidate once to warm the disk's cache, then measure `rounds` starts."""
    starts: dict[str, list[Start]] = {name: [] for name in deployed}
    order = random.Random(SEED)  # noqa: S311 - no secret
    for number in range(rounds + 1):
        print(f"round {number} of {rounds}", end="\r", flush=True)
        for name in order.sample(list(deployed), len(deployed)):
            start = start_cold(deployed[name])
            if number:
                starts[name].append(start)
    return starts


def _files() -> set[str]:
    """All files of the layers and the functions."""
    return {os.path.join(folder, name) for folder, _, names in os.walk(WORK) for name in names}  # noqa: PTH118


if __name__ == "__main__":
    main()
