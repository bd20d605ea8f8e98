"""EventBridge's patterns, as stream filters use them."""

from typing import Any

import pytest

from local.aws.event_pattern import check, matches
from local.aws.intrinsics import TemplateError


@pytest.mark.parametrize(
    ("pattern", "event", "passes"),
    [
        ({"a": ["x"]}, {"a": "x"}, True),
        ({"a": ["x", "y"]}, {"a": "y"}, True),
        ({"a": ["x"]}, {"a": "X"}, False),
        ({"a": ["x"]}, {}, False),
        ({"a": ["x"], "b": ["y"]}, {"a": "x", "b": "z"}, False),
        ({"a": {"b": ["x"]}}, {"a": {"b": "x", "c": 1}}, True),
        ({"a": {"b": ["x"]}}, {"a": "x"}, False),
        ({"a": ["x"]}, {"a": ["w", "x"]}, True),
        ({"a": [1]}, {"a": 1.0}, True),
        ({"a": [1]}, {"a": True}, False),
        ({"a": ["1"]}, {"a": 1}, False),
        ({"a": [None]}, {"a": None}, True),
        ({"a": [None]}, {}, False),
        ({"a": [{"prefix": "x"}]}, {"a": "xyz"}, True),
        ({"a": [{"prefix": "x"}]}, {"a": 7}, False),
        ({"a": [{"exists": True}]}, {"a": None}, True),
        ({"a": [{"exists": False}]}, {}, True),
        ({"a": [{"exists": False}]}, {"a": 1}, False),
        ({"a": [{"anything-but": "x"}]}, {"a": "y"}, True),
        ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "y"}, False),
        ({"a": [{"anything-but": {"prefix": "x"}}]}, {"a": "xyz"}, False),
        ({"a": [{"anything-but": "x"}]}, {}, False),
        ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}, True),
        ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 0}, False),
        ({"a": [{"numeric": ["=", 5]}]}, {"a": "5"}, False),
    ],
)
def test_a_pattern_lets_through_what_eventbridge_does(pattern: dict[str, Any], event: dict[str, Any], passes: bool):
    check(pattern, "Filter")

    assert matches(pattern, event) is passes


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ({"a": [{"wildcard": "x*"}]}, r"Filter\.a: the local stack does not know the filter operator 'wildcard'"),
        ({"a": {"b": [{"suffix": "x"}]}}, r"Filter\.a\.b: .*'suffix'"),
        ({"a": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}, r"Filter\.a: .*'cidr'"),
        ({"a": [{"prefix": 1}]}, r"Filter\.a: prefix cannot compare with 1"),
        ({"a": [{"exists": "yes"}]}, r"Filter\.a: exists cannot"),
        ({"a": [{"numeric": [">"]}]}, r"Filter\.a: numeric cannot"),
        ({"a": [{"prefix": "x", "exists": True}]}, r"Filter\.a: expected one operator"),
        ({"a": [["x"]]}, r"Filter\.a: a list within a list"),
        ({"a": "x"}, r"Filter\.a: a filter pattern must be an object"),
        ({}, r"Filter: a filter pattern must be an object"),
    ],
)
def test_what_cannot_be_followed_is_named(pattern: dict[str, Any], complaint: str):
    with pytest.raises(TemplateError, match=complaint):
        check(pattern, "Filter")
