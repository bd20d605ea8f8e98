"""The moving picture of `make demo`: what it shows, how it moves, and that nothing in it could run."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from local import ROOT
from tools.pictures import cast, terminal
from tools.pictures.__main__ import DEMO
from tools.pictures.cast import Line, NotShownError
from tools.pictures.terminal import Row

PRINTED = [f"{number}. {words} And more." for number, words in enumerate(cast.SHOWN, start=4)]


def run(*more: str) -> list[Line]:
    """A run of the demo: after each step a line of its own."""
    lines = [part for step in PRINTED for part in (step, "   200 {}", "")]
    return [Line(text, 0.01) for text in ("1. A step.", "   201 {}", "", *lines, cast.LAST, *more)]


def test_it_shows_the_chosen_steps_with_their_lines_and_how_the_demo_ends():
    shown = [line.text for line in cast.excerpt(run())]

    assert shown == [*(part for step in PRINTED for part in (step, "   200 {}")), cast.LAST]
    assert cast.told(cast.picture(cast.excerpt(run()))) == [*PRINTED, cast.LAST]


def test_a_step_that_the_demo_does_not_print_any_more_is_named():
    lines = [line for line in run() if "disputes" not in line.text]

    with pytest.raises(NotShownError, match="does not print: The buyer disputes the other payment"):
        cast.excerpt(lines)


def test_addresses_keys_and_ids_are_shortened():
    key = "8f5b1fac-b02c-4d59-8cd4-c05001ea606e"
    line = f"   POST http://localhost:42087/api/payments/{key} Idempotency-Key: {key} {{}}"

    assert cast.shortened(line) == "   POST /api/payments/8f5b1fac… {}"
    assert cast.shortened('"cs_test_a1iYhTzKFSDMU", "du_1vBVbEJHolG"') == '"cs_test_a1iY…", "du_1vBV…"'


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("   short", ["   short"]),
        ("   one two three", ["   one two", "   three"]),
        ("   one two three four", ["   one two", "   three fo…"]),
        ("   体验包 体验包 体验包", ["   体验包", "   体验包…"]),
    ],
)
def test_a_long_line_goes_on_below_its_beginning_and_then_ends(text: str, rows: list[str]):
    assert cast.wrapped(text, 12, most=2) == rows


def test_rows_move_up_as_they_are_printed_and_the_last_ones_stay():
    rows = [Row("$ make demo", "command", 0.0), Row("one", "", 1.0), Row("two", "", 0.0), Row("three", "", 2.0)]

    text = terminal.drawn(rows, "", at_the_end=5)

    top = terminal.ROWS * terminal.ROW
    frames = re.findall(r"^([0-9.]+)% { transform: translateY\((-?[0-9]+)px\) }$", text, re.MULTILINE)
    assert [(float(moment), int(place)) for moment, place in frames] == [
        (0.0, top - 20),
        (12.5, top - 60),  # both rows at once
        (37.5, top - 80),
    ]
    assert f"transform: translateY({top - 80}px); animation: print 8.00s step-end infinite" in text


def test_a_row_has_its_own_time_within_limits_and_a_step_the_time_to_read_the_one_before():
    slow = [Line("4. A step.", 9.0), Line("   200 {}", 9.0), Line("   201 {}", 0.0)]

    waits = [row.after for row in cast.rows(slow)]

    assert waits == [0.0, cast.TO_READ, cast.BETWEEN[1], cast.BETWEEN[1], cast.BETWEEN[0]]


# -------------------------------------------------------------------------------------------- the picture itself


def picture() -> str:
    return DEMO.read_text(encoding="utf-8")


def test_the_picture_has_the_steps_that_are_chosen():
    told = [cast.STEP.sub("", step, count=1) for step in cast.told(picture())]

    assert len(told) == len(cast.SHOWN) + 1
    assert all(step.startswith(words) for step, words in zip(told, (*cast.SHOWN, cast.LAST), strict=True)), (
        "other steps are to be shown: run `make pictures`"
    )


def test_the_picture_is_small_loads_nothing_and_runs_nothing():
    root = ElementTree.fromstring(picture())

    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert names == {"svg", "title", "desc", "style", "rect", "g", "text"}
    assert {
        name for element in root.iter() for name in element.attrib if "href" in name or name.startswith("on")
    } == set()
    assert "url(" not in picture()
    assert DEMO.stat().st_size < 40_000


def test_the_picture_is_readable_in_the_dark_and_stands_still_for_who_wants_that():
    text = picture()

    assert "@media (prefers-color-scheme: dark)" in text
    assert "@media (prefers-reduced-motion: reduce) { #rows { animation: none } }" in text
    rows = re.findall(r'<text.* y="([0-9]+)">([^<]*)</text>', text)
    [end] = re.findall(r"#rows { transform: translateY\((-?[0-9]+)px\)", text)
    assert rows[-1][1] == cast.LAST
    assert 0 < int(rows[-1][0]) + int(end) < terminal.ROWS * terminal.ROW
    assert all(terminal.width(row) <= terminal.COLUMNS for _, row in rows)


def test_the_readme_shows_it_below_its_first_paragraph_and_says_what_it_shows():
    paragraphs = (ROOT / "README.md").read_text(encoding="utf-8").split("\n\n")

    found = re.fullmatch(r"!\[(make demo in a terminal: [^\]]+)\]\(([^)]+)\)", paragraphs[2])
    assert found
    assert Path(found[2]) == DEMO.relative_to(ROOT)
