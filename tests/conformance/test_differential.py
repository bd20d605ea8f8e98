"""Every expression of the store means the same to the engine of the tests as to DynamoDB Local."""

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import pytest

from local import ROOT
from tests.conformance import reads, writes
from tests.conformance.engines import EngineUnderTest, engines_under_test
from tests.conformance.outcomes import DONE, differences
from tests.conformance.recording import EXPRESSION, LEFT_OUT, expressions_in_the_source, is_part_of, recorded
from tests.conformance.requests import Sample, expressions_of

LISTED = Path(__file__).with_name("differences.toml")
MOTOS_SHARE = 3  # moto is the slowest by far, so it gets every third state of each request

Difference = tuple[str, str]  # the engine, and the difference


@dataclass
class Findings:
    states: int = 0
    shapes: set[str] = field(default_factory=set)
    differences: Counter[Difference] = field(default_factory=Counter)
    examples: dict[Difference, str] = field(default_factory=dict)
    errors: dict[str, set[str]] = field(default_factory=dict)  # by shape, the reference's errors


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return recorded(tmp_path_factory.mktemp("recording"))


@pytest.fixture(scope="module")
def findings(samples: list[Sample]) -> Findings:
    found = Findings()
    types = writes.types_of(samples)
    with engines_under_test() as (reference, *others):
        for _, cases in groupby(_cases(samples), lambda case: case.sample.shape):
            # Counted from each request's own first state: what moto gets does not depend on the requests before it.
            for number, case in enumerate(cases):
                in_motos_share = bool(case.name) or number % MOTOS_SHARE == 0
                compared = [engine for engine in others if engine.name != "moto" or in_motos_share]
                _compare(found, case, reference, compared, writes.is_odd(case.state, types))
    return found


def _cases(samples: list[Sample]) -> Iterator[writes.Case | reads.Case]:
    yield from writes.cases_of(samples)
    yield from reads.cases_of(samples)


def _compare(
    found: Findings,
    case: writes.Case | reads.Case,
    reference: EngineUnderTest,
    others: Sequence[EngineUnderTest],
    is_odd: bool,
) -> None:
    expected = case.run(reference)
    shape = case.sample.shape
    found.states += 1
    found.shapes.add(shape)
    found.errors.setdefault(shape, set()).update(outcome.error for outcome in expected)
    for engine in others:
        for mine, theirs in zip(case.run(engine), expected, strict=True):
            for words in differences(theirs, mine):
                difference = engine.name, "odd items" if is_odd else f"{case.what}: {words}"
                found.differences[difference] += 1
                found.examples.setdefault(difference, f"{shape}\nin {case.state}\n{theirs}\n{mine}")


@pytest.fixture(scope="module")
def listed() -> dict[Difference, str]:
    entries = tomllib.loads(LISTED.read_text(encoding="utf-8")).get("difference", [])
    return {(entry["engine"], entry["shows"]): entry["reason"] for entry in entries}


def test_the_scenarios_that_are_not_recorded_exist():
    for path, name in (scenario.split("::") for scenario in LEFT_OUT):
        assert f"def {name}(" in (ROOT / "tests" / path).read_text(encoding="utf-8")


def test_every_expression_in_the_stores_source_was_sent(samples: list[Sample]):
    sent = {text for sample in samples for text in expressions_of(sample.operation, sample.request)}
    written = expressions_in_the_source()

    assert [text for text in sent if not EXPRESSION.search(text)] == []  # otherwise one in the source may be overlooked
    assert {text for text in written if not any(is_part_of(text, one) for one in sent)} == set()


def test_every_condition_held_in_some_state_and_failed_in_another(findings: Findings):
    conditional = {shape: errors for shape, errors in findings.errors.items() if '"ConditionExpression"' in shape}
    one_sided = {shape: errors for shape, errors in conditional.items() if len(errors) < 2}

    assert one_sided == {}
    assert all(DONE in errors for errors in findings.errors.values())


def test_no_engine_differs_from_dynamodb_local_except_as_listed(
    findings: Findings, listed: dict[Difference, str], record_property: Callable[[str, object], None]
):
    record_property(
        "conformance",
        f"{len(findings.shapes)} shapes of requests in {findings.states} states;"
        f" {len(findings.differences)} known differences, {sum(findings.differences.values())} times",
    )
    unknown = {difference: findings.examples[difference] for difference in findings.differences.keys() - listed.keys()}

    assert not unknown, "\n\n".join(f"{difference}: {example}" for difference, example in unknown.items())


def test_every_listed_difference_still_shows(findings: Findings, listed: dict[Difference, str]):
    assert listed.keys() - findings.differences.keys() == set()
    assert all(listed.values())
