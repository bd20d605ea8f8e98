"""Which tests a mutant meets: those that run its line, the likeliest to fail first, within the time that it has."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache

from tools.mutants import covering
from tools.mutants.covering import Covering
from tools.mutants.making import Mutant
from tools.mutants.scope import ROOT

SECONDS_AT_IMPORT = 3  # times as long
SHORTEST = 0.05  # seconds; below that, how long a test takes does not matter
EXAMPLES = 3  # of one test at first
WORD = re.compile(r"[A-Za-z_]{4,}")


class Chooser:
    """Which tests a mutant meets, the likeliest to fail first, within the time that it has."""

    def __init__(self, tests: Iterable[Covering], seconds: float, killers: dict[str, list[str]]) -> None:
        self.seconds = seconds
        self.killers = killers
        self.all = {one.test: one for one in tests}
        self.by_function: dict[str, list[Covering]] = defaultdict(list)
        for one in self.all.values():
            for function in one.lines:
                self.by_function[function].append(one)
        self.runs = Counter(place for one in self.all.values() for place in _places(one))
        self.words = Counter(word for test in self.all for word in _words_of(test))
        self.worths: dict[str, dict[str, float]] = {}

    def tests(self, mutant: Mutant) -> list[Covering]:
        name, line = covering.place_of(mutant.path, mutant.line)
        found = _that_run(self.by_function.get(name, []), name, line) or self._of_module(mutant)
        killers = [self.all[test] for test in self.killers[name] if test in self.all]
        first = [one for one in killers if one in found]
        quick = _likeliest_first(found)
        # What is defined at module level is used all over, so that more tests come before the right one.
        seconds = self.seconds * (SECONDS_AT_IMPORT if mutant.needs_import else 1)
        named = self._that_name(mutant, found)
        worth = self._worth(mutant.file)
        thorough = sorted(found, key=lambda one: -worth[one.test] / (one.seconds + SHORTEST))
        parts = (*_within([*first, *quick], seconds / 4), *_within(named, seconds / 4), *thorough)
        ordered = {one.test: one for one in parts}
        return list(_within(ordered.values(), seconds))

    def _that_name(self, mutant: Mutant, tests: list[Covering]) -> list[Covering]:
        """Those whose source has words of the changed line, the rarest words first."""
        words = {word for word in WORD.findall(mutant.before) if self.words[word]}
        scores = {one.test: sum(1 / self.words[word] for word in words & _words_of(one.test)) for one in tests}
        named = [one for one in tests if scores[one.test]]
        return sorted(named, key=lambda one: -scores[one.test] / (one.seconds + SHORTEST))

    def _worth(self, file: str) -> dict[str, float]:
        """How much each test sees of a file that few others see: a rare case is where a survivor is noticed."""
        if file not in self.worths:
            self.worths[file] = {
                one.test: sum(1 / self.runs[place] for place in _places(one) if place[0].startswith(f"{file}:"))
                for one in self.all.values()
            }
        return self.worths[file]

    def _of_module(self, mutant: Mutant) -> list[Covering]:
        """Tests for what no test calls: those whose files name it or its module, then those of code that does."""
        for word in (mutant.definition.split(".")[-1], mutant.path.stem):
            named = [one for one in self.all.values() if _mentions(one.test.partition("::")[0], word)]
            functions = [name for name in self.by_function if _mentions(name.partition(":")[0], word)]
            users = [one for name in functions for one in self.by_function[name]]
            if found := {one.test: one for one in (*named, *users)}:
                return list(found.values())
        return []


def _places(one: Covering) -> Iterator[tuple[str, int]]:
    return ((name, line) for name, lines in one.lines.items() for line in lines)


def _that_run(tests: list[Covering], function: str, line: int) -> list[Covering]:
    """Those that run this line of a function; not every line of a statement is noted, so it may be one before."""
    noted = {number for one in tests for number in one.lines[function] if number <= line}
    if not noted:
        return tests
    return [one for one in tests if max(noted) in one.lines[function]]


def _likeliest_first(tests: Iterable[Covering]) -> list[Covering]:
    """Those that run little of the code, and of one test with many examples a few: then the others."""
    seen: dict[str, int] = defaultdict(int)
    ranked = []
    for one in sorted(tests, key=lambda one: one.seconds):
        test = one.test.partition("[")[0]
        ranked.append((seen[test] // EXAMPLES, len(one.lines) // 40, one.seconds, one))
        seen[test] += 1
    return [one for *_, one in sorted(ranked, key=lambda row: row[:3])]


def _within(tests: Iterable[Covering], seconds: float) -> Iterator[Covering]:
    for one in tests:
        if one.seconds <= seconds:
            seconds -= one.seconds
            yield one


@cache
def _source(file: str) -> str:
    return (ROOT / file).read_text()


def _mentions(file: str, name: str) -> bool:
    return name in _source(file)


@cache
def _words_of(test: str) -> frozenset[str]:
    """The words of a test's own source."""
    file, _, name = test.partition("[")[0].partition("::")
    return _words_of_functions(file).get(name.rpartition("::")[2], frozenset())


@cache
def _words_of_functions(file: str) -> dict[str, frozenset[str]]:
    source = _source(file)
    lines = source.splitlines()
    return {
        node.name: frozenset(WORD.findall("\n".join(lines[_first_line(node) - 1 : node.end_lineno])))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }


def _first_line(function: ast.FunctionDef) -> int:
    return min([function.lineno, *(one.lineno for one in function.decorator_list)])
