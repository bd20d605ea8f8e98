"""The command line of `python -m ops`: its help, its errors, and the make targets that call it."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local import ROOT, settings
from ops import cli, commands, options

NAMES = [
    "find",
    "explain",
    "quarantine",
    "token",
    "person-export",
    "person-erase",
    "doctor",
    "audit",
    "export",
    "books",
    "verify",
    "reconcile",
    "replay-expiry",
    "replay-events",
    "secrets",
    "api-key",
    "stripe-webhook",
    "import",
]
HEAVY = {"boto3", "botocore", "httpx", "jwt", "stripe", "topup"}


def run(*arguments: str, options: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    """The command as an operator types it in the checkout: without PYTHONPATH and without AWS settings."""
    return subprocess.run(
        [sys.executable, *options, "-m", "ops", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "80", "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )


def options_of(*arguments: str) -> dict[str, Any]:
    return vars(cli.parser().parse_args(list(arguments)))


# --------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("arguments", [[], *([name] for name in NAMES)], ids="-".join)
def test_help_imports_no_command(arguments: list[str]):
    helped = run(*arguments, "--help", options=("-X", "importtime"))

    assert helped.returncode == 0
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in helped.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & HEAVY


def test_help_names_every_command_and_explains_the_exit_codes():
    text = cli.parser().format_help()

    assert list(commands.COMMANDS) == NAMES
    assert all(f"  {name:<16}{command.summary}\n" in text for name, command in commands.COMMANDS.items())
    assert all(f"\n  {code}  " in text for code in (0, 1, 2))
    assert "--stack NAME" in text


@pytest.mark.parametrize("name", NAMES)
def test_every_option_and_its_default_are_explained(name: str):
    text = " ".join(run(name, "--help").stdout.split())

    for option in options_of(*shlex.split(commands.COMMANDS[name].examples[0])).keys() - {"command", "file", "what"}:
        explained = text.partition(f" --{option.replace('_', '-')} ")[2]
        assert explained, option
    assert text.count("(default: ") == {
        "audit": 6,
        "export": 1,
        "books": 3,
        "reconcile": 6,
        "replay-expiry": 1,
        "replay-events": 1,
        "secrets": 2,
        "api-key": 4,
        "verify": 4,
        "find": 2,
        "quarantine": 5,
        "import": 1,
        "person-export": 1,
        "person-erase": 2,
    }.get(name, 2 + (name != "doctor"))


def test_the_secrets_are_those_of_the_local_stack_too():
    assert set(options.SECRETS) == set(settings.SECRETS)


@pytest.mark.parametrize("example", [line for command in commands.COMMANDS.values() for line in command.examples])
def test_every_example_is_valid(example: str):
    assert options_of(*shlex.split(example))["command"] in example


# ------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "<command>"),
        (["repair"], "invalid choice: 'repair'"),
        (["audit", "--stak", "topup-prod"], "unrecognized arguments: --stak topup-prod"),
        (["audit", "--since", "yesterday"], "argument --since: not a time: 'yesterday'; write 2026-10-01"),
        (["books", "--month", "2026-13"], "argument --month: not a month: '2026-13'; write 2026-10"),
        (["stripe-webhook", "--app"], "unrecognized arguments: --app"),
        (["reconcile", "--window-hours", "many"], "argument --window-hours: invalid int value: 'many'"),
        (["secrets", "--rotate", "SECRET"], "argument --rotate: invalid choice: 'SECRET'"),
        (["stripe-webhook", "--rotate", "--finish"], "--finish: not allowed with argument --rotate"),
    ],
)
def test_a_mistyped_command_is_refused(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as refused:
        cli.main(arguments)

    assert refused.value.code == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["replay-expiry", "/nowhere.json"], "/nowhere.json: No such file or directory"),
        (["audit", "--stack", "topup-prod"], "set AWS_REGION, or a region in your AWS profile"),
    ],
)
def test_typed_by_hand_without_any_setting_it_says_in_one_line_what_is_missing(arguments: list[str], problem: str):
    refused = run(*arguments)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"cannot run {arguments[0]}: ")
    assert problem in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_python_without_our_dependencies_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def missing(_name: str) -> Any:
        raise ModuleNotFoundError(name="boto3")

    monkeypatch.setattr("importlib.import_module", missing)

    assert cli.main(["audit"]) == 2
    assert capsys.readouterr().err.endswith("has no boto3: use .venv/bin/python -m ops\n")


# --------------------------------------------------------------------------------------------- the make targets


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("audit", "audit"),
        ("audit STACK=topup-prod", "audit --stack topup-prod"),
        ("audit STRIPE=1 WINDOW_HOURS=48", "audit --stripe --window-hours 48"),
        (
            "audit STACK=s STRIPE=1 SINCE=2026-10-01 UNTIL=2026-11-01T12:00:00Z",
            "audit --stack s --stripe --since 2026-10-01 --until 2026-11-01T12:00:00Z",
        ),
        ("books MONTH=2026-10", "books --month 2026-10"),
        ("books MONTH=2026-10 STACK=s OUT=books", "books --month 2026-10 --stack s --out books"),
        ("books MONTH=2026-10 FROM=exports/today", "books --month 2026-10 --from exports/today"),
        ("reconcile STACK=s WINDOW_HOURS=720", "reconcile --stack s --window-hours 720"),
        (
            "reconcile ALL=1 'SETTLED=evt_1 re_1'",
            "reconcile --all --settled evt_1 --settled re_1",
        ),
        ("reconcile SWEEP_AFTER_HOURS=0 JSON=1", "reconcile --sweep-after-hours 0 --json"),
        ("replay-expiry FILE=s3://b/k STACK=s", "replay-expiry --stack s s3://b/k"),
        ("replay-events FILE=s3://b/k STACK=s", "replay-events --stack s s3://b/k"),
        ("secrets STAGE=staging", "secrets --stage staging"),
        ("secrets STACK=s REPLACE=JWT_SECRET", "secrets --stack s --replace JWT_SECRET"),
        ("secrets STAGE=prod ROTATE=PROXY_API_KEY", "secrets --stage prod --rotate PROXY_API_KEY"),
        ("secrets STAGE=prod FINISH=PROXY_API_KEY", "secrets --stage prod --finish PROXY_API_KEY"),
        (
            "api-key NAME=billing SCOPES=read,spend STACK=topup-prod",
            "api-key --name billing --scopes read,spend --stack topup-prod",
        ),
        ("api-key STAGE=prod", "api-key --stage prod"),
        ("api-key STAGE=prod NAME=billing ROTATE=1", "api-key --stage prod --name billing --rotate"),
        ("api-key STAGE=prod NAME=billing FINISH=1", "api-key --stage prod --name billing --finish"),
        ("api-key STAGE=prod NAME=billing REPLACE=1", "api-key --stage prod --name billing --replace"),
        ("api-key STAGE=prod NAME=billing REMOVE=1", "api-key --stage prod --name billing --remove"),
        ("stripe-webhook STACK=s APPLY=1", "stripe-webhook --stack s --apply"),
        ("stripe-webhook STACK=s ROTATE=1 APPLY=1", "stripe-webhook --stack s --rotate --apply"),
        ("stripe-webhook STACK=s FINISH=1", "stripe-webhook --stack s --finish"),
        ("stripe-webhook URL=https://a PREFIX=/topup/p", "stripe-webhook --url https://a --prefix /topup/p"),
        ("find WHAT=cs_test_1", "find cs_test_1"),
        ("find 'WHAT=auth0|o\\$1' STACK=s JSON=1", "find 'auth0|o\\$1' --stack s --json"),
        ("find WHAT=--json", "find -- --json"),
        ("explain USER=user-1 LAST=20 STACK=s JSON=1", "explain --user user-1 --last 20 --stack s --json"),
        ("quarantine STACK=s JSON=1", "quarantine --stack s --json"),
        (
            'quarantine RELEASE=p ACTION=refund "REASON=it\'s 5 \\$" BY=alice',
            'quarantine --release p --action refund --reason "it\'s 5 \\$" --by alice',
        ),
        ("token USER=on-call ROLE=admin STACK=s", "token --user on-call --role admin --stack s"),
        ("token 'USER=auth0|1 2' HOURS=8", "token --user 'auth0|1 2' --hours 8"),
        ("""token "USER=o'neill \\`id\\` \\$(id)" """, """token --user "o'neill \\`id\\` \\$(id)" """),
        ("token", "token"),
        ("person-export USER=u STACK=s", "person-export --user u --stack s"),
        ("person-erase USER=u YES=1", "person-erase --user u --yes"),
        ("import FILE=balances.csv DRY_RUN=1", "import balances.csv --dry-run"),
        ("import FILE=balances.csv STACK=s", "import balances.csv --stack s"),
        ("doctor", "doctor"),
        ("doctor STACK=s URL=https://a", "doctor --stack s --url https://a"),
    ],
)
def test_a_make_target_is_the_same_command(target: str, command: str):
    printed = subprocess.run(
        ["make", "--dry-run", *shlex.split(target)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    [line] = [line for line in printed.replace("\\\n", " ").splitlines() if "-m ops" in line]
    called = shlex.split(line.partition("-m ops")[2])
    assert options_of(*called) == options_of(*shlex.split(command))
    assert Path(shlex.split(line.partition(" -m ops")[0])[-1]).name == "python"
