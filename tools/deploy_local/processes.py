"""Run child processes with a time limit, and end their own children with them."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

LAST_LINES = 12  # of a command's output, when it fails


class DeploymentError(Exception):
    """The deployment failed; the message says why in a few lines."""


def run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str], seconds: float) -> None:
    """Run a command to its end; raises DeploymentError with its last lines if it fails or takes too long."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that end_group also ends what it has started
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise DeploymentError(f"{_shown(command)} took more than {seconds:.0f} s") from None
        finally:
            end_group(process)
    if process.returncode:
        last = "\n".join(line for line in output.splitlines()[-LAST_LINES:] if line.strip())
        raise DeploymentError(f"{_shown(command)} failed:\n{last}")


def end_group(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """End a process that was started in its own session, and every process left in that session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _shown(command: Sequence[str | Path]) -> str:
    return " ".join([Path(command[0]).name, *map(str, command[1:2])])
