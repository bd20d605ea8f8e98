"""The tool behind `make mutants`: what it changes, where, and how it counts."""

import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tools.mutants import results, scope, swapping
from tools.mutants.choosing import Chooser
from tools.mutants.covering import Covering
from tools.mutants.making import Mutant, mutants_of
from tools.mutants.results import Listed, Result, Results
from topup.domain import money


@pytest.fixture
def changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """All changes of a source, each as the changed line; a function is what most of them are in."""

    def changes_of(source: str) -> list[str]:
        monkeypatch.setattr("tools.mutants.making.ROOT", tmp_path)
        path = tmp_path / "mutated.py"
        path.write_text(source)
        return [mutant.after for mutant in mutants_of(path)]

    return changes_of


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("return a < b", ["return a <= b"]),
        ("return a == b", ["return a != b"]),
        ("return a and b", ["return (a)", "return (b)"]),
        ("return not a", ["return a"]),
        ("return a if b else c", ["return a if (b) and False else c", "return a if (b) or True else c"]),
        ("return f(a, b=c)", ["return f(a, b=None)", "return f(a, )"]),
        ("return max(a, b)", ["return (a)", "return (b)"]),
        ("return 7", ["return 8"]),
        ("save(a)", ["pass"]),
        ("return a - b", ["return a + b"]),
        ("return [a for a in b if a]", ["return [a for a in b if not (a)]"]),
        ('raise Refused("a text", code="also a text")', ['raise Refused("a text", )']),
        ("return a.split(':', 1)", ["return a.rsplit(':', 1)", "return a.split(':', 2)"]),
        ('logger.info("seen", number=1)', []),
        ("assert a > 1", []),
        ("number: int = value", []),
    ],
)
def test_what_is_changed_in_a_function(changes, line: str, changed: list[str]):
    assert sorted(changes(f"def example(a, b, c):\n    {line}\n")) == sorted(changed)


def test_an_if_is_turned_round_and_an_error_is_passed_on(changes):
    source = "def example(a):\n    try:\n        if a:\n            return f()\n    except Busy:\n        return None\n"

    assert changes(source) == ["if not (a):", "except Busy: raise"]


def test_a_decorator_is_removed_unless_the_function_is_none_without_it(changes):
    decorated = "@store.retried\ndef example():\n    return a\n"

    assert changes(decorated) == [""]
    assert changes(decorated.replace("store.retried", "property")) == []


@pytest.mark.parametrize(
    ("condition", "changed"),
    [
        ("version = :read", ["(version = :read OR NOT version = :read)"]),
        (
            "attribute_not_exists(a) AND b IN (:c, :d)",
            [
                "(attribute_not_exists(a) OR NOT attribute_not_exists(a)) AND b IN (:c, :d)",
                "attribute_not_exists(a) AND (b IN (:c, :d) OR NOT b IN (:c, :d))",
            ],
        ),
        (
            "(attribute_not_exists(a) OR a = :b)",
            [
                "((attribute_not_exists(a) OR a = :b) OR NOT (attribute_not_exists(a) OR a = :b))",
                "((attribute_not_exists(a) AND NOT attribute_not_exists(a)) OR a = :b)",
                "(attribute_not_exists(a) OR (a = :b AND NOT a = :b))",
            ],
        ),
        ("SET attempt = :attempt", []),
        ("user_id = :user_id AND number = :number", []),
        ("a text", []),
    ],
)
def test_each_part_of_a_condition_is_dropped_alone(changes, condition: str, changed: list[str]):
    """It stays in the expression: DynamoDB refuses values that no expression uses."""
    assert changes(f'CONDITION = "{condition}"\n') == [f'CONDITION = "{one}"' for one in changed]


def test_a_mutant_says_where_it_is_and_what_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tools.mutants.making.ROOT", tmp_path)
    path = tmp_path / "mutated.py"
    path.write_text("LIMIT = 3\n\n\nclass Lot:\n    left: int = 4\n\n    def take(self, number=5):\n        return 6\n")

    found = [(one.line, one.definition, one.needs_import) for one in mutants_of(path)]

    assert found == [(1, "LIMIT", True), (5, "Lot", True), (7, "Lot.take", True), (8, "Lot.take", False)]


def test_loaded_functions_get_the_mutated_code(monkeypatch: pytest.MonkeyPatch):
    path = scope.PACKAGE / "domain" / "money.py"
    mutant = next(one for one in mutants_of(path) if one.definition == "movable" and "+" in one.after)
    monkeypatch.setattr(money.movable, "__code__", money.movable.__code__)

    assert swapping.swap(path, mutant.source, swapping.loaded_functions()) == 1
    assert money.movable(10_050, "ISK") == 10_100


def test_the_domain_the_store_and_the_flows_are_mutated():
    files = scope.mutated_files()

    assert {scope.package_of(path) for path in files} == {"domain", "store", "flows"}
    assert [scope.package_of(path) for path in files] == sorted(
        map(scope.package_of, files), key=["domain", "store", "flows"].index
    )
    assert not [
        path for path in files if path.relative_to(scope.PACKAGE).parts[0] in {"api", "runtime", "stripe_gateway"}
    ]


def test_files_are_chosen_by_name_and_by_what_a_change_touches(monkeypatch: pytest.MonkeyPatch):
    listed = "docs/glossary.md\nlayers/topup/topup/refunds.py\nlayers/topup/topup/api/auth.py\n"
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: subprocess.CompletedProcess(args, 0, listed))

    assert [path.name for path in scope.chosen(["store/races", "domain/lots"], None)] == ["lots.py", "races.py"]
    assert scope.chosen([], "origin/main") == [scope.PACKAGE / "refunds.py"]


def a_mutant(key: str, definition: str = "movable") -> Mutant:
    path = scope.PACKAGE / "domain" / "money.py"
    return Mutant(path, 1, definition, before="a", after="b", source="", needs_import=False, key=key)


def test_a_kill_is_remembered_and_a_survivor_until_the_tests_change(tmp_path: Path):
    known = Results(tmp_path / "results.jsonl")
    known.add(Result(key="killed", killer="test_a", tests="1", seconds=5))
    known.add(Result(key="alive", killer="", tests="1", seconds=5))
    again = Results(tmp_path / "results.jsonl")

    assert again.of(a_mutant("killed"), "2", 5)
    assert again.of(a_mutant("alive"), "1", 5)
    assert again.of(a_mutant("alive"), "2", 5) is None
    assert again.of(a_mutant("alive"), "1", 10) is None
    assert again.of(a_mutant("new"), "1", 5) is None


def test_the_score_leaves_out_the_survivors_that_are_listed_with_a_reason(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results, "listed", lambda: [Listed("domain/money.py", "to_text", "why", before="a")])
    outcomes = [
        (a_mutant("1"), Result("1", "test_a", "", 5)),
        (a_mutant("2"), Result("2", "test_a", "", 5)),
        (a_mutant("3"), Result("3", "", "", 5)),
        (a_mutant("4", "to_text"), Result("4", "", "", 5)),
    ]

    score = results.scores(outcomes)["domain"]

    assert (score.mutants, score.killed, score.listed, score.percent) == (4, 2, 1, 66.6)
    assert [one.key for one in results.survivors(outcomes)] == ["3"]


def test_every_listed_survivor_is_a_mutant_of_today():
    files = {one.file for one in results.listed()}
    mutants = [mutant for file in files for mutant in mutants_of(scope.PACKAGE / file)]

    assert [one for one in results.listed() if not any(one.is_about(mutant) for mutant in mutants)] == []


def a_test(name: str, seconds: float, *lines: int, function: str = "movable", others: int = 0) -> Covering:
    file = "layers/topup/topup/domain/money.py"
    usual = {f"{file}:other_{number}": frozenset({1}) for number in range(others)}
    return Covering(f"tests/unit/test_money.py::{name}", seconds, {f"{file}:{function}": frozenset(lines), **usual})


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        # What runs the line, the quickest first; of many examples a few.
        ([a_test("slow", 1, 2), a_test("elsewhere", 0.1, 1), a_test("quick", 0.1, 2)], ["quick", "slow"]),
        ([a_test(f"many[{number}]", 0.01, 2) for number in range(5)] + [a_test("one", 0.1, 2)], ["many[0]", "one"]),
        # What does not fit is left out.
        ([a_test("too slow", 11, 2), a_test("quick", 1, 2)], ["quick"]),
        # Where no test runs the function, those whose file names the module.
        ([a_test("another", 1, 1, function="to_text")], ["another"]),
    ],
)
def test_a_mutant_meets_the_tests_that_run_its_line(tests: list[Covering], expected: list[str]):
    mutant = next(one for one in mutants_of(scope.PACKAGE / "domain" / "money.py") if one.definition == "movable")

    chosen = [one.test.partition("::")[2] for one in Chooser(tests, 10, defaultdict(list)).tests(mutant)]

    assert [name for name in chosen if name in expected] == expected
    assert len(chosen) <= len(tests)
    assert "elsewhere" not in chosen
    assert "too slow" not in chosen


def test_a_mutant_meets_first_what_has_failed_for_its_function_before():
    mutant = next(one for one in mutants_of(scope.PACKAGE / "domain" / "money.py") if one.definition == "movable")
    tests = [a_test("quick", 0.1, 2), a_test("slow", 1, 2)]
    killers = defaultdict(list, {"layers/topup/topup/domain/money.py:movable": [tests[1].test]})

    assert Chooser(tests, 10, killers).tests(mutant)[0] == tests[1]
