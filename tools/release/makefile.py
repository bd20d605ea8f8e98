"""The operators' part of the Makefile: what works without the sources."""

import re
from collections.abc import Iterator

GROUPS = ("Operate", "Help a customer")  # whole; and these targets of the other groups
TARGETS = ("help", "deploy", "outputs", ".venv/.installed", ".venv-sam/.installed")
HEAD = """\
# What an operator runs. Each command sets up what it needs by itself; docs/deploy.md and docs/runbook.md say when.
"""
# What is otherwise in an unpacked release: Topup's package is inside its layer, and nothing is built. The layer is
# deployed as it is, so no Python but Lambda's may leave its bytecode there, which names this machine's folders.
OTHERWISE = {
    ":= layers/topup\n": ":= layers/topup/python\nexport PYTHONDONTWRITEBYTECODE := 1\n",
    "requirements-dev.txt": "requirements-ops.txt",
    "Build a stage and deploy it": "Deploy a stage",
    "(the local stack, or a deployed one: STACK=topup-prod)": "(a deployed stack: STACK=topup-prod)",
}


def for_operators(text: str) -> str:
    """The text of the checkout's Makefile without what an unpacked release has no use for."""
    kept = "\n\n".join(_kept(text.strip().split("\n\n"))) + "\n"
    for here, there in OTHERWISE.items():
        kept = kept.replace(here, there)
    names = " ".join(re.findall(r"^([a-z-]+):.* ## ", kept, re.MULTILINE))
    kept = re.sub(r"^\.PHONY: .*$", f".PHONY: {names}", kept, flags=re.MULTILINE)
    return HEAD + re.sub(r"^# .*\n", "", _without_unused(kept), count=1)


def _kept(paragraphs: list[str]) -> Iterator[str]:
    """A paragraph `## @name` opens a group; every other one is settings, or a target below its comment."""
    group, title = "", ""
    for paragraph in paragraphs:
        if found := re.match(r"## @(.+?)(?: \(|$)", paragraph):
            group, title = found[1], paragraph
            continue
        target = re.search(r"^([a-z][a-z-]*|\.venv\S*):(?!=)", paragraph, re.MULTILINE)
        if group in GROUPS or (target[1] in TARGETS if target else not group):
            if title and " ## " in paragraph:
                yield title
                title = ""
            yield paragraph


def _without_unused(text: str) -> str:
    for name in re.findall(r"^([A-Z_]+) := ", text, re.MULTILINE):
        if f"$({name})" not in text and name != "SHELL":
            text = re.sub(rf"^{name} := .*\n", "", text, flags=re.MULTILINE)
    return text
