"""`sam build` and `sam deploy` of this project's template, as an operator runs them."""

import os
import platform
from pathlib import Path

from local import ROOT
from local.aws.intrinsics import REGION
from tools.deploy_local.emulator import CREDENTIALS, SAM
from tools.deploy_local.processes import run

STACK = "topup-deploy-local"
SECRETS_PREFIX = "/topup/deploy-local"
BUILD_TIMEOUT, DEPLOY_TIMEOUT = 180.0, 120.0  # seconds; each takes 10 on an idle machine


def architecture() -> str:
    """This machine's processor, by Lambda's name."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def build(folder: Path) -> Path:
    """Build into a folder; the built template. Not cached: SAM's cache ignores LAMBDA_ARCH. Raises DeploymentError."""
    run([SAM, "build", "--no-cached", "--build-dir", folder], ROOT, _environment(), BUILD_TIMEOUT)
    return folder / "template.yaml"


def deploy(template: Path, endpoint: str, frontend: str) -> None:
    """Deploy the built template to the AWS at `endpoint`, without prompts; raises DeploymentError."""
    parameters = {
        "Architecture": architecture(),
        "FrontendUrls": frontend,
        "SecretsPrefix": SECRETS_PREFIX,
    }
    command: list[str | Path] = [SAM, "deploy", "--template-file", template, "--stack-name", STACK, "--resolve-s3"]
    no_prompts = ["--no-confirm-changeset", "--capabilities", "CAPABILITY_IAM", "--no-progressbar"]
    values = ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    run([*command, *no_prompts, *values], ROOT, {**_environment(), "AWS_ENDPOINT_URL": endpoint}, DEPLOY_TIMEOUT)


def _environment() -> dict[str, str]:
    """The developer's environment without its settings of AWS and Python."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    own = {
        "PATH": f"{SAM.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "LAMBDA_ARCH": architecture(),
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": REGION,
        **CREDENTIALS,
    }
    return inherited | own
