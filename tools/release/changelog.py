"""CHANGELOG.md (Keep a Changelog): its sections, and how what is unreleased becomes one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

UNRELEASED = "Unreleased"
HEAD = re.compile(r"^## \[([^\]]+)\](?: - (\S+))?$", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    version: str
    day: str  # as it is written; empty for what is unreleased
    body: str

    @property
    def is_dated(self) -> bool:
        try:
            date.fromisoformat(self.day)
        except ValueError:
            return False
        return True

    @property
    def is_empty(self) -> bool:
        """Whether it has nothing but titles."""
        return not any(line.strip() and not line.startswith("#") for line in self.body.splitlines())


def sections(text: str) -> Iterator[Section]:
    """The newest first, as in the file."""
    heads = list(HEAD.finditer(text))
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        body = text[head.end() : following.start() if following else len(text)]
        yield Section(head[1], head[2] or "", body.strip())


def find(text: str, version: str) -> Section | None:
    return next((section for section in sections(text) if section.version == version), None)


def released(text: str, version: str, day: date) -> str:
    """The text with what is unreleased in a section of this version, below an empty one."""
    title = f"## [{UNRELEASED}]\n"
    assert title in text
    return text.replace(title, f"{title}\n## [{version}] - {day.isoformat()}\n", 1)
