"""Every block of commands on the pages can be pasted into bash, dash and zsh, which is the shell of a Mac."""

import re
import shutil
import subprocess

import pytest

from local import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
BLOCKS = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}:{number}")
    for page in PAGES
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1)
]
SHELLS = {"bash": ["bash", "--norc"], "dash": ["dash"], "zsh": ["zsh", "-f"]}
# What a shell that somebody types into reads in another way than a script, or than the other shells do.
UNFIT = {
    r"(?m)(^|\s)#(\s|\w)": "zsh takes a comment for arguments",
    r"read -\w*p": "zsh's read has no prompt by -p",
    r"\{\w+,\w+[},]": "dash does not expand braces",
    r"…": "a gap to fill in is taken literally",
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("block", BLOCKS)
def test_every_shell_reads_every_block(block: str, shell: str):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")

    read = subprocess.run([*SHELLS[shell], "-n"], input=block, capture_output=True, text=True, check=False)

    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize("block", BLOCKS)
def test_no_block_has_what_a_shell_reads_in_its_own_way(block: str):
    without_quoted = re.sub(r"'[^']*'", "''", block)

    assert not [why for pattern, why in UNFIT.items() if re.search(pattern, without_quoted)]
