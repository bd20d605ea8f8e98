"""A terminal in which rows come one after the other, as an SVG image that moves by itself: CSS, and no scripts.

All rows lie below each other and move up past a window, so the picture is hardly larger than its text. Who asks for
reduced motion sees the last rows, which stand still.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width
from xml.sax.saxutils import escape

COLUMNS, ROWS = 56, 22  # so narrow that a phone can show it
FONT, CHARACTER, ROW, EDGE = 14, 8.43, 20, 16  # in pixels
STYLE = """
.frame {{ fill: #f6f8fa; stroke: #d1d9e0 }}
text {{ font: {font}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328 }}
text {{ white-space: pre }}
.command, .step {{ font-weight: 600 }}
.request {{ fill: #59636e }}
.good {{ fill: #116329 }}
.refused {{ fill: #b3261e }}
@media (prefers-color-scheme: dark) {{
.frame {{ fill: #0d1117; stroke: #3d444d }}
text {{ fill: #f0f6fc }}
.request {{ fill: #9198a1 }}
.good {{ fill: #56d364 }}
.refused {{ fill: #ff7b72 }}
}}
#rows {{ transform: translateY({end}px); animation: print {seconds:.2f}s step-end infinite }}
@media (prefers-reduced-motion: reduce) {{ #rows {{ animation: none }} }}
@keyframes print {{
{frames}
}}
"""


@dataclass(frozen=True)
class Row:
    text: str
    kind: str  # a class of the style sheet, or empty
    after: float  # seconds after the row before; 0 = with it


def drawn(rows: Sequence[Row], description: str, at_the_end: float) -> str:
    """The image. `at_the_end`: for how many seconds the last rows stay, before it starts again."""
    width, height = round(COLUMNS * CHARACTER + 2 * EDGE), ROWS * ROW + 2 * EDGE
    seconds = sum(row.after for row in rows) + at_the_end
    style = STYLE.format(font=FONT, end=_place(len(rows)), seconds=seconds, frames=_frames(rows, seconds))
    texts = "\n".join(
        f'<text{_class(row.kind)} x="{EDGE}" y="{(number + 1) * ROW - 5}">{escape(row.text)}</text>'
        for number, row in enumerate(rows)
        if row.text
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>make demo</title>
<desc>{escape(description)}</desc>
<style>{style}</style>
<rect class="frame" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>
<svg x="0" y="{EDGE}" width="{width - EDGE // 2}" height="{ROWS * ROW}">
<g id="rows">
{texts}
</g>
</svg>
</svg>
"""


def width(text: str) -> int:
    """In columns; a Chinese character takes two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _place(printed: int) -> int:
    """How far all rows are moved while so many are printed: the last one of them is at the bottom."""
    return (ROWS - printed) * ROW


def _frames(rows: Sequence[Row], whole: float) -> str:
    """A keyframe for each moment at which rows are printed, of so many seconds."""
    now = 0.0
    frames = {}
    for number, row in enumerate(rows, start=1):
        now += row.after
        frames[f"{100 * now / whole:.2f}%"] = _place(number)
    return "\n".join(f"{moment} {{ transform: translateY({place}px) }}" for moment, place in frames.items())
