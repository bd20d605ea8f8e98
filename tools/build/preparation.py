"""Prepare what Python would make anew in every process: the programs of regular expressions, and dataclasses' methods.

It is a fifth of a cold start's CPU time. topup/runtime/prepared.py uses it; what is not prepared is made as ever, so a
module that is missing here costs time and nothing else.
"""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tools.build import import_graph

RECORDER = Path(__file__).with_name("recorder.py")

# What the functions import of the packages, or of what is written in Python of them.
PACKAGES = ("aws_lambda_powertools", "botocore.client", "botocore.session", "jwt", "stripe._stripe_client", "urllib3")
# What most functions import of our own modules.
COMMON = ("topup.api.endpoint", "topup.store")
# Our own modules for which nobody waits: schedules and operators import them. Every start would read what they need.
UNHURRIED = ("topup.domain.audit", "topup.reconciliation")
# The packages that our modules import, and that are not there when only these are prepared.
ABSENT = (*(name.partition(".")[0] for name in PACKAGES), "pydantic", "pydantic_core", "typing_extensions")


def prepare_packages(python: str, folder: Path) -> list[str]:
    """Write what is prepared of the packages beside them, with a Python of Lambda's version.

    Returns the modules of the packages that come with what the functions import.
    """
    return _record(python, folder, "dependencies", (), PACKAGES)


def prepare_ours(python: str, folder: Path) -> list[str]:
    """The same for our own modules; returns those that most functions import."""
    return _record(python, folder, "topup", ABSENT, COMMON, import_graph.modules_in(folder), unhurried=UNHURRIED)


def _record(
    python: str,
    folder: Path,
    layer: str,
    absent: Iterable[str],
    common: Iterable[str],
    modules: Iterable[str] = (),
    *,
    unhurried: Iterable[str] = (),
) -> list[str]:
    # A fixed seed, as for the bytecode. No bytecode, which would hold the time; and nothing else of this machine.
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    named = (",".join(names) for names in (absent, common, unhurried))
    command = [python, "-S", "-P", str(RECORDER), str(folder), layer, *named, *modules]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
