"""AWS on this machine: ministack in its own process, with the services that the template and SAM use."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from local import ROOT
from local.aws import dynamodb
from local.aws.dynamodb import DynamoDBError, Emulator
from local.aws.intrinsics import REGION
from tools.deploy_local.processes import DeploymentError, end_group

SAM_FOLDER = ROOT / ".venv-sam"
SAM = SAM_FOLDER / "bin" / "sam"
LAMBDAS_PYTHON = (3, 13)  # of the template's Runtime
SERVICES = (
    "apigateway",
    "cloudformation",
    "codedeploy",
    "dynamodb",
    "dynamodbstreams",
    "events",
    "iam",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "scheduler",
    "sns",
    "sqs",
    "ssm",
    "sts",
)
# Invented. The emulator takes them for the account owner's; functions get the credentials of their roles.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
STOP_TIMEOUT = 2.0  # seconds


def missing() -> str | None:
    """What this machine lacks for `make deploy-local`; None if nothing."""
    if sys.version_info[:2] != LAMBDAS_PYTHON:
        return "the functions run with this Python, and it is not Lambda's 3.13"
    if not SAM.exists():
        return "there is no .venv-sam/bin/sam: `make deploy-local` installs it"
    return None if _transform() else "SAM's environment was made with another Python: remove .venv-sam"


@contextlib.contextmanager
def running(stripe: str) -> Iterator[str]:
    """The emulator's address. `stripe`: the address of Stripe for the functions. Raises DeploymentError."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryDirectory(prefix="topup-deploy-local-") as folder:
        port = _free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.deploy_local.emulator_process", *map(str, _transform())],
            cwd=ROOT,
            env=_environment(port, stripe, folder),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            emulator = Emulator(port, process, output)
            dynamodb.wait(emulator)
            yield emulator.url
        except DynamoDBError as error:
            raise DeploymentError(str(error).replace("DynamoDB emulator", "emulator")) from error
        finally:
            _stop(process)


def _transform() -> list[Path]:
    """The folder with SAM's translator, in SAM's own environment; empty if that is for another Python."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = SAM_FOLDER / "lib" / version / "site-packages"
    return [found] if (found / "samtranslator").exists() else []


def _environment(port: int, stripe: str, folder: str) -> dict[str, str]:
    """The whole environment of the emulator, which every function inherits: nothing of the developer's."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "TMPDIR": folder,  # where it unpacks every function with its layers
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": ",".join(SERVICES),
        "AUTH": "true",  # check each call against its caller's policies
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "NO_PROXY": "localhost,127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "1",  # on Lambda the disk is read-only
        "PYTHONNOUSERSITE": "1",
        "STRIPE_API_BASE": stripe,
        "AWS_DEFAULT_REGION": REGION,
        **CREDENTIALS,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Close its standard input: then it ends, and the functions' processes with it."""
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT)
    end_group(process)
