"""A start that cannot succeed ends at once, and says what is wrong and what to do."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local import ROOT, settings
from local.launcher import StackFailedError, running


def start_that_fails(root: Path, **environment: str) -> str:
    """The message of a start that must fail."""
    with pytest.raises(StackFailedError) as failure, running(root, **environment):
        pass
    return str(failure.value)


def start_with_dotenv(project: Path, text: str, **environment: str) -> str:
    """What `python -m local` prints when this .env makes it fail."""
    (project / ".env").write_text(text, encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if name not in settings.KNOWN}
    command = [sys.executable, "-m", "local"]

    ended = subprocess.run(
        command, cwd=project, env={**inherited, **environment}, capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode == 1
    return ended.stderr


def test_the_message_names_a_port_in_use_with_its_service_and_variable() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        message = start_that_fails(ROOT, WEBHOOK_PORT=str(port))

    assert f"cannot start: port {port} (webhook) is in use: stop what uses it, or set WEBHOOK_PORT" in message
    assert "Traceback" not in message


def test_the_message_names_all_ports_in_use() -> None:
    with socket.socket() as one, socket.socket() as other:
        for taken in (one, other):
            taken.bind(("127.0.0.1", 0))
            taken.listen()
        first, second = one.getsockname()[1], other.getsockname()[1]
        message = start_that_fails(ROOT, API_PORT=str(first), STRIPE_PORT=str(second))

    in_use = f"port {first} (api) is in use, port {second} (stripe) is in use"
    assert f"cannot start: {in_use}: stop what uses them, or set API_PORT, STRIPE_PORT" in message


def test_a_live_key_is_refused() -> None:
    message = start_that_fails(ROOT, STRIPE_SECRET_KEY="sk_live_secret")

    assert "cannot start: STRIPE_SECRET_KEY is a live key" in message
    assert "sk_live_secret" not in message


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL: 'LOUD' is none of DEBUG, INFO, WARNING, ERROR"),
        ("CREDITS_EXPIRE_AFTER_MONTHS", "0", "CREDITS_EXPIRE_AFTER_MONTHS: '0' is no number from 1 to 120"),
    ],
)
def test_the_message_names_a_variable_whose_value_the_template_does_not_allow(
    variable: str, value: str, complaint: str
) -> None:
    assert start_that_fails(ROOT, **{variable: value}) == f"the stack did not start: cannot start: {complaint}"


def test_a_function_that_cannot_be_imported_stops_the_start(project: Path) -> None:
    (project / "functions" / "list_packages" / "app.py").write_text("import nothing_of_that_name", encoding="utf-8")

    message = start_that_fails(project)

    assert "list_packages: ModuleNotFoundError" in message
    assert "(functions/list_packages/app.py:1)" in message
    assert "cannot start: GET /api/payments/packages answers 500" in message


def test_the_message_names_the_wrong_field_of_a_catalogue(project: Path) -> None:
    catalogue = project / "layers/topup/topup/catalogue.json"
    catalogue.write_text(catalogue.read_text(encoding="utf-8").replace("1100,", '"many",'), encoding="utf-8")

    *_, last = start_that_fails(project).splitlines()

    assert last.startswith("cannot start: GET /api/payments/packages answers 500: ")
    assert "catalogue.json: packages.standard.credits: must be a whole number" in last


def test_dotenv_overrides_the_example_and_the_environment_overrides_both(project: Path) -> None:
    message = start_with_dotenv(project, "API_PORT=not-a-port\nWEB_PORT=not-a-port\n", API_PORT="0")

    assert message == "cannot start: WEB_PORT must be a port number from 0 (any free port) to 65535\n"


def test_an_unknown_variable_in_dotenv_is_mentioned(project: Path) -> None:
    message = start_with_dotenv(
        project, "JWT_SECRT=misspelt\nLOG_LEVEL=LOUD\n", **dict.fromkeys(settings.DEFAULT_PORTS, "0")
    )

    assert message.splitlines()[0] == "note: nothing here reads JWT_SECRT, which .env sets"


def test_the_message_names_a_log_that_cannot_be_written(project: Path) -> None:
    (project / "logs").write_text("no folder", encoding="utf-8")

    message = start_that_fails(project)

    assert (
        message
        == f"the stack did not start: cannot start: {project / 'logs' / 'app.log'} cannot be written: File exists"
    )
