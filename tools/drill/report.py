"""What a drill did and found, as a page of Markdown."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass
class Step:
    """One step: what was done, for how many seconds, and what it showed."""

    title: str
    seconds: float = 0.0
    lines: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """Add a line of Markdown."""
        self.lines.append(line)

    def show(self, command: str, printed: str) -> None:
        """Add a command, and what it has printed."""
        self.lines += ["", "```text", f"$ {command}", *printed.rstrip().splitlines(), "```", ""]


class Report:
    """Steps in their order, and every problem that they found."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.began = datetime.now(UTC)
        self.steps: list[Step] = []
        self.problems: list[str] = []

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """A step, which lasts as long as the block."""
        done = Step(title)
        self.steps.append(done)
        print(f"… {title}", flush=True)
        started = time.monotonic()
        try:
            yield done
        finally:
            done.seconds = time.monotonic() - started

    def markdown(self) -> str:
        """The report; its last line says whether the drill has found anything."""
        lines = [f"## {self.title}", "", f"{self.began:%Y-%m-%d %H:%M} UTC"]
        for number, step in enumerate(self.steps, start=1):
            lines += ["", f"**{number}. {step.title}** ({step.seconds:.1f} s)", "", *step.lines]
        lines += ["", "**Problems:** none" if not self.problems else f"**Problems:** {len(self.problems)}", ""]
        lines += [f"- {problem}" for problem in self.problems]
        return _without_empty_pairs(lines) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A Markdown table whose columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return ["", *(f"| {' | '.join(map(str, row))} |" for row in lines), ""]


def _without_empty_pairs(lines: Sequence[str]) -> str:
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept).rstrip()
