"""A function's process, as Lambda starts it: its own code first on the path, then the layers, and nothing else."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import ROOT

LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class Deployed:
    """Code and layers that lie ready, and the environment that they run in."""

    interpreter: str
    task: Path
    layers: Path
    event: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        # -S: Lambda has no site-packages of ours, and what this machine's hold must not help.
        command = [self.interpreter, "-S", str(LAUNCHER), str(self.event), *arguments]
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
    """One cold start: seconds until the first answer, and of CPU."""

    wall: float
    cpu: float


def start_cold(deployed: Deployed) -> Start:
    """Start the function and have its first answer."""
    begun = time.perf_counter()
    process = deployed.start()
    answer = read_answer(process)
    wall = time.perf_counter() - begun
    assert process.stdin
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    check(answer["answer"])
    return Start(wall, usage.ru_utime + usage.ru_stime)


def read_answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The launcher's next line; whatever else the function prints is its log."""
    assert process.stdout
    for line in process.stdout:
        said = json.loads(line)
        if said.keys() in ({"answer"}, {"seconds"}):
            answer: dict[str, Any] = said
            return answer
    raise SystemExit("The function ended without an answer: see its message above")


def check(answer: dict[str, Any]) -> None:
    if answer.get("statusCode", 200) != 200:
        raise SystemExit(f"The function refused the event: {answer}")
