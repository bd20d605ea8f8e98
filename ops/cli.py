"""The command line of `python -m ops`: its parser, its help, and its exit codes.

A command's own module is imported only when the command runs: help and a mistyped option need no AWS SDK, no Stripe
library and no settings.
"""

import argparse
import importlib
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local import ROOT
from ops.commands import COMMANDS, GROUPS
from ops.errors import CannotRunError

PROGRAM = "python -m ops"


WHICH_STACK = """\
which stack:
  Without --stack a command works on the local stack that `make run` has started
  in this checkout. With --stack NAME it works on that CloudFormation stack, with
  your AWS credentials and region (AWS_PROFILE, AWS_REGION)."""
WHEN_2 = "the command cannot run, or was mistyped; the message says what to do"


def _listed(title: str, lines: dict[str, str]) -> str:
    return "\n".join([f"{title}:", *(f"  {name:<16}{text}" for name, text in lines.items())])


def _exit_codes(when_0: str, when_1: str) -> str:
    return "\n".join(["exit codes:", f"  0  {when_0}", f"  1  {when_1}", f"  2  {WHEN_2}"])


def _examples(lines: list[str]) -> str:
    return "\n".join(["examples:", *(f"  {PROGRAM} {line}" for line in lines)])


def _help() -> str:
    groups = [_listed(title, {one.name: one.summary for one in group}) for title, group in GROUPS.items()]
    codes = _exit_codes("all is well", "the command ran, and something is wrong or has to wait")
    examples = _examples([command.examples[0] for command in COMMANDS.values()])
    more = (
        f"`{PROGRAM} <command> --help` lists a command's options. Run it in the root of the\n"
        "checkout with the checkout's Python: .venv/bin/python (any `make` target makes it).\n"
        "`make <command>` is the same: `make audit STACK=topup-prod`."
    )
    return "\n\n".join([*groups, WHICH_STACK, codes, examples, more])


def parser() -> ArgumentParser:
    top = ArgumentParser(
        prog=PROGRAM,
        usage=f"{PROGRAM} <command> [options]",
        description="Check, repair and set up one stack of Topup.",
        epilog=_help(),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = top.add_subparsers(dest="command", metavar="<command>", required=True, help=argparse.SUPPRESS)
    for command in COMMANDS.values():
        one = commands.add_parser(
            command.name,
            prog=f"{PROGRAM} {command.name}",
            description=command.details,
            epilog=f"{_exit_codes(command.when_0, command.when_1)}\n\n{_examples(list(command.examples))}",
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(one)
    return top


def _load(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise CannotRunError(f"{sys.executable} has no {error.name}: use .venv/bin/python -m ops") from error


def main(arguments: list[str], *, root: Path = ROOT, now: datetime | None = None) -> int:
    """Run one command and return its exit code; `root` is the checkout of the local stack."""
    options = parser().parse_args(arguments, Namespace(root=root, now=now or datetime.now(UTC)))
    try:
        code: int = _load(COMMANDS[options.command].module).run(options)
    except CannotRunError as error:
        print(f"cannot run {options.command}: {error}", file=sys.stderr)
        return 2
    return code
