"""The tool around mutmut: what it hands over, which files it chooses, and how it counts."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from local import ROOT
from tools.mutants import __main__ as command
from tools.mutants import brief, scoring, staging
from tools.mutants.scoring import Mutant

RESULTS = {
    "topup.domain.money.x_movable__mutmut_1": 1,  # killed
    "topup.domain.money.x_movable__mutmut_2": 37,  # caught by the type checker
    "topup.domain.money.x_movable__mutmut_3": -24,  # ended for want of time
    "topup.domain.money.x_movable__mutmut_4": 0,  # survived
    "topup.domain.money.x_movable__mutmut_5": 33,  # met by no test
    "topup.domain.money.x_movable__mutmut_6": None,  # not run yet
}

# As mutmut does: it shows how far it is again and again in one line, and an interrupt ends it.
ENDLESS = """
import signal
try:
    print("⠋ Running stats", end="\\r")
    print("Running mutation testing")
    signal.pause()
except KeyboardInterrupt:
    print("Stopping...")
"""


@pytest.fixture
def money_results(tmp_path: Path) -> Path:
    """What mutmut has written about the mutants of `domain/money.py`."""
    path = tmp_path / staging.WORK / "topup" / "domain" / "money.py.meta"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"exit_code_by_key": RESULTS, "durations_by_key": {}}))
    return path


def test_a_mutant_meets_different_tests_before_examples_of_the_same_one():
    names = ["a.py::one[x]", "a.py::one[y]", "a.py::two", "b.py::three[x]", "b.py::three[y]"]

    in_turn = brief.in_turn(names, {"a.py": 1.0, "b.py": 1.0})

    assert in_turn == ["a.py::one[x]", "b.py::three[x]", "a.py::two", "a.py::one[y]", "b.py::three[y]"]


def test_a_mutant_meets_the_file_that_is_about_its_function_before_others():
    of_others, about_it = ["a.py::one", "a.py::two"], ["b.py::one", "b.py::two", "b.py::three"]
    all_names = [*of_others, *about_it, *(f"a.py::another_{number}" for number in range(3))]

    share_of_file = brief.shares([*of_others, *about_it], all_names)

    assert share_of_file == {"a.py": 0.4, "b.py": 1.0}
    assert brief.in_turn([*of_others, *about_it], share_of_file) == [
        *about_it[:2],
        "a.py::one",
        "b.py::three",
        "a.py::two",
    ]


def test_of_one_test_the_first_examples_are_run():
    names = [f"a.py::one[{number}]" for number in range(brief.MOST_EXAMPLES + 4)]

    assert brief.few_examples([*names, "a.py::two"]) == [*names[: brief.MOST_EXAMPLES], "a.py::two"]
    of_a_unit_test = [f"tests/unit/{name}" for name in names]
    assert brief.few_examples(of_a_unit_test) == of_a_unit_test


def test_a_mutant_meets_no_more_tests_than_it_has_time_for_but_one_at_least():
    durations = {"quick": 0.2, "slow": 3.0, "slower": 4.0}

    assert brief.within(4, ["quick", "slow", "slower"], durations) == ["quick", "slow"]
    assert brief.within(1, ["slow", "quick"], durations) == ["slow"]


@pytest.mark.parametrize("name", ["retried", "store.retried"])
def test_a_retried_function_is_handed_over_without_its_decorator_and_retried_all_the_same(name: str):
    source = f"@{name}\ndef refund(payment_id):\n    return payment_id\n\n\nLAST = 1\n"

    assert staging.undecorated(source.encode()) == (
        f"def refund(payment_id):\n    return payment_id\nrefund = {name}(refund)\n\n\nLAST = 1\n".encode()
    )


def test_every_other_decorator_stays():
    source = b"class Order:\n    @property\n    def is_paid(self):\n        return True\n"

    assert staging.undecorated(source) == source


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of two modules, in place of ours."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "money.py").write_text("UNIT = 100\n")
    (folder / "lots.py").write_text("")
    monkeypatch.setattr(staging, "SOURCE", folder)
    return folder


def test_what_has_not_changed_keeps_its_time_and_its_results(tmp_path: Path, source: Path):
    stage = tmp_path / "stage"
    staging.prepare(stage, ["topup.money"])
    result = stage / "mutants" / "topup.money.meta"
    result.touch()
    written = (stage / "topup" / "money.py").stat().st_mtime_ns

    staging.prepare(stage, ["topup.money"])

    assert (stage / "topup" / "money.py").stat().st_mtime_ns == written
    assert result.exists()
    assert (stage / "mutants" / "tests").resolve() == Path(__file__).parents[1]
    assert tomllib.loads((stage / "pyproject.toml").read_text())["tool"]["mutmut"]["only_mutate"] == ["topup/money.py"]


@pytest.mark.parametrize("change", ["a module has gone", "others are mutated"])
def test_results_that_no_longer_hold_are_not_kept(tmp_path: Path, source: Path, change: str):
    stage = tmp_path / "stage"
    staging.prepare(stage, ["topup.money"])
    (stage / "mutants" / "topup.money.meta").touch()
    if change == "a module has gone":
        (source / "lots.py").unlink()

    staging.prepare(stage, ["topup.money" if change == "a module has gone" else "topup.lots"])

    assert not (stage / "mutants" / "topup.money.meta").exists()
    assert (stage / "topup" / "lots.py").exists() == (source / "lots.py").exists()


def test_the_domain_the_store_and_the_flows_are_mutated():
    modules = command.chosen([], None)

    assert {"topup.domain.money", "topup.store.races", "topup.refunds", "topup.reconciliation.runs"} <= {*modules}
    assert not [module for module in modules if module.split(".")[1] in {"api", "runtime", "stripe_gateway"}]


def test_files_are_chosen_by_name_and_by_what_a_change_touches(monkeypatch: pytest.MonkeyPatch):
    listed = "docs/glossary.md\nlayers/topup/topup/refunds.py\nlayers/topup/topup/api/auth.py\n"
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: subprocess.CompletedProcess(args, 0, listed))

    assert command.chosen(["store/races", "domain/lots"], None) == ["topup.domain.lots", "topup.store.races"]
    assert command.chosen([], "origin/main") == ["topup.refunds"]


def test_a_change_of_other_files_ends_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        subprocess, "run", lambda *args, **kwargs: subprocess.CompletedProcess(args, 0, "docs/glossary.md\n")
    )

    assert command.main(["--changed", "origin/main"]) == 0


def test_a_run_ends_its_minutes_after_the_first_mutant_and_keeps_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    mutmut = tmp_path / "mutmut"
    mutmut.write_text(f"#!{sys.executable}\n{ENDLESS}")
    mutmut.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    assert command._mutmut(tmp_path, processes=1, minutes=0.001) == 0
    assert capsys.readouterr().out == "Running mutation testing\nStopping...\n"


def test_the_score_counts_what_has_been_run_and_leaves_out_the_survivors_that_are_listed(
    tmp_path: Path, money_results: Path
):
    outcomes = scoring.mutants(tmp_path, ["topup.domain.money", "topup.domain.lots"])

    [(package, score)] = scoring.scores(outcomes, {"topup.domain.money.x_movable__mutmut_4"})

    assert package == "domain"
    assert (score.mutants, score.killed, score.listed, score.percent) == (5, 3, 1, 75.0)
    assert [one.name[-1] for one in outcomes if one.is_alive] == ["4", "5"]
    assert [one.name[-1] for one in outcomes if one.is_open] == ["6"]


def test_survivors_meet_the_tests_again_and_the_killed_do_not(tmp_path: Path, money_results: Path):
    scoring.forget_survivors(tmp_path, ["topup.domain.money", "topup.domain.lots"])

    kept = json.loads(money_results.read_text())
    assert [*kept["exit_code_by_key"].values()] == [1, 37, -24, None, None, None]
    assert kept["durations_by_key"] == {}


def test_a_flow_counts_among_the_flows_also_those_of_reconcile():
    modules = ["topup.domain.money", "topup.store.races", "topup.refunds", "topup.reconciliation.runs"]

    assert [Mutant(f"{module}.x_f__mutmut_1", "killed").package for module in modules] == [
        "domain", "store", "flows", "flows"
    ]  # fmt: skip


def test_a_change_is_known_by_its_lines():
    diff = "--- a\n+++ b\n@@ -1,3 +1,3 @@\n def movable(a):\n-    return a + 1\n+    return a - 1\n"

    assert scoring.change_in(diff) == ("return a + 1", "return a - 1")


def test_every_listed_survivor_is_a_line_of_today():
    gone = [
        (module, before)
        for module, before, _ in scoring.listed().changes
        if before not in " ".join(line.strip() for line in _source_of(module).splitlines())
    ]

    assert gone == []


@pytest.mark.parametrize(
    ("before", "after", "is_known"),
    [
        ("zip(keys, made, strict=True)", "zip(keys, made, strict=False)", True),
        ("zip(keys, made, strict=True)", "zip(keys, made, )", True),
        ("zip(keys, made, strict=True)", "zip(keys, strict=True)", False),
        ("compared(keys, made, strict=True)", "compared(keys, made, strict=False)", False),
        ('UpdateExpression="SET attempt = :attempt",', 'UpdateExpression="set attempt = :attempt",', True),
        ('UpdateExpression="SET attempt = :attempt",', 'UpdateExpression="SET ATTEMPT = :ATTEMPT",', False),
        ('_check(ok, where, "must be one")', '_check(ok, where, "XXmust be oneXX")', True),
        ("_check(ok, where, 'must be one')", "_check(ok, where, 'MUST BE ONE')", True),
        ('raise Failed(FieldError("cursor", "is wrong"))', 'raise Failed(FieldError("cursor", "IS WRONG"))', True),
        ('raise Failed(FieldError("cursor", "is wrong"))', 'raise Failed(FieldError("CURSOR", "is wrong"))', False),
        ('_check(ok and fits, where, "must be one")', '_check(ok or fits, where, "must be one")', False),
        ("return is_paid and is_here", "return is_paid or is_here", False),
    ],
)
def test_some_kinds_of_survivors_are_known_wherever_they_are(before: str, after: str, is_known: bool):
    assert scoring.listed().have("topup.anywhere", before, after) is is_known


def test_tests_that_log_pass_again_in_the_same_process():
    twice = """
import sys, pytest
options = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:schemathesis", "-qx", "--tb=native"]
sys.exit(any([pytest.main([*options, sys.argv[1]]) for _ in range(2)]))
"""
    test = "tests/ops/test_person.py::test_an_unknown_user_is_named[person-export]"

    run = subprocess.run([sys.executable, "-c", twice, test], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (run.returncode, run.stdout.count("1 passed")) == (0, 2), run.stdout


def _source_of(module: str) -> str:
    return (staging.SOURCE.parent / f"{module.replace('.', '/')}.py").read_text()
