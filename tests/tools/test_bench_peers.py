"""What the benchmarks compare Topup with: small services that really do what they are measured at."""

import json
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import ROOT
from local.in_process.dynamodb import InProcess
from tools.bench import peer_page, peer_runs, recording
from tools.bench.peer_page import OURS
from tools.bench.peer_runs import COMPILED, PEERS, SOURCES, Installed
from tools.bench.process import Start
from tools.bench.replay import Replay, replaying

# FastAPI and Mangum are only where the benchmarks install them.
HERE = {name: PEERS[name] for name in ("single_handler", "powertools_resolver")}


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[Replay]:
    with replaying(recording.secrets(), tmp_path) as serving:
        serving.address = serving.recording_address  # this environment's packages do not trust the benchmarks' root
        yield serving
    InProcess().reset()


def test_the_peers_grant_the_credits_of_an_order_and_show_them(
    tmp_path: Path, replay: Replay, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(peer_runs, "PEERS", HERE)
    (tmp_path / COMPILED).mkdir()
    (tmp_path / COMPILED / "python").symlink_to(sysconfig.get_path("purelib"))
    for peer in HERE:
        peer_runs.copy_sources(peer, tmp_path / COMPILED)

    Installed(tmp_path, sys.executable, replay).record()

    for peer in HERE:
        granted, shown = (replay.recorded[f"{peer}-{event}"] for event in peer_runs.EVENTS)
        assert [one.operation for one in granted] == [
            "PutItem",
            "GetItem",
            "UpdateItem",
            "UpdateItem",
            "PutItem",
            "PutItem",
        ]
        wallet = next(item for item in json.loads(shown[0].response)["Items"] if item["record"]["S"] == "WALLET")
        assert wallet["balance"] == {"N": "1000"}
    assert replay.live == {}


def test_topup_and_its_peers_have_the_same_versions_of_what_both_use():
    ours, theirs = (
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(), re.MULTILINE))
        for path in (ROOT / "layers" / "dependencies" / "requirements.txt", SOURCES / "requirements.txt")
    )

    assert theirs.keys() > ours.keys() | {"fastapi", "mangum"}
    assert {name: theirs[name] for name in ours} == ours


def test_the_table_tells_what_topup_takes_of_each():
    def starts(*cpu: float) -> dict[str, list[Start]]:
        return {event: [Start(1, seconds, 0) for seconds in cpu] for event in peer_runs.EVENTS}

    found = {OURS: starts(0.1, 0.2, 0.1), "FastAPI": starts(0.4, 0.4, 0.4)}

    assert peer_page.table(found, lambda start: start.cpu, digits=0).splitlines()[2:] == [
        "| Topup | 100 |  | 100 |  |",
        "| FastAPI | 400 | 0.25 | 400 | 0.25 |",
    ]
