"""What a command of `python -m ops` is: its name, its module, and what its help says."""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command. Its module's `run(options)` returns the exit code, or raises CannotRunError."""

    name: str
    module: str
    summary: str  # one line
    details: str
    add_arguments: Callable[[ArgumentParser], None]
    when_0: str
    when_1: str
    examples: tuple[str, ...]
