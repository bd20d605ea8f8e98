"""The local stack's stream filters: a pattern that is accepted can be followed, whatever the event."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from local.aws.event_pattern import check, matches
from local.aws.intrinsics import TemplateError
from tests.properties.effort import examples

NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5]) | st.text("xyz", max_size=3)
EVENTS = st.recursive(
    st.dictionaries(NAMES, LEAVES | st.lists(LEAVES, max_size=3), max_size=3),
    lambda inner: st.dictionaries(NAMES, inner | LEAVES, max_size=3),
    max_leaves=8,
)
PAIRS = st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), st.integers(-3, 3)).map(list)
# One pair or two are right; half a pair or three are not.
NUMERIC = PAIRS | PAIRS.map(lambda pair: pair * 2) | PAIRS.map(lambda pair: pair[:1]) | PAIRS.map(lambda pair: pair * 3)
OPERATORS = st.one_of(
    st.fixed_dictionaries({"prefix": st.text("xyz", max_size=2) | LEAVES}),
    st.fixed_dictionaries({"exists": st.booleans() | LEAVES}),
    st.fixed_dictionaries({"numeric": NUMERIC | st.lists(LEAVES, max_size=4)}),
    st.fixed_dictionaries({"anything-but": LEAVES | st.lists(LEAVES, max_size=3)}),
    st.dictionaries(st.text(max_size=8), LEAVES, max_size=2),
)
RULES = st.lists(LEAVES | OPERATORS, max_size=3)
PATTERNS = st.recursive(
    st.dictionaries(NAMES, RULES | LEAVES, max_size=3),
    lambda inner: st.dictionaries(NAMES, inner | RULES, max_size=3),
    max_leaves=6,
)


def is_accepted(pattern: Any) -> bool:
    try:
        check(pattern, "Filter")
    except TemplateError:
        return False
    return True


@examples(400)
@given(PATTERNS, EVENTS)
def test_an_accepted_pattern_says_yes_or_no_to_every_event(pattern: dict[str, Any], event: dict[str, Any]):
    if is_accepted(pattern):
        assert matches(pattern, event) in (True, False)


@examples(300)
@given(OPERATORS, st.lists(LEAVES, min_size=5, max_size=5))
def test_an_accepted_operator_says_yes_or_no_to_every_value(operator: dict[str, Any], values: list[Any]):
    pattern = {"a": [operator]}
    if is_accepted(pattern):
        for value in [*values, "x", 1, None]:
            assert matches(pattern, {"a": value}) in (True, False)
        assert matches(pattern, {}) in (True, False)


def exact(event: Any) -> Any:
    """The pattern that names every leaf of an event."""
    return {name: exact(value) if isinstance(value, dict) else _leaf(value) for name, value in event.items()}


def _leaf(value: Any) -> list[Any]:
    return (value or [{"exists": True}]) if isinstance(value, list) else [value]


@examples(200)
@given(EVENTS)
def test_every_event_matches_the_pattern_of_its_own_leaves(event: dict[str, Any]):
    assert matches(exact(event), event)


@examples(200)
@given(NAMES, LEAVES, EVENTS)
def test_a_leaf_is_either_a_value_or_anything_but_it(name: str, value: Any, event: dict[str, Any]):
    one, other = {name: [value]}, {name: [{"anything-but": value}]}
    there = event.get(name)
    if name not in event:
        assert not matches(one, event)
        assert not matches(other, event)
    elif not isinstance(there, dict | list):
        assert matches(one, event) is not matches(other, event)
    assert matches({name: [{"exists": True}]}, event) is not matches({name: [{"exists": False}]}, event)


@examples(200)
@given(PATTERNS, NAMES, RULES, EVENTS)
def test_another_field_in_a_pattern_never_lets_more_through(
    pattern: dict[str, Any], name: str, rules: list[Any], event: dict[str, Any]
):
    less = {known: wanted for known, wanted in pattern.items() if known != name}
    more = {**less, name: rules}
    if less and is_accepted(more) and matches(more, event):
        assert matches(less, event)
