"""Random histories with faults: every commit and every response is right, and everything agrees at the end."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from local import ROOT
from tests.simulation import corpus, runner, sometimes
from tests.simulation.corpus import SavedPlan
from tests.simulation.faults import Fault
from tests.simulation.mutants import MUTANTS
from tests.simulation.mutation import found_by
from tests.simulation.plan import Plan, plan_of
from tests.simulation.planting import Mutant, edited, source_of
from tests.simulation.rules import Violation
from tests.simulation.shadow import Shadow
from tests.simulation.shrink import shrink
from tests.simulation.world import simulate

PARTS, SEEDS = 8, 25  # CI runs far more: `make simulate`


@pytest.mark.parametrize("part", range(PARTS))
def test_no_seed_violates_anything(part: int):
    tally = runner.run(range(part * SEEDS, (part + 1) * SEEDS), processes=1, quiet=True)

    assert tally.failed == []
    assert tally.commits > SEEDS
    assert len(tally.hits) > 20  # kinds of faults and races that happened


@pytest.mark.parametrize("saved", corpus.load(), ids=lambda saved: saved.name)
def test_a_defect_that_was_found_once_does_not_return(saved: SavedPlan):
    outcome = simulate(saved.plan)

    assert outcome.violation is None, saved.found
    assert outcome.invocations > 1


def test_the_same_seed_gives_the_same_trace_in_any_process():
    here = [simulate(plan_of(seed)).trace for seed in (7, 8, 7)]
    command = [sys.executable, "-m", "tests.simulation", "--seed", "7", "--quiet"]
    environment = os.environ | {"PYTHONHASHSEED": "4711", "PYTHONPATH": "layers/topup"}
    output = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    assert here[0] == here[2] != here[1]
    assert f"trace {here[0]}" in output


def test_a_plan_survives_being_written_and_read():
    plan = plan_of(3)

    assert Plan.from_json(plan.to_json()) == plan


def test_a_failing_plan_is_made_smaller(monkeypatch: pytest.MonkeyPatch):
    def no_spends(self: Shadow, before: object, entry: object, after: object) -> None:
        if "spent" in str(entry):
            raise Violation("a spend")

    monkeypatch.setattr(Shadow, "_check_entry", no_spends)
    spending = [plan for plan in map(plan_of, range(50)) if any(step.what == "spend" for step in plan.steps)]
    failing = next(plan for plan in spending if simulate(plan).violation)

    smallest = shrink(failing)

    assert smallest.steps[0].what == "buy"
    assert len(smallest.steps) <= 3
    assert dict(smallest.faults) == {}
    assert simulate(smallest).violation == "a spend"


def test_faults_and_races_that_never_happened_are_listed():
    assert Fault.CRASH_AFTER in sometimes.missed({})
    assert sometimes.missed(dict.fromkeys(sometimes.ALL, 1)) == []


def test_the_network_cannot_be_reached_from_within_a_run(monkeypatch: pytest.MonkeyPatch):
    import socket  # noqa: PLC0415 - only this test needs it

    tried: list[str] = []

    def connect(self: Shadow, touched: object) -> None:
        try:
            socket.create_connection(("127.0.0.1", 9))
        except AssertionError as refused:
            tried.append(str(refused))

    monkeypatch.setattr(Shadow, "written", connect)
    simulate(replace(plan_of(0), steps=plan_of(0).steps[:1]))

    assert tried[0] == "Bug! the simulation tried to use the network"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_planted_defect_still_fits_the_code(mutant: Mutant):
    for module in {edit.module for edit in mutant.edits}:
        source = source_of(module)
        compile(edited(mutant, module, source), module, "exec")
        assert edited(mutant, module, source) != source


def test_the_document_names_the_seed_that_found_each_planted_defect():
    page = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    table = page.partition("| planted defect |")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]

    assert {name: int(seed.replace(",", "")) for name, seed in rows} == found_by()
    assert {one.name for one in MUTANTS if not one.plan and found_by()[one.name] < one.within} == found_by().keys()
    assert {one.plan for one in MUTANTS if one.plan} <= {saved.name for saved in corpus.load()}


def test_a_planted_defect_is_found():
    command = [sys.executable, "-m", "tests.simulation.mutation", "--one", "all credits live as long as is configured"]
    environment = os.environ | {"PYTHONPATH": "layers/topup"}

    output = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    seed, _, violation = output.strip().partition("\t")
    assert int(seed) < 100
    assert "was sold until" in violation
