"""`make deploy` and what `make doctor` prints, run by make and SAM CLI in a fresh clone; only the sending is caught."""

import io
import shlex
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import ROOT
from ops.doctor.subject import Subject
from tests.support.clone import Done, clone_into, paste
from tests.support.recorded_aws import RecordedAws, serving
from tools.deploy import build

SAM = ROOT / ".venv-sam" / "bin" / "sam"
PRESENT = {"SecretsPrefix": "/topup/prod", "GradualDeployment": "true", "LogRetentionDays": "365"}
PRESENT |= {"FrontendUrls": "https://shop.example", "WebhookConcurrency": "0", "Architecture": "arm64"}

pytestmark = pytest.mark.skipif(not SAM.exists(), reason="`make template` installs SAM")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone_into(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def aws() -> RecordedAws:
    return RecordedAws(dict(PRESENT))


def run(clone: Path, aws: RecordedAws, line: str) -> Done:
    with serving(aws) as variables:
        return paste(clone, line, variables)


@pytest.fixture(scope="module")
def deployed(clone: Path) -> RecordedAws:
    """What doctor prints for a stack of the stage prod whose webhook has no reservation, pasted into a fresh clone."""
    aws = RecordedAws(dict(PRESENT))
    prod = Subject(stage="prod", environment={}, stack="topup-prod", deployed_as="prod")
    done = run(clone, aws, prod.deploy("SET=WebhookConcurrency=20"))
    if "could not be installed" in done.stderr:
        pytest.skip("the packages cannot be fetched")
    assert done.returncode == 0, done.stderr[-2000:]
    assert (clone / ".deploy/prod.toml").read_text().endswith('\nWebhookConcurrency = "20"\n')
    return aws


@pytest.fixture
def built(clone: Path, deployed: RecordedAws) -> Path:
    """The clone with a build, for arm64."""
    return clone


@pytest.fixture(autouse=True)
def _without_answers(clone: Path) -> Iterator[None]:
    yield
    shutil.rmtree(clone / ".deploy", ignore_errors=True)


# ---------------------------------------------------------------------------------------------- without a build


def test_sam_without_a_stage_deploys_nothing(clone: Path, aws: RecordedAws):
    done = run(clone, aws, f"{SAM} deploy --stack-name topup-prod")

    assert done.returncode != 0
    assert aws.change_sets == []
    assert aws.uploads == {}


def test_sam_deploys_no_stage_without_a_build(clone: Path, aws: RecordedAws):
    (clone / ".deploy").mkdir()
    (clone / ".deploy/prod.toml").write_text('FrontendUrls = "https://shop.example"\n')

    done = run(clone, aws, f"{SAM} deploy --config-env prod --no-confirm-changeset")

    assert "Template file not found" in done.stderr
    assert aws.change_sets == []


def test_a_build_that_is_missing_is_not_deployed(clone: Path, aws: RecordedAws):
    done = run(clone, aws, "make deploy STAGE=prod BUILT=1")

    assert "no complete build" in done.stderr
    assert aws.change_sets == []


# ------------------------------------------------------------------------------------------------- with a build


def test_what_doctor_prints_deploys_the_stage_with_its_own_settings(deployed: RecordedAws):
    stack, parameters, tags = deployed.change_set()

    assert stack == "topup-prod"
    assert {name: value for name, value in parameters.items() if value is not None} == {
        "SecretsPrefix": "/topup/prod",
        "GradualDeployment": "true",
        "LogRetentionDays": "365",
        "WebhookConcurrency": "20",
    }
    assert {name for name, value in parameters.items() if value is None} == {
        "FrontendUrls",
        "Architecture",
    }  # as before
    assert tags == {"app": "topup", "stage": "prod"}


def test_what_doctor_prints_deploys_layers_that_can_be_imported(deployed: RecordedAws):
    files = layer_files(deployed)

    assert {"python/topup/__init__.py", "python/botocore/__init__.py"} <= files
    assert any(name.endswith("aarch64-linux-gnu.so") for name in files)


def layer_files(aws: RecordedAws) -> set[str]:
    """The files in every archive that was uploaded."""
    parts: dict[str, bytes] = {}
    for address, body in sorted(aws.uploads.items()):
        name = address.partition("#")[0]
        parts[name] = parts.get(name, b"") + body
    archives = [body for body in parts.values() if body.startswith(b"PK")]
    assert all("topup-prod/" in name for name in parts), "uploaded below another stage's prefix"
    return {name for body in archives for name in zipfile.ZipFile(io.BytesIO(body)).namelist()}


def test_a_new_stack_gets_what_the_command_line_says_and_so_does_its_next_deployment(built: Path):
    said = "FRONTEND=https://a.example,https://b.example ALERT=ops@shop.example"
    first, second = RecordedAws(), RecordedAws()

    assert run(built, first, f"make deploy STAGE=staging {said} BUILT=1").returncode == 0
    assert run(built, second, "make deploy STAGE=staging BUILT=1").returncode == 0

    stack, parameters, tags = first.change_set()
    assert (stack, tags["stage"]) == ("topup-staging", "staging")
    assert parameters == {
        "FrontendUrls": "https://a.example,https://b.example",
        "AlertEmail": "ops@shop.example",
        "SecretsPrefix": "/topup/staging",
    }
    assert second.change_set() == first.change_set()


def test_values_of_every_form_arrive_as_they_were_said(built: Path):
    aws = RecordedAws()
    values = {
        "AdminValue": 'the boss\'s "own" role',
        "JwtPublicKey": "-----BEGIN PUBLIC KEY-----\\nMFkw+/=\\n-----END PUBLIC KEY-----",
        "SupportValue": "支持",
    }
    said = shlex.quote(" ".join(shlex.quote(f"{name}={value}") for name, value in values.items()))

    command = [".venv/bin/python", "-m", "tools.deploy", "--stage=dev", "--frontend=https://a.example"]
    done = run(built, aws, f"PYTHONPATH=layers/topup {' '.join(command)} --built --set {said}")

    assert done.returncode == 0, done.stderr
    _, parameters, _ = aws.change_set()
    assert {name: parameters[name] for name in values} == values


def test_what_another_checkout_has_changed_is_not_changed_back_unasked(built: Path, aws: RecordedAws):
    aws.parameters = PRESENT | {"LogRetentionDays": "731"}

    refused = run(built, aws, "make deploy STAGE=prod SET=WebhookConcurrency=20 BUILT=1")

    assert refused.returncode != 0
    assert "LogRetentionDays is '731' in the stack and '365' in the files" in refused.stderr
    assert aws.change_sets == []
    assert run(built, aws, "make deploy STAGE=prod BUILT=1 SET=LogRetentionDays=731").returncode == 0
    assert aws.change_set()[1]["LogRetentionDays"] == "731"


def test_a_parameter_of_another_release_is_not_passed(built: Path, aws: RecordedAws):
    aws.parameters = PRESENT | {"OfAnotherRelease": "1"}
    (built / ".deploy").mkdir()
    (built / ".deploy/prod.toml").write_text('OfAnotherRelease = "1"\n')

    assert run(built, aws, "make deploy STAGE=prod BUILT=1").returncode == 0
    assert "OfAnotherRelease" not in aws.change_set()[1]


def test_a_deployment_at_once_is_not_remembered(built: Path, aws: RecordedAws):
    assert run(built, aws, "make deploy STAGE=prod BUILT=1 AT_ONCE=1").returncode == 0

    assert aws.change_set()[1]["GradualDeployment"] == "false"
    assert "Gradual" not in (built / ".deploy/prod.toml").read_text()


def test_a_build_for_the_other_processor_is_not_deployed(built: Path, aws: RecordedAws):
    done = run(built, aws, "make deploy STAGE=prod BUILT=1 SET=Architecture=x86_64")

    assert "is for arm64, and the stage is for x86_64" in done.stderr
    assert aws.change_sets == []
    assert build.processors(built / ".aws-sam/build/DependenciesLayer") == {"arm64"}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("make deploy", "samconfig.toml has no stage ''"),
        ("make deploy STAGE=qa", "samconfig.toml has no stage 'qa': use dev, staging, prod"),
        ("make deploy STAGE=prod SET=WebhookConcurency=20", "no parameter WebhookConcurency"),
        ("make deploy STAGE=prod SET=LogLevel=LOUD", "LogLevel: 'LOUD' is none of"),
        ("make deploy STAGE=prod SET=WebhookConcurrency", "write NAME=VALUE"),
        ("make deploy STAGE=prod ASK=JwtIssuer", "there is no terminal"),
        ("make outputs STAGE=qa", "has no stage 'qa'"),
    ],
)
def test_what_cannot_be_deployed_is_refused_before_anything_is_built(
    clone: Path, aws: RecordedAws, line: str, says: str
):
    done = run(clone, aws, line)

    assert done.returncode != 0
    assert says in done.stderr
    assert aws.change_sets == []


def test_a_new_stack_needs_its_pages(clone: Path):
    aws = RecordedAws()

    done = run(clone, aws, "make deploy STAGE=staging")

    assert "FrontendUrls" in done.stderr
    assert "FRONTEND=https://" in done.stderr
    assert aws.change_sets == []


def test_the_outputs_can_be_read_by_a_shell(clone: Path, aws: RecordedAws):
    done = run(clone, aws, "make -s outputs STAGE=prod")

    assert done.stdout == "ApiUrl=https://api.example\n"


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ("-u AWS_DEFAULT_REGION AWS_REGION=eu-west-1", "eu-west-1"),
        ("-u AWS_REGION AWS_DEFAULT_REGION=eu-west-2", "eu-west-2"),
        ("AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-2", "eu-west-1"),
    ],
)
def test_the_region_is_the_one_that_the_aws_cli_would_use(clone: Path, aws: RecordedAws, environment: str, region: str):
    assert run(clone, aws, f"env {environment} make -s outputs STAGE=prod").returncode == 0
    assert aws.regions == {region}
