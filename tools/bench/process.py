"""Start a function's process as Lambda does: its own code first on the path, then the layers, and nothing else."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import ROOT

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


@dataclass(frozen=True)
class Deployed:
    """A function that is ready to start: code, layers, event and environment."""

    interpreter: str
    task: Path
    layers: Path
    event: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        # -S: Lambda has no site-packages of ours, so this machine's must not be used either.
        command = [self.interpreter, "-S", str(BOOTSTRAP), str(self.event), *arguments]
        environment = {
            "PYTHONPATH": f"{self.task}:{self.layers}",
            "PYTHONDONTWRITEBYTECODE": "1",  # /var/task and /opt are read-only on Lambda
            "HOME": "/nonexistent",
            **self.environment,
        }
        return subprocess.Popen(
            command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )


@dataclass(frozen=True)
class Start:
    """One cold start: seconds until the first result, and seconds of CPU."""

    wall: float
    cpu: float


def start_cold(deployed: Deployed) -> Start:
    """Start the function and wait for its first result."""
    began = time.perf_counter()
    process = deployed.start()
    line = read_line(process)
    wall = time.perf_counter() - began
    assert process.stdin
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    check(line["result"])
    return Start(wall, usage.ru_utime + usage.ru_stime)


def read_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The bootstrap's next line; the function's other output is its log."""
    assert process.stdout
    for line in process.stdout:
        document: dict[str, Any] = json.loads(line)
        if document.keys() in ({"result"}, {"seconds"}):
            return document
    raise SystemExit("The function ended without a result: see its message above")


def check(result: dict[str, Any]) -> None:
    if result.get("statusCode", 200) not in (200, 201):
        raise SystemExit(f"The function rejected the event: {result}")
