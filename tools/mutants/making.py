"""Every mutant of a file: where it is, what it changes, and the whole file with the change."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider, WhitespaceInclusivePositionProvider

from tools.mutants.operators import is_left_alone, mutations
from tools.mutants.scope import ROOT


@dataclass(frozen=True)
class Mutant:
    """One change of the code.

    `definition` is the function it is in, or the class or name that is defined at module level. It `needs_import` where
    the change is in code that runs when the module is imported. `key` changes with anything in the definition.
    """

    path: Path
    line: int
    definition: str
    before: str
    after: str
    source: str
    needs_import: bool
    key: str

    @property
    def file(self) -> str:
        return str(self.path.relative_to(ROOT))


def mutants_of(path: Path) -> list[Mutant]:
    """The mutants of a file, in the order of its lines."""
    maker = _Maker(path)
    found = {mutant.key: mutant for mutant in maker.mutants()}
    return sorted(found.values(), key=lambda mutant: mutant.line)


@dataclass(frozen=True)
class _Place:
    """A node, what it is in, and the definition that it belongs to."""

    node: cst.CSTNode
    ancestors: tuple[cst.CSTNode, ...]

    @property
    def names(self) -> list[str]:
        return [one.name.value for one in self.ancestors if isinstance(one, cst.FunctionDef | cst.ClassDef)]

    @property
    def function(self) -> cst.FunctionDef | None:
        """The outermost function whose body the node is in."""
        for one, inside in zip(self.ancestors, (*self.ancestors[1:], self.node), strict=False):
            if isinstance(one, cst.FunctionDef):
                return one if inside is one.body else None
        return None


class _Maker:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = path.read_text()
        wrapper = MetadataWrapper(cst.parse_module(self.source))
        self.module = wrapper.module
        self.positions = wrapper.resolve(PositionProvider)
        self.spans = wrapper.resolve(WhitespaceInclusivePositionProvider)
        self.lines = self.source.splitlines(keepends=True)

    def mutants(self) -> Iterator[Mutant]:
        for statement in self.module.body:
            for place in _places(statement, ()):
                for changed in mutations(place.node):
                    if mutant := self._mutant(statement, place, changed):
                        yield mutant

    def _mutant(self, statement: cst.CSTNode, place: _Place, changed: cst.CSTNode) -> Mutant | None:
        mutated = statement.deep_replace(place.node, changed)
        assert isinstance(mutated, cst.CSTNode)
        span = self.spans[statement]
        head, tail = (
            self._text((1, 0), (span.start.line, span.start.column)),
            self._text((span.end.line, span.end.column)),
        )
        text = self.module.code_for_node(mutated)
        source = head + text + tail
        if source.splitlines() == self.source.splitlines():
            return None
        compile(source, str(self.path), "exec")
        line, before, after = self._difference(source)
        definition = self._definition(statement, place)
        identity = "\n".join(
            [str(self.path.relative_to(ROOT)), definition, self._body(place, statement), before, after]
        )
        place_in_body = line - self.positions[place.function or statement].start.line
        return Mutant(
            path=self.path,
            line=line,
            definition=definition,
            before=before,
            after=after,
            source=source,
            needs_import=place.function is None,
            key=hashlib.sha256(f"{identity}\n{place_in_body}".encode()).hexdigest()[:16],
        )

    def _text(self, start: tuple[int, int], end: tuple[int, int] | None = None) -> str:
        first, last = start[0] - 1, end[0] - 1 if end else len(self.lines)
        text = "".join(self.lines[first:last])[start[1] :]
        return text + (self.lines[last][: end[1]] if end and last < len(self.lines) else "")

    def _difference(self, source: str) -> tuple[int, str, str]:
        """The first line that differs, and what is there before and after."""
        old, new = self.source.splitlines(), source.splitlines()
        first = next(number for number, pair in enumerate(zip_longest(old, new)) if pair[0] != pair[1])
        end = 0
        while end < min(len(old), len(new)) - first and old[-1 - end] == new[-1 - end]:
            end += 1
        return first + 1, _joined(old[first : len(old) - end]), _joined(new[first : len(new) - end])

    def _body(self, place: _Place, statement: cst.CSTNode) -> str:
        return self.module.code_for_node(place.function or statement)

    def _definition(self, statement: cst.CSTNode, place: _Place) -> str:
        if isinstance(place.node, cst.FunctionDef):
            return ".".join([*place.names, place.node.name.value])
        if place.names:
            return ".".join(place.names)
        match statement:
            case cst.SimpleStatementLine(body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Name(name))])]):
                return name
            case cst.SimpleStatementLine(body=[cst.AnnAssign(target=cst.Name(name))]):
                return name
        return "<module>"


def _places(node: cst.CSTNode, ancestors: tuple[cst.CSTNode, ...]) -> Iterator[_Place]:
    if is_left_alone(node, ancestors):
        return
    yield _Place(node, ancestors)
    for child in node.children:
        yield from _places(child, (*ancestors, node))


def _joined(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())
