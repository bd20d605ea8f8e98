"""`make deploy-local`: the template is built and deployed by SAM, and sells a package. Minutes on a busy machine."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from local import ROOT
from tools.deploy_local import emulator
from tools.deploy_local.gaps import GAPS

LIMIT = 400.0  # seconds; it takes 40 on an idle machine

lack = emulator.missing()
pytestmark = pytest.mark.skipif(lack is not None, reason=str(lack))


def begun() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tools.deploy_local"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "layers/topup", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ports_of(output: str) -> set[int]:
    return {int(port) for port in re.findall(r"http://(?:localhost|127\.0\.0\.1):([0-9]+)", output)}


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_deployed_stack_sells_a_package_and_leaves_nothing_behind():
    with begun() as trial:
        try:
            output, errors = trial.communicate(timeout=LIMIT)
        finally:
            trial.kill()

    assert (trial.returncode, errors) == (0, ""), output
    assert "The deployed stack kept every promise." in output
    assert "1 users, 4 entries, 1 lots, 1 payments: no violations" in output
    assert all(gap.lacks in output and gap.instead in output for gap in GAPS)
    ports = ports_of(output)
    assert len(ports) == 2  # the emulator's and the simulator's
    assert not any(answers(port) for port in ports)


def test_whoever_stops_it_early_stops_all_of_it():
    seen = ""
    with begun() as trial:
        assert trial.stdout is not None
        while not ports_of(seen):  # the emulator has started, and sam deploy begins
            line = trial.stdout.readline()
            assert line, trial.communicate()[1]
            seen += line
        (port,) = ports_of(seen)
        assert answers(port)
        trial.send_signal(signal.SIGTERM)
        assert trial.wait(30) == 1

    deadline = time.monotonic() + 10
    while answers(port) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not answers(port)
