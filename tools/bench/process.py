"""Start a function's process as Lambda does: its own code first on the path, then the layers, and nothing else."""

import json
import subprocess
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from local import ROOT

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
# MB of memory with which a function has one whole processor; with less it has that part of one (AWS Lambda, "Configure
# Lambda function memory"). During initialisation it has a whole one: AWS does not promise it, others have measured it.
ONE_PROCESSOR = 1769

SUCCESSES = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)


@dataclass(frozen=True)
class Deployed:
    """A function that is ready to start: code, layers, event and environment."""

    interpreter: str
    task: Path
    layers: Path
    event: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        # -S: Lambda has no site-packages of ours, so this machine's must not be used. -P: nor has it tools/bench.
        command = [self.interpreter, "-S", "-P", str(BOOTSTRAP), str(self.event), *arguments]
        environment = {
            "PYTHONPATH": f"{self.task}:{self.layers}",
            "PYTHONDONTWRITEBYTECODE": "1",  # /var/task and /opt are read-only on Lambda
            "HOME": "/nonexistent",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",  # what only Lambda sets: runtime/start.py asks for it
            **self.environment,
        }
        return subprocess.Popen(
            command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def check(self, result: dict[str, Any]) -> None:
        """End the command where the function responded otherwise than it should."""
        status = result.get("statusCode", HTTPStatus.OK)
        if status not in SUCCESSES:
            raise SystemExit(f"{self.task.name} rejected the event: {result}")


@dataclass(frozen=True)
class Start:
    """One cold start, in seconds: until the first response, and the CPU time of initialisation and first request."""

    wall: float
    init: float
    first: float

    @property
    def cpu(self) -> float:
        return self.init + self.first

    def on_lambda(self, memory: int) -> float:
        """The seconds that this CPU time takes on Lambda with `memory` MB: see ONE_PROCESSOR."""
        return self.init + self.first / min(1.0, memory / ONE_PROCESSOR)


@dataclass(frozen=True)
class Reads:
    """What a cold start reads of its layers; `of_validator` are the bytes of pydantic's, a shared object."""

    files: int
    bytes: int
    of_validator: int


def start_cold(deployed: Deployed) -> Start:
    """Start the function and wait for its first result."""
    line, wall = _start(deployed)
    return Start(wall, line["init"], line["first"])


def count_reads(deployed: Deployed) -> Reads:
    """Start the function and count what it reads of its layers."""
    line, _ = _start(deployed, "reads", str(deployed.layers))
    return Reads(**line["reads"])


def _start(deployed: Deployed, *arguments: str) -> tuple[dict[str, Any], float]:
    """What the bootstrap says of the first call, and the seconds until it says so."""
    began = time.perf_counter()
    with deployed.start(*arguments) as process:
        line = read_line(process)
        wall = time.perf_counter() - began
    deployed.check(line["result"])
    return line, wall


class Warm:
    """A process that keeps running, as Lambda keeps it between requests; it has answered its first one."""

    def __init__(self, deployed: Deployed) -> None:
        self._process = deployed.start("keep")
        try:
            deployed.check(read_line(self._process)["result"])
        except SystemExit:
            self.end()
            raise

    def call(self, times: int) -> float:
        """Call the handler so many times; the CPU seconds of all calls."""
        assert self._process.stdin
        self._process.stdin.write(f"{times}\n")
        self._process.stdin.flush()
        return float(read_line(self._process)["seconds"])

    def end(self) -> None:
        with self._process as process:
            process.kill()


def read_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The bootstrap's next line; the function's other output is its log."""
    assert process.stdout
    for line in process.stdout:
        if line.startswith('{"bench": '):
            said: dict[str, Any] = json.loads(line)["bench"]
            return said
    raise SystemExit("The function ended without a result: see its message above")
