"""docs/testing-your-app.md shows the example as it is, and names what there is."""

import re

from topup_local import Topup

from local import ROOT

PAGE = (ROOT / "docs/testing-your-app.md").read_text(encoding="utf-8")
EXAMPLE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "kit/example").glob("*.py"))


def test_the_worked_example_is_that_of_the_files():
    section = PAGE.partition("## A worked example")[2].partition("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)

    assert len(blocks) == 7
    for block in blocks:
        assert block in EXAMPLE, block


def test_the_table_of_what_a_test_can_do_is_complete(topup: Topup):
    table = PAGE.partition("## What a test can do")[2].partition("\nThe fixture")[0]
    first_cells = " ".join(
        row.split(" | ")[0] + (row.split(" | ")[1] if "`order`" in row else "")
        for row in table.splitlines()
        if " | " in row
    )
    named = {name for name in re.findall(r"`(\w+)", first_cells) if hasattr(topup, name)}
    public = {name for name in dir(topup) if not name.startswith("_")} - {"calm", "client"}

    assert named == public
