"""The moving picture of the README: a run of `make demo` is recorded, and some of its steps are shown.

What is printed is shortened for a narrow screen: addresses lose their host, ids all but their beginning, and a line
that is longer than two rows its end.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import unescape

from local import ROOT
from tools.pictures import terminal
from tools.pictures.terminal import COLUMNS, Row

# By how their words begin; the numbers that the demo prints before them stay.
SHOWN = (
    "The user buys the standard package.",
    "The buyer's first card is declined.",
    "From here on Stripe delivers each event three times.",
    "The buyer pays with another card",
    "Each of the payment's events was delivered three times",
    "A language model is to be called.",
    "Another service wants 1300 credits meanwhile.",
    "The model answers piece by piece",
    "The answer is complete and has cost 130 credits.",
    "The buyer disputes the other payment",
    "We win the dispute",
    "The history has a line for each change",
    "The audit reads everything that is stored",
)
LAST = "Everything was as promised."
STEP = re.compile(r"[0-9]+\. ")
SHORTENED = (
    (re.compile(r"http://localhost:[0-9]+"), ""),
    (re.compile(r" Idempotency-Key: \S+"), ""),
    (re.compile(r"([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f-]+(?:\.\w+)?"), r"\1…"),
    (re.compile(r"\b((?:cs_test|pi|re|du|ch|txn)_\w{4})\w+"), r"\1…"),
)
TO_READ = 1.6  # seconds before the next step
BETWEEN = (0.15, 0.6)  # seconds from one row to the next, whatever the machine took
AT_THE_END = 6.0  # seconds


@dataclass(frozen=True)
class Line:
    """What was printed, and how many seconds after the line before."""

    text: str
    after: float


class NotShownError(Exception):
    """The demo failed, or does not print a step that the picture is to show."""


def take(path: Path) -> None:
    """Run the demo, and write the picture of it; raises NotShownError."""
    path.write_text(picture(excerpt(list(recorded()))), encoding="utf-8")


def picture(lines: list[Line]) -> str:
    return terminal.drawn(rows(lines), "\n".join(line.text for line in lines if _is_told(line)), AT_THE_END)


def told(text: str) -> list[str]:
    """The steps that a picture shows, as the demo prints them."""
    [description] = re.findall(r"<desc>(.*?)</desc>", text, re.DOTALL)
    return unescape(description).splitlines()


def recorded() -> Iterator[Line]:
    """Every line of a run, as it comes."""
    command = [sys.executable, "-u", "-m", "tools.demo"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        before = time.monotonic()
        for text in demo.stdout:
            now = time.monotonic()
            yield Line(text.rstrip(), now - before)
            before = now
    if demo.returncode:
        raise NotShownError("the demo has failed: see above")


def excerpt(lines: Iterable[Line]) -> list[Line]:
    """The steps that are shown, each with its lines, and the demo's last line; raises NotShownError."""
    found: list[Line] = []
    is_shown = False
    for line in lines:
        if step := STEP.match(line.text):
            is_shown = line.text[step.end() :].startswith(SHOWN)
        if line.text == LAST or (is_shown and line.text):
            found.append(line)
    steps = [STEP.sub("", line.text, count=1) for line in found]
    if missing := [words for words in (*SHOWN, LAST) if not any(step.startswith(words) for step in steps)]:
        raise NotShownError(f"the demo does not print: {missing[0]}")
    return found


def rows(lines: Iterable[Line]) -> list[Row]:
    """The rows of the terminal, with the command first."""
    shown = [Row("$ make demo", "command", 0.0)]
    for line in lines:
        is_new = _is_told(line)
        if is_new:
            shown.append(Row("", "", TO_READ))
        kind = "step" if is_new else _kind(line.text.strip())
        parts = wrapped(shortened(line.text), COLUMNS, most=4 if is_new else 2)
        for number, part in enumerate(parts):
            shown.append(Row(part, kind, min(max(line.after, BETWEEN[0]), BETWEEN[1]) if number == 0 else 0.0))
    return shown


def _is_told(line: Line) -> bool:
    return line.text == LAST or bool(STEP.match(line.text))


def _kind(text: str) -> str:
    if re.match(r"(GET|POST|PUT) ", text):
        return "request"
    if re.match(r"2[0-9][0-9] ", text):
        return "good"
    return "refused" if re.match(r"4[0-9][0-9] ", text) else ""


def shortened(text: str) -> str:
    for pattern, short in SHORTENED:
        text = pattern.sub(short, text)
    return text.rstrip()


def wrapped(text: str, columns: int, most: int) -> list[str]:
    """The text in rows, below its own beginning; what does not fit into so many rows becomes "…"."""
    indent = " " * (len(text) - len(text.lstrip()))
    parts: list[str] = []
    rest = text
    while terminal.width(rest) > columns and len(parts) + 1 < most:
        fits = _fitting(rest, columns)
        space = rest.rfind(" ", len(indent) + 1, fits + 1)
        cut = space if space > fits // 2 else fits
        parts.append(rest[:cut].rstrip())
        rest = indent + rest[cut:].lstrip()
    if terminal.width(rest) > columns:
        rest = rest[: _fitting(rest, columns - 1)].rstrip() + "…"
    return [*parts, rest]


def _fitting(text: str, columns: int) -> int:
    """How many characters of the text, from its beginning, fit into so many columns."""
    return max(count for count in range(len(text) + 1) if terminal.width(text[:count]) <= columns)
