"""Every block of commands does the same when it is pasted into bash, dash and zsh, which is the shell of a Mac.

Each shell runs interactively, as a person uses it: there zsh takes no comments. Nothing is really carried out: the only
commands that it finds are recorders of their own arguments.
"""

import re
import subprocess
from pathlib import Path
from shutil import which

import pytest

from local import ROOT, banner

SHELLS = {"bash": ["--norc", "--noprofile", "-i"], "dash": ["-i"], "zsh": ["-f", "-i"]}
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
# What no recorder shows: what somebody has to fill in, and would be taken literally.
GAP = re.compile(r"…")
# A file for each process: the commands of a pipe write at once.
RECORDER = """#!/bin/sh
printf '%s\\0' "${0##*/}" "$@" >>"$RECORD/$$"
printf '\\n' >>"$RECORD/$$"
"""


def blocks() -> list[tuple[str, str]]:
    """The blocks of the pages, and the requests that `make run` prints."""
    found = [("make run", banner.curl_lines("http://localhost:8000"))]
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(?:sh|bash|zsh|shell|console)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 1
            found.append((f"{page.relative_to(ROOT)}:{line}", match[1]))
    return found


BLOCKS = blocks()


def commands_in(text: str) -> set[str]:
    """The words that a block may call: a recorder of each is put where the shell looks."""
    return set(re.findall(r"(?:^|&&|\|\|?|;|\$\()\s*(?:\w+=\S*\s+)*([a-z][\w-]*)(?=\s|$)", text, re.MULTILINE))


def pasted(shell: str, text: str, place: Path) -> list[list[str]]:
    """The commands that the shell runs, each with its arguments."""
    record, folder = place / f"record-{shell}", place / f"bin-{shell}"
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    record.mkdir()
    for path in (*(folder / name for name in commands_in(text)), python):
        path.write_text(RECORDER)
        path.chmod(0o755)
    program = which(shell)
    assert program
    subprocess.run(
        [program, *SHELLS[shell]],
        input=text,
        text=True,
        capture_output=True,
        cwd=folder,
        env={"PATH": str(folder), "RECORD": str(record), "HOME": str(folder), "TERM": "dumb"},
        timeout=30,
        check=False,
    )
    lines = [line for file in record.iterdir() for line in file.read_text().splitlines()]
    return sorted(line.rstrip("\0").split("\0") for line in lines)


@pytest.mark.parametrize("text", [text for _, text in BLOCKS], ids=[place for place, _ in BLOCKS])
def test_a_block_does_the_same_in_every_shell(text: str, tmp_path: Path):
    if missing := [shell for shell in SHELLS if not which(shell)]:
        pytest.skip(f"not installed: {', '.join(missing)}")

    ran = {shell: pasted(shell, text, tmp_path) for shell in SHELLS}

    assert ran["bash"], "the block runs nothing"
    assert ran["zsh"] == ran["bash"] == ran["dash"]


@pytest.mark.parametrize("text", [text for _, text in BLOCKS], ids=[place for place, _ in BLOCKS])
def test_a_block_has_no_gap(text: str):
    assert not GAP.search(text)


def test_a_trap_of_zsh_is_noticed(tmp_path: Path):
    if not which("zsh"):
        pytest.skip("not installed: zsh")

    assert pasted("zsh", "make run     # isn't it?\n", tmp_path) == []
    assert pasted("bash", "make run     # isn't it?\n", tmp_path) == [["make", "run"]]
