"""`make deploy-local`: SAM builds and deploys the template, the stack sells and is verified; takes minutes."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from local import ROOT
from ops.verify.steps import STEPS
from tools.deploy_local import emulator
from tools.deploy_local.gaps import GAPS

LIMIT = 600.0  # seconds; it takes a minute on an idle machine

missing = emulator.missing()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))


def start() -> "subprocess.Popen[str]":
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


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_deployed_stack_sells_a_package_and_leaves_nothing_behind():
    with start() as deployment:
        try:
            output, errors = deployment.communicate(timeout=LIMIT)
        finally:
            deployment.kill()

    assert (deployment.returncode, errors) == (0, ""), output
    assert "The deployed stack passed every check" in output
    assert "1 users, 6 entries, 2 lots, 1 payments: no violations" in output
    assert len(re.findall(r"^ok      \S+ +[0-9.]+ s  ", output, re.MULTILINE)) == len(STEPS) - 1
    assert "not run expiry" in output
    assert all(gap.lacks in output and gap.instead in output for gap in GAPS)
    ports = ports_of(output)
    assert len(ports) == 2  # the emulator's and the simulator's
    assert not any(is_open(port) for port in ports)


def test_stopping_it_early_stops_everything_it_started():
    seen = ""
    with start() as deployment:
        assert deployment.stdout is not None
        while not ports_of(seen):  # the emulator has started, and sam deploy begins
            line = deployment.stdout.readline()
            assert line, deployment.communicate()[1]
            seen += line
        (port,) = ports_of(seen)
        assert is_open(port)
        deployment.send_signal(signal.SIGTERM)
        assert deployment.wait(30) == 1

    deadline = time.monotonic() + 10
    while is_open(port) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_open(port)
