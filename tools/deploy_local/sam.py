"""`sam build` and `sam deploy` of this project's template, as an operator runs them."""

import os
import platform
from pathlib import Path

from local import ROOT
from local.aws.intrinsics import REGION
from tools.deploy_local.emulator import CREDENTIALS, SAM
from tools.deploy_local.processes import run

STACK = "topup-trial"
SECRETS_PREFIX = "/topup/trial"
BUILD_TIMEOUT, DEPLOY_TIMEOUT = 180.0, 120.0  # seconds; on an idle machine it takes 10 and 10


def architecture() -> str:
    """What the functions can run on here, in Lambda's words."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def build(folder: Path) -> Path:
    """The built template. Never cached: SAM's cache knows nothing of LAMBDA_ARCH. Raises TrialError."""
    run([SAM, "build", "--no-cached", "--build-dir", folder], ROOT, _environment(), BUILD_TIMEOUT)
    return folder / "template.yaml"


def deploy(template: Path, endpoint: str, frontend: str) -> None:
    """Deploy what was built to the AWS at `endpoint`, without a question; raises TrialError."""
    parameters = {
        "Architecture": architecture(),
        "FrontendUrls": frontend,
        "SecretsPrefix": SECRETS_PREFIX,
    }
    command: list[str | Path] = [SAM, "deploy", "--template-file", template, "--stack-name", STACK, "--resolve-s3"]
    answers = ["--no-confirm-changeset", "--capabilities", "CAPABILITY_IAM", "--no-progressbar"]
    values = ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    run([*command, *answers, *values], ROOT, {**_environment(), "AWS_ENDPOINT_URL": endpoint}, DEPLOY_TIMEOUT)


def _environment() -> dict[str, str]:
    """The developer's, without AWS settings and without what Python was told to import here."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    own = {
        "PATH": f"{SAM.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "LAMBDA_ARCH": architecture(),
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": REGION,
        **CREDENTIALS,
    }
    return inherited | own
