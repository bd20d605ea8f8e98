"""A pytest plugin: a mutant meets the tests that are about its function first, and not all of them for ever."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

SECONDS = 30.0
SETUP = 0.05  # seconds; mutmut has measured only what comes after it
MOST_EXAMPLES = 20  # of one test


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    kept = {*few_examples([item.nodeid for item in items])}
    items[:] = [item for item in items if item.nodeid in kept]
    if os.environ.get("MUTANT_UNDER_TEST") in {"stats", "list_all_tests"}:
        return  # mutmut finds out what each test runs, how long it takes, and that it passes
    durations = json.loads(Path("mutmut-stats.json").read_text())["duration_by_test"]
    by_name = {item.nodeid: item for item in sorted(items, key=lambda item: (item.path, item.location[1] or 0))}
    items[:] = [
        by_name[name] for name in within(SECONDS, in_turn([*by_name], shares([*by_name], durations)), durations)
    ]


def few_examples(names: Iterable[str]) -> list[str]:
    """The first examples of each test: hundreds take minutes to run once, and no mutant has the time to meet them.

    All of a unit test, whose examples take no time.
    """
    met, kept = Counter[str](), []
    for name in names:
        test = name.partition("[")[0]
        met[test] += 1
        if met[test] <= MOST_EXAMPLES or name.startswith("tests/unit/"):
            kept.append(name)
    return kept


def shares(names: Iterable[str], all_names: Iterable[str]) -> dict[str, float]:
    """Of each file's tests, the share that runs the function: all of them, where the file is about it."""
    of_file = Counter(map(_file, all_names))
    return {file: number / of_file[file] for file, number in Counter(map(_file, names)).items()}


def in_turn(names: Sequence[str], share_of_file: Mapping[str, float]) -> list[str]:
    """The first example of each test before any second one, and the more tests of a file, the larger its share is.

    With 1 and 0.1, ten tests of the one file come before the first one of the other.
    """
    examples, tests, turns = Counter[str](), Counter[str](), {}
    for name in names:
        test, file = name.partition("[")[0], _file(name)
        tests[file] += not examples[test]
        examples[test] += 1
        turns[name] = (examples[test], tests[file] / share_of_file[file])
    return sorted(names, key=lambda name: turns[name])


def _file(name: str) -> str:
    return name.partition("::")[0]


def within(seconds: float, names: Sequence[str], durations: dict[str, float]) -> list[str]:
    """The first of these tests, as many as this time is enough for, but one at least."""
    kept: list[str] = []
    for name in names:
        seconds -= durations.get(name, 0.0) + SETUP
        if seconds < 0 and kept:
            break
        kept.append(name)
    return kept
