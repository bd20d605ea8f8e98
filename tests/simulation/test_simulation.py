"""Histories that a seed makes up, faults included: nothing that must never be is, and everything comes right."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from local import ROOT
from tests.simulation import corpus, runner, sometimes
from tests.simulation.corpus import Kept
from tests.simulation.faults import Fault
from tests.simulation.mutants import BUGS, Bug, edited, source_of
from tests.simulation.plan import Plan, plan_of
from tests.simulation.shadow import Mirror, Violation
from tests.simulation.shrink import shrink
from tests.simulation.world import simulate

PARTS, SEEDS = 8, 25  # CI lives through far more: `make simulate`


@pytest.mark.parametrize("part", range(PARTS))
def test_no_seed_violates_anything(part: int):
    tally = runner.run(range(part * SEEDS, (part + 1) * SEEDS), processes=1, quiet=True)

    assert tally.failed == []
    assert tally.commits > SEEDS
    assert len(tally.hits) > 20  # faults and narrow windows that were met


@pytest.mark.parametrize("kept", corpus.kept(), ids=lambda kept: kept.name)
def test_what_was_found_once_does_not_come_back(kept: Kept):
    outcome = simulate(kept.plan)

    assert outcome.violation is None, kept.found
    assert outcome.invocations > 1


def test_the_same_seed_gives_the_same_trace_in_any_process():
    here = [simulate(plan_of(seed)).trace for seed in (7, 8, 7)]
    command = [sys.executable, "-m", "tests.simulation", "--seed", "7", "--quiet"]
    environment = os.environ | {"PYTHONHASHSEED": "4711", "PYTHONPATH": "layers/topup"}
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    assert here[0] == here[2] != here[1]
    assert f"trace {here[0]}" in told


def test_a_plan_survives_being_written_and_read():
    plan = plan_of(3)

    assert Plan.from_json(plan.to_json()) == plan


def test_a_failing_plan_is_made_smaller(monkeypatch: pytest.MonkeyPatch):
    def no_spends(self: Mirror, before: object, entry: object, after: object) -> None:
        if "spent" in str(entry):
            raise Violation("somebody spent something")

    monkeypatch.setattr(Mirror, "_step", no_spends)
    failing = next(plan for seed in range(50) if simulate(plan := plan_of(seed)).violation)

    smallest = shrink(failing)

    assert smallest.steps[0].what == "buy"
    assert len(smallest.steps) <= 2
    assert dict(smallest.faults) == {}
    assert simulate(smallest).violation == "somebody spent something"


def test_what_never_happened_is_named():
    assert Fault.CRASH_AFTER in sometimes.never({})
    assert sometimes.never(dict.fromkeys(sometimes.ALL, 1)) == []


def test_the_network_cannot_be_reached_from_within_a_run(monkeypatch: pytest.MonkeyPatch):
    import socket  # noqa: PLC0415 - only this test has to do with it

    tried: list[str] = []

    def reach(self: Mirror, touched: object) -> None:
        try:
            socket.create_connection(("127.0.0.1", 9))
        except AssertionError as refused:
            tried.append(str(refused))

    monkeypatch.setattr(Mirror, "written", reach)
    simulate(replace(plan_of(0), steps=plan_of(0).steps[:1]))

    assert tried[0] == "Bug! the simulation reached for the network"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_every_planted_defect_still_fits_the_code(bug: Bug):
    for module in {edit.module for edit in bug.edits}:
        source = source_of(module)
        compile(edited(bug, module, source), module, "exec")
        assert edited(bug, module, source) != source


def test_a_planted_defect_is_found():
    command = [sys.executable, "-m", "tests.simulation.mutation", "--one", "grant before the check"]
    environment = os.environ | {"PYTHONPATH": "layers/topup"}

    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    seeds, _, violation = told.strip().partition("\t")
    assert int(seeds) <= 100
    assert "granted" in violation
