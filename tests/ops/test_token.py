"""`token`: what it signs for which stack, and why not where others sign."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from local.in_process.api import Api
from ops import cli
from tests.ops.test_commands import Aws, aws

__all__ = ["aws"]

SECRET = "a-secret-of-more-than-thirty-two-bytes"
STACK = ("--stack", "topup-prod")
ON_CALL = ("token", "--user", "on-call")


def deployed(aws: Aws, secret: str | None = SECRET, **settings: str) -> None:
    """A stack with this secret (None: it is not asked for), and these settings."""
    names = ("OrdersTableName", "CreditsTableName", "ApiUrl", "WebhookUrl")
    aws.has_stack(**dict.fromkeys(names, "here"))
    aws.has_resource("StripeWebhookFunction")
    variables = {"SECRETS_PREFIX": "/topup/prod", **settings}
    configuration: dict[str, Any] = {"Environment": {"Variables": variables}}
    aws.stub("lambda").add_response(
        "get_function_configuration", configuration, {"FunctionName": "topup-prod-StripeWebhookFunction-1"}
    )
    if secret is not None:
        name = "/topup/prod/JWT_SECRET"
        stored = [{"Name": name, "Value": secret}] if secret else []
        aws.stub("ssm").add_response(
            "get_parameters", {"Parameters": stored}, {"Names": [name], "WithDecryption": True}
        )


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main([*arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def test_the_token_alone_is_on_the_standard_output(aws: Aws, capsys: pytest.CaptureFixture[str]):
    deployed(
        aws, f"{SECRET},the-one-that-is-being-replaced-by-it", JWT_ISSUER="https://shop", JWT_AUDIENCE="topup,other"
    )
    now = datetime.now(UTC).replace(microsecond=0)

    assert cli.main([*ON_CALL, "--role", "admin", *STACK], now=now) == 0

    printed = capsys.readouterr()
    claims = jwt.decode(printed.out.removesuffix("\n"), SECRET, algorithms=["HS256"], audience="topup")
    expires_at = now + timedelta(hours=1)
    assert claims == {
        "sub": "on-call",
        "role": "admin",
        "iss": "https://shop",
        "aud": "topup",
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    assert (
        printed.err == f"a token of on-call, admin for stack topup-prod, valid until {expires_at:%Y-%m-%dT%H:%M:%SZ}\n"
    )


@pytest.mark.parametrize(
    ("settings", "claim"),
    [
        ({}, {"role": "support"}),
        ({"ADMIN_CLAIM": "groups", "ADMIN_CLAIM_IS_LIST": "true", "SUPPORT_VALUE": "help"}, {"groups": ["help"]}),
    ],
)
def test_the_role_is_said_as_the_stack_reads_it(
    settings: dict[str, str], claim: dict[str, Any], aws: Aws, capsys: pytest.CaptureFixture[str]
):
    deployed(aws, **settings)

    assert cli.main([*ON_CALL, "--role", "support", *STACK]) == 0

    claims = jwt.decode(capsys.readouterr().out.strip(), SECRET, algorithms=["HS256"])
    assert {name: value for name, value in claims.items() if name not in ("sub", "iat", "exp")} == claim


@pytest.mark.parametrize(("role", "status"), [(None, 403), ("support", 200), ("admin", 200)])
def test_the_local_stack_takes_it(
    role: str | None, status: int, api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / ".env").write_text(f"JWT_SECRET={SECRET}\n")
    for name in (".env.example", "template.yaml"):
        (tmp_path / name).write_text((Path(__file__).parents[2] / name).read_text())

    assert cli.main([*ON_CALL, *(["--role", role] if role else [])], root=tmp_path) == 0

    token = capsys.readouterr().out.strip()
    found = api.get("/api/admin/payments?status=quarantined", {"authorization": f"Bearer {token}"})
    assert found.status == status


def test_where_an_identity_provider_signs_it_says_where_to_get_a_token(aws: Aws, capsys: pytest.CaptureFixture[str]):
    deployed(aws, None, JWT_JWKS_URL="https://login.example/keys")

    assert refused(capsys, *ON_CALL, *STACK) == (
        "cannot run token: the identity provider signs the tokens of this stack, with the keys at"
        " https://login.example/keys: sign in there, and copy your token (docs/identity.md)\n"
    )


def test_where_another_key_signs_it_says_so(aws: Aws, capsys: pytest.CaptureFixture[str]):
    deployed(aws, None, JWT_PUBLIC_KEY="-----BEGIN PUBLIC KEY-----")

    assert "ask for a token where that key is kept" in refused(capsys, *ON_CALL, *STACK)


@pytest.mark.parametrize("secret", ["", "short"])
def test_a_stack_without_a_good_secret_makes_no_token(secret: str, aws: Aws, capsys: pytest.CaptureFixture[str]):
    deployed(aws, secret)

    says = refused(capsys, *ON_CALL, *STACK)
    assert says.startswith("cannot run token: /topup/prod/JWT_SECRET: JWT_SECRET must have at least 32 bytes")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "name the user, in 1 to 255 characters: --user ID (make: USER=)"),
        (("--user", "a" * 256), "name the user, in 1 to 255 characters"),
        (("--user", "a\nb"), "name the user, in 1 to 255 characters"),
        (("--user", "a", "--hours", "0"), "--hours must be from 1 to 720 (make: HOURS=)"),
        (("--user", "a", "--hours", "721"), "--hours must be from 1 to 720 (make: HOURS=)"),
    ],
)
def test_a_mistake_names_the_fix(arguments: tuple[str, ...], problem: str, capsys: pytest.CaptureFixture[str]):
    assert problem in refused(capsys, "token", *arguments)
