"""Child processes that end in time, with all of their own children."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

LAST_LINES = 12  # of a command's output, when it fails


class TrialError(Exception):
    """The trial cannot go on; the message says why in a few lines."""


def run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str], seconds: float) -> None:
    """Run a command to its end; raises TrialError with its last words when it fails, or takes too long."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that end_group ends what it has started, too
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise TrialError(f"{_shown(command)} took more than {seconds:.0f} s") from None
        finally:
            end_group(process)
    if process.returncode:
        last = "\n".join(line for line in output.splitlines()[-LAST_LINES:] if line.strip())
        raise TrialError(f"{_shown(command)} failed:\n{last}")


def end_group(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """End a process that leads a session of its own, and whatever it has left behind there."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _shown(command: Sequence[str | Path]) -> str:
    return " ".join([Path(command[0]).name, *map(str, command[1:2])])
