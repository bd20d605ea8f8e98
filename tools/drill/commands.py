"""Run the operator's own commands on a drill's stack, as the runbook does."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

from local import ROOT, settings
from ops import cli
from tools.drill.report import Step

# What the commands read of a checkout. The stack's note is below the folder too, so that they find it and no other.
OF_THE_CHECKOUT = ("template.yaml", ".env.example")
# Of what the commands print: what is right, and the names of what is stuck.
LEFT_OUT = ("ok ", "stuck since ")


def make_home(folder: Path) -> None:
    """Let a folder stand for the checkout in which the stack runs."""
    for name in OF_THE_CHECKOUT:
        (folder / name).symlink_to(ROOT / name)


class Commands:
    """`python -m ops …` on the stack whose home is this folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def run(self, step: Step, *arguments: str, shown: bool = True) -> tuple[int, list[str]]:
        """The exit code, and the lines of the output; the step shows those that say more than that all is well."""
        printed = StringIO()
        with _without_own_settings(), redirect_stdout(printed):
            code = cli.main(list(arguments), root=self._home)
        if shown:
            lines = [line for line in printed.getvalue().splitlines() if not line.startswith(LEFT_OUT)]
            step.show(f"{cli.PROGRAM} {' '.join(arguments)}", "\n".join(lines))
        return code, printed.getvalue().splitlines()


@contextmanager
def _without_own_settings() -> Iterator[None]:
    """Whatever the developer's shell sets, the stack has the values of .env.example."""
    before = dict(os.environ)
    for name in settings.KNOWN & os.environ.keys():
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
