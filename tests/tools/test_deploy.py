"""What `make deploy` is told: parsed, asked for, checked, kept, and held against the stack as it is."""

import tomllib
from pathlib import Path

import pytest

from local import ROOT
from local.aws.intrinsics import read_yaml
from ops import deployed, stages
from ops.errors import CannotRunError
from tools.deploy import answers, build, stack

TEMPLATE = read_yaml(ROOT / "template.yaml")
NEEDED = {"FrontendUrls": "https://shop.example", "SecretsPrefix": "/topup/staging"}


def test_the_command_line_names_parameters_as_a_shell_splits_them():
    said = answers.given("https://a.example", None, "WebhookConcurrency=0 'AdminValue=the boss' JwtIssuer=")

    assert said == {
        "FrontendUrls": "https://a.example",
        "WebhookConcurrency": "0",
        "AdminValue": "the boss",
        "JwtIssuer": "",
    }


@pytest.mark.parametrize("said", ["WebhookConcurrency", "AdminValue='the boss"])
def test_what_is_no_assignment_is_refused(said: str):
    with pytest.raises(CannotRunError, match="SET="):
        answers.given(None, None, said)


def test_a_parameter_is_asked_for_and_an_empty_answer_keeps_its_value(monkeypatch: pytest.MonkeyPatch):
    replies = {"JwtIssuer []: ": " https://idp.example ", "LogLevel [INFO]: ": ""}
    monkeypatch.setattr("builtins.input", replies.pop)

    said = answers.asked(["JwtIssuer", "LogLevel"], {"LogLevel": "INFO"}, TEMPLATE)

    assert said == {"JwtIssuer": "https://idp.example"}
    assert replies == {}  # each was asked for, with its present value


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"Frontend": "https://shop.example"}, "no parameter Frontend"),
        ({"FrontendUrls": "shop.example"}, "FrontendUrls: 'shop.example' does not match"),
        ({"WebhookConcurrency": "many"}, "WebhookConcurrency: 'many' is no number"),
        ({"CreditsExpireAfterMonths": "0"}, "CreditsExpireAfterMonths: '0' is no number from 1"),
    ],
)
def test_what_cloudformation_would_refuse_is_refused_first(parameters: dict[str, str], says: str):
    with pytest.raises(CannotRunError, match=says):
        answers.check(NEEDED | parameters, parameters, TEMPLATE)


def test_a_parameter_of_another_release_in_the_stack_or_the_files_hinders_no_deployment():
    answers.check(NEEDED | {"OfAnotherRelease": "1"}, {"FrontendUrls": "https://shop.example"}, TEMPLATE)


@pytest.mark.parametrize(("stage", "prefix"), [("prod", "/topup/x"), ("x", "/topup/prod"), ("live", "/topup/live")])
def test_no_faults_are_deployed_where_money_is_real(stage: str, prefix: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deployed, "stripe_key", lambda _prefix: "sk_test_1")
    answers.refuse_faults(stage, {"SecretsPrefix": prefix, "Chaos": ""})
    answers.refuse_faults("staging", {"SecretsPrefix": "/topup/staging", "Chaos": "throttle:0.1"})
    with pytest.raises(CannotRunError, match=r"Chaos: .* where money is real"):
        answers.refuse_faults(stage, {"SecretsPrefix": prefix, "Chaos": "throttle:0.1"})


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1"])
def test_no_faults_are_deployed_where_the_stripe_key_is_live(key: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deployed, "stripe_key", lambda _prefix: key)
    with pytest.raises(CannotRunError, match="/topup/eu/STRIPE_SECRET_KEY is a live key"):
        answers.refuse_faults("eu", {"SecretsPrefix": "/topup/eu", "Chaos": "throttle:0.1"})


def test_a_new_stack_is_told_how_to_name_its_pages():
    with pytest.raises(CannotRunError, match=r"FRONTEND=https://"):
        answers.check({"SecretsPrefix": "/topup/staging"}, [], TEMPLATE)


def test_what_was_said_is_read_again_by_us_and_by_any_reader_of_toml(tmp_path: Path):
    said = {"AdminValue": 'the "boss"\\', "JwtPublicKey": "-----BEGIN PUBLIC KEY-----\nMFk=", "SupportValue": "支持"}

    answers.write(tmp_path / ".deploy/staging.toml", said)

    assert stages.read_answers(tmp_path / ".deploy/staging.toml") == said
    assert tomllib.loads((tmp_path / ".deploy/staging.toml").read_text(encoding="utf-8")) == said


def test_the_answers_replace_what_samconfig_says_and_lists_become_texts(tmp_path: Path):
    (tmp_path / "samconfig.toml").write_text((ROOT / "samconfig.toml").read_text())
    (tmp_path / ".deploy").mkdir()
    (tmp_path / ".deploy/prod.toml").write_text(
        'FrontendUrls = ["https://a.example", "https://b.example"]\nLogRetentionDays = 731\n'
    )

    prod = stages.find("prod", tmp_path)

    assert prod.parameters == {
        "SecretsPrefix": "/topup/prod",
        "GradualDeployment": "true",
        "LogRetentionDays": "731",
        "FrontendUrls": "https://a.example,https://b.example",
    }
    assert stages.of_stack("topup-prod", tmp_path) == prod
    assert stages.of_stack("another", tmp_path) is None
    assert stages.find("staging", tmp_path).parameters == {"SecretsPrefix": "/topup/staging"}


def test_a_file_that_is_no_toml_is_named(tmp_path: Path):
    (tmp_path / "samconfig.toml").write_text("[staging")

    with pytest.raises(CannotRunError, match=r"samconfig\.toml cannot be read"):
        stages.find("staging", tmp_path)


def test_only_changes_that_nobody_names_are_refused():
    present = {"LogRetentionDays": "731", "LogLevel": "INFO", "AlertEmail": "a@shop.example"}
    wanted = {"LogRetentionDays": "365", "LogLevel": "DEBUG", "AlertEmail": "a@shop.example", "JwtIssuer": "new"}

    assert stack.unasked(present, wanted, ["LogLevel"]) == [
        "LogRetentionDays is '731' in the stack and '365' in the files"
    ]
    assert stack.unasked(present, wanted, ["LogLevel", "LogRetentionDays"]) == []


@pytest.mark.parametrize(
    ("machine", "name"), [(b"\xb7\x00", "arm64"), (b"\x3e\x00", "x86_64"), (b"\xf3\x00", "another")]
)
def test_the_processor_of_a_build_is_read_from_its_modules(tmp_path: Path, machine: bytes, name: str):
    (tmp_path / "python").mkdir()
    (tmp_path / "python/module.so").write_bytes(b"\x7fELF" + bytes(14) + machine)
    (tmp_path / "python/module.py").write_text("")

    [found] = build.processors(tmp_path)

    assert found.startswith(name)


@pytest.mark.parametrize(
    ("where", "told", "roots"),
    [
        ("eu-central-1", "", "amazon"),
        ("us-gov-west-1", "", "amazon"),
        ("cn-north-1", "", "all"),
        ("eu-central-1", "all", "all"),
        ("cn-north-1", "amazon", "amazon"),
    ],
)
def test_all_certificate_authorities_are_kept_where_amazons_may_not_sign(
    where: str, told: str, roots: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_DEFAULT_REGION", where)
    monkeypatch.setenv("LAMBDA_ROOTS", told)

    assert build.environment("arm64")["LAMBDA_ROOTS"] == roots
