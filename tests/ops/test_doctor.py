"""`doctor` on a deployed stack (Stripe simulated, tables emulated, SSM by moto) and on the local one."""

import io
import json
import random
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import stripe
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from moto import mock_aws

from local import ROOT
from local.in_process.api import template
from local.in_process.dynamodb import Emulator
from local.stripe_simulator import Simulator
from local.stripe_simulator.in_process import InProcessStripe
from ops import cli
from ops.doctor import aws, streams, stripe_account
from topup.stripe_gateway import EVENT_TYPES
from topup.stripe_gateway import client as stripe_client

URL = "http://127.0.0.1:8001/"
PREFIX = "/topup/staging"
STACK = "topup-staging"
Json = dict[str, Any]


class Lambda:
    def __init__(self, environment: Json) -> None:
        self.environment = environment
        self.limit = 1000
        self.reserved: Json = {"ReservedConcurrentExecutions": 20}
        self.triggers: list[Json] = []

    def list_event_source_mappings(self, **_: Any) -> Json:
        return {"EventSourceMappings": self.triggers}

    def get_function_configuration(self, **_: Any) -> Json:
        return {"Environment": {"Variables": self.environment}}

    def get_account_settings(self) -> Json:
        return {"AccountLimit": {"ConcurrentExecutions": self.limit}}

    def get_function_concurrency(self, **_: Any) -> Json:
        return self.reserved


class CloudFormation:
    def __init__(self, outputs: dict[str, str], tags: dict[str, str]) -> None:
        self.outputs, self.tags = outputs, tags
        self.parameters: dict[str, str] = {}

    def describe_stacks(self, **_: Any) -> Json:
        outputs = [{"OutputKey": name, "OutputValue": value} for name, value in self.outputs.items()]
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]
        return {"Stacks": [{"Outputs": outputs, "Tags": tags, "Parameters": given}]}

    def describe_stack_resource(self, **_: Any) -> Json:
        return {"StackResourceDetail": {"PhysicalResourceId": "topup-staging-webhook"}}


class Sns:
    """Topics with one subscriber each."""

    def __init__(self) -> None:
        self.subscriptions = [{"SubscriptionArn": "arn:aws:sns:us-east-1:1:topic:1", "Endpoint": "ops@shop.example"}]

    def get_paginator(self, operation: str) -> "Sns":
        assert operation == "list_subscriptions_by_topic"
        return self

    def paginate(self, **_: Any) -> list[Json]:
        return [{"Subscriptions": self.subscriptions}]


class Stack:
    """A healthy deployment, which a test then damages."""

    def __init__(self, dynamodb: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
        self.dynamodb = dynamodb
        self._capsys = capsys
        self.printed = ""
        self.ssm = boto3.client("ssm")
        self.simulator = Simulator(
            "http://stripe.test", now=lambda: datetime.now(UTC), rng=random.Random(1), secret_key="sk_test_1"
        )
        self.stripe = stripe.StripeClient("sk_test_1", http_client=InProcessStripe(self.simulator))
        settings = {"STACK_NAME": STACK, "FRONTEND_URL": "https://shop.example", "SECRETS_PREFIX": PREFIX}
        outputs = {
            "ApiUrl": "http://localhost:8000",
            "WebhookUrl": URL,
            "OrdersTableName": dynamodb.orders_table,
            "CreditsTableName": dynamodb.credits_table,
            "AlarmTopicArn": "arn:aws:sns:us-east-1:1:alarms",
            "NoticeTopicArn": "arn:aws:sns:us-east-1:1:notices",
        }
        self.clients: Json = {
            "lambda": Lambda(template().environment | settings),
            "cloudformation": CloudFormation(outputs, {"stage": "staging"}),
            "sns": Sns(),
        }
        for name, value in {
            "STRIPE_SECRET_KEY": "sk_test_1",
            "PROXY_API_KEY": "a-key-of-a-trusted-service",
            "JWT_SECRET": "a-secret-of-more-than-thirty-two-bytes",
        }.items():
            self.put(name, value)
        for table in (dynamodb.orders_table, dynamodb.credits_table):
            self.protect(table, is_on=True)
        self.time_to_live(is_on=True)
        self.reads_streams_of(dynamodb.orders_table, dynamodb.credits_table)

    def reads_streams_of(self, *tables: str) -> None:
        """Let the functions read the streams that these tables have now."""
        self.functions.triggers = [
            {"UUID": f"1f2e-{number}", "EventSourceArn": self.stream_of(table), "State": "Enabled"}
            for number, table in enumerate(tables)
        ]

    def stream_of(self, table: str) -> str:
        """The stream that this table has now."""
        return str(self.dynamodb.client.describe_table(TableName=table)["Table"]["LatestStreamArn"])

    def put(self, name: str, value: str, kind: Any = "SecureString") -> None:
        self.ssm.put_parameter(Name=f"{PREFIX}/{name}", Value=value, Type=kind, Overwrite=True)

    def protect(self, table: str, *, is_on: bool) -> None:
        client = self.dynamodb.client
        client.update_table(TableName=table, DeletionProtectionEnabled=is_on)
        wanted = {"PointInTimeRecoveryEnabled": is_on}
        client.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=wanted)

    def time_to_live(self, *, is_on: bool) -> None:
        wanted = {"Enabled": is_on, "AttributeName": "ttl"}
        self.dynamodb.client.update_time_to_live(TableName=self.dynamodb.credits_table, TimeToLiveSpecification=wanted)

    @property
    def functions(self) -> Any:
        return self.clients["lambda"]

    def setting(self, name: str, value: str) -> None:
        self.functions.environment[name] = value

    def doctor(self, *arguments: str, root: Path = ROOT) -> int:
        self._capsys.readouterr()
        code = cli.main(["doctor", "--stack", STACK, *arguments], root=root)
        self.printed = "".join(self._capsys.readouterr())
        for _, _, command in (line.partition(" → ") for line in self.printed.splitlines()):
            assert "…" not in command, "a gap to fill in cannot be pasted"
            assert not command.startswith(("make ", "aws ")) or shlex.split(command)
        return code

    def lines(self, level: str) -> list[str]:
        return [line for line in self.printed.splitlines() if line.startswith(level)]


@pytest.fixture
def stack(dynamodb: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Stack]:
    make_client: Any = boto3.client
    with mock_aws():
        made = Stack(dynamodb, capsys)
        monkeypatch.setattr("boto3.client", lambda name, **more: made.clients.get(name) or make_client(name, **more))
        for module in (aws, streams):
            monkeypatch.setattr(module, "dynamodb", lambda: dynamodb.client)
        monkeypatch.setattr(stripe_client, "http_client", lambda: InProcessStripe(made.simulator))
        assert cli.main(["stripe-webhook", "--stack", STACK, "--apply"]) == 0
        yield made


def test_a_healthy_stack_has_nothing_to_fix(stack: Stack):
    assert stack.doctor() == 0

    assert stack.lines("wrong") == stack.lines("warn") == []
    assert len(stack.lines("ok")) == 19
    assert stack.printed.endswith("topup-staging: 19 ok, 0 warn, 0 wrong\n")


def test_no_secret_is_shown(stack: Stack):
    stack.doctor()

    for name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "PROXY_API_KEY", "JWT_SECRET"):
        value = stack.ssm.get_parameter(Name=f"{PREFIX}/{name}", WithDecryption=True)["Parameter"]["Value"]
        assert value not in stack.printed


def test_it_names_the_services_that_have_a_key(stack: Stack):
    named = f"billing:read:{'n' * 24},{'d' * 24},billing:read+spend:{'o' * 24}"
    stack.put("PROXY_API_KEY", named)

    assert stack.doctor() == 0

    [line] = [line for line in stack.lines("ok") if "X-API-Key" in line]
    assert line.endswith("X-API-Key: 3 keys: billing, default; a rotation is under way: billing")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("STRIPE_SECRET_KEY", "pk_test_1", "Stripe key: STRIPE_SECRET_KEY must be a secret key"),
        ("STRIPE_SECRET_KEY", "sk_test_other", "Stripe: AuthenticationError"),
        ("STRIPE_SECRET_KEY", "sk_live_1", "a live key on stage 'staging'"),
        ("PROXY_API_KEY", ",", "no one may buy or spend"),
        ("JWT_SECRET", "short", "JWT_SECRET must have at least 32 bytes"),
        ("STRIPE_WEBHOOK_SECRET", "placeholder", "must be a signing secret of Stripe's"),
        ("PROXY_API_KEY", "short", "must have at least 20 bytes"),
    ],
)
def test_a_wrong_secret_is_named_with_the_command_that_fixes_it(stack: Stack, name: str, value: str, says: str):
    stack.put(name, value)

    assert stack.doctor() == 1

    [line] = [line for line in stack.lines("wrong") if says in line]
    assert (
        line.endswith(f" → make secrets STACK=topup-staging REPLACE={name}")
        or "make stripe-webhook STACK=topup-staging APPLY=1" in line
    )


def test_a_missing_secret_is_named(stack: Stack):
    stack.ssm.delete_parameter(Name=f"{PREFIX}/STRIPE_WEBHOOK_SECRET")

    assert stack.doctor() == 1
    assert any("STRIPE_WEBHOOK_SECRET is empty" in line for line in stack.lines("wrong"))


def test_a_secret_in_clear_text_is_wrong(stack: Stack):
    stack.ssm.delete_parameter(Name=f"{PREFIX}/JWT_SECRET")
    stack.put("JWT_SECRET", "a-secret-of-more-than-thirty-two-bytes", kind="String")

    assert stack.doctor() == 1
    assert "secret JWT_SECRET: it is stored in clear text" in stack.printed
    assert "make secrets STACK=topup-staging REPLACE=JWT_SECRET" in stack.printed


@pytest.mark.parametrize("parameter", ["SecretsKeyArn", "DataKeyArn"])
def test_a_secret_under_another_kms_key_than_the_stacks_is_wrong(stack: Stack, parameter: str):
    key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    stack.clients["cloudformation"].parameters[parameter] = key
    for name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "PROXY_API_KEY"):
        value = stack.ssm.get_parameter(Name=f"{PREFIX}/{name}", WithDecryption=True)["Parameter"]["Value"]
        stack.ssm.put_parameter(Name=f"{PREFIX}/{name}", Value=value, Type="SecureString", KeyId=key, Overwrite=True)

    assert stack.doctor() == 1
    [line] = stack.lines("wrong")
    assert line.startswith("wrong  secret JWT_SECRET: it is not encrypted with the stack's KMS key: ")
    assert line.endswith(" → make secrets STACK=topup-staging")


def test_a_test_key_in_production_is_a_warning(stack: Stack):
    stack.clients["cloudformation"].tags["stage"] = "prod"

    assert stack.doctor() == 0
    assert "test cards buy credits" in stack.lines("warn")[0]


def test_pages_without_https_are_wrong_with_a_live_key(stack: Stack):
    stack.clients["cloudformation"].tags["stage"] = "prod"
    stack.put("STRIPE_SECRET_KEY", "sk_live_1")
    stack.setting("FRONTEND_URL", "http://shop.example,https://shop.example")

    assert stack.doctor() == 1
    assert any("http://shop.example: with a live key pages must be https" in line for line in stack.lines("wrong"))


def test_a_setting_that_does_not_parse_is_wrong_and_the_rest_is_still_checked(stack: Stack):
    stack.setting("CREDITS_EXPIRE_AFTER_MONTHS", "six")

    assert stack.doctor() == 1
    assert "settings: CREDITS_EXPIRE_AFTER_MONTHS must be a whole number" in stack.printed
    assert any("concurrency" in line for line in stack.lines("ok"))


# ---------------------------------------------------------------------------------------------------- the endpoint


@pytest.mark.parametrize(
    ("changes", "level", "says"),
    [
        ({"enabled_events": list(EVENT_TYPES[1:])}, "wrong", "missing: checkout.session.completed"),
        ({"enabled_events": [*EVENT_TYPES, "charge.updated"]}, "warn", "not needed: charge.updated"),
        ({"enabled_events": ["*"]}, "warn", "all types"),
        ({"disabled": True}, "wrong", "it is disabled"),
        ({"url": "http://127.0.0.1:9/"}, "wrong", f"there is none for {URL}"),
    ],
)
def test_an_endpoint_that_is_not_set_up_correctly(stack: Stack, changes: Any, level: str, says: str):
    [endpoint] = stack.stripe.v1.webhook_endpoints.list().data
    stack.stripe.v1.webhook_endpoints.update(endpoint.id, changes)

    assert stack.doctor() == (1 if level == "wrong" else 0)

    [line] = stack.lines(level)
    assert says in line
    assert line.endswith("make stripe-webhook STACK=topup-staging APPLY=1")


def test_a_key_that_may_not_read_what_reconcile_reads_is_wrong(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    carry_out = stack.simulator.request

    def restricted(method: str, url: str, *rest: Any) -> Any:
        if urlsplit(url).path in ("/v1/refunds", "/v1/radar/early_fraud_warnings"):
            return 403, {}, b'{"error": {"type": "invalid_request_error", "message": "The provided key may not"}}'
        return carry_out(method, url, *rest)

    monkeypatch.setattr(stack.simulator, "request", restricted)

    assert stack.doctor() == 1

    [line] = stack.lines("wrong")
    assert "this key may not read refunds, early fraud warnings: reconcile would fail" in line
    assert "Stripe's Dashboard" in line


def test_an_endpoint_of_another_api_version_is_wrong(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stripe_account, "API_VERSION", "2027-03-31.next")
    monkeypatch.setattr(stripe_client, "API_VERSION", "2027-03-31.next")

    assert stack.doctor() == 1
    assert "2026-10-28.endive, not 2027-03-31.next" in stack.lines("wrong")[0]


def test_an_endpoint_made_by_hand_may_have_another_secret_than_the_stored_one(stack: Stack):
    stack.put("STRIPE_WEBHOOK_SECRET", "whsec_of_another_endpoint")

    assert stack.doctor() == 0
    assert "was not made by make stripe-webhook: its secret may not be the stored one" in stack.lines("warn")[0]


def test_the_webhooks_secret_is_encrypted_with_the_stacks_kms_key(stack: Stack):
    key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    stack.clients["cloudformation"].parameters["SecretsKeyArn"] = key

    assert cli.main(["stripe-webhook", "--stack", STACK, "--apply", "--rotate"]) == 0

    described = {one["Name"]: one["KeyId"] for one in stack.ssm.describe_parameters()["Parameters"]}
    assert described[f"{PREFIX}/STRIPE_WEBHOOK_SECRET"] == key


def test_a_rotation_under_way_is_a_warning(stack: Stack):
    assert cli.main(["stripe-webhook", "--stack", STACK, "--apply", "--rotate"]) == 0

    assert stack.doctor() == 0
    assert "FINISH=1" in stack.lines("warn")[0]


# ------------------------------------------------------------------------------------------------- tables and AWS


def test_tables_without_protection_are_wrong(stack: Stack):
    stack.protect(stack.dynamodb.orders_table, is_on=False)
    stack.time_to_live(is_on=False)

    assert stack.doctor() == 1

    fixes = [line.partition(" → ")[2].split(" --table-name")[0] for line in stack.lines("wrong")]
    assert fixes == [
        "aws dynamodb update-table",
        "aws dynamodb update-continuous-backups",
        "aws dynamodb update-time-to-live",
    ]


def test_a_table_that_is_gone_has_to_be_restored(stack: Stack):
    table = stack.dynamodb.credits_table
    stack.dynamodb.client.update_table(TableName=table, DeletionProtectionEnabled=False)
    stack.dynamodb.client.delete_table(TableName=table)

    assert stack.doctor() == 1
    assert f'table {table}: it does not exist → docs/runbook.md says how: "Restoring the tables"\n' in stack.printed


def test_what_is_printed_for_a_table_of_another_shape_makes_it_the_templates(stack: Stack):
    table, client = stack.dynamodb.credits_table, stack.dynamodb.client
    client.update_table(TableName=table, DeletionProtectionEnabled=False)
    client.delete_table(TableName=table)
    client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "user_id", "KeyType": "HASH"}, {"AttributeName": "record", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("user_id", "record")],
        BillingMode="PAY_PER_REQUEST",
    )
    assert stack.doctor() == 1
    assert "index due is missing" in stack.printed
    assert "its stream is not OLD_IMAGE" in stack.printed

    commands = [line.partition(" → ")[2] for line in stack.lines("wrong") if table in line]
    assert len(commands) == 5
    for command in commands:
        pasted(command, client)
    stack.reads_streams_of(stack.dynamodb.orders_table, table)

    assert stack.doctor() == 0
    assert stack.lines("wrong") == []


def pasted(command: str, client: Any) -> None:
    """Carry out a command of the AWS CLI: its options are the request's fields, as JSON or in the short form."""
    program, service, operation, *options = shlex.split(command)
    assert (program, service) == ("aws", "dynamodb")
    request: Json = {}
    for name, value in zip(options, [*options[1:], ""], strict=True):
        if not name.startswith("--"):
            continue
        field = "".join(part.title() for part in name.removeprefix("--").removeprefix("no-").split("-"))
        if value.startswith("--") or not value:
            request[field] = not name.startswith("--no-")
        elif value.startswith(("[", "{")):
            request[field] = json.loads(value)
        elif "=" in value:
            pairs = dict(pair.split("=") for pair in value.split(","))
            request[field] = {key: text == "true" if text in ("true", "false") else text for key, text in pairs.items()}
        else:
            request[field] = value
    getattr(client, operation.replace("-", "_"))(**request)


def test_a_trigger_that_is_disabled_is_enabled(stack: Stack):
    stack.functions.triggers[0]["State"] = "Disabled"

    assert stack.doctor() == 1
    assert stack.lines("wrong")[0].endswith(" → aws lambda update-event-source-mapping --uuid 1f2e-0 --enabled")


def test_a_stream_of_orders_that_nobody_reads_is_found(stack: Stack):
    stack.reads_streams_of(stack.dynamodb.credits_table)

    assert stack.doctor() == 1
    [line] = stack.lines("wrong")
    assert "not read as they are now by publish_events: no events are published" in line


def test_an_endpoint_at_a_closed_door_is_none(stack: Stack):
    stack.clients["cloudformation"].outputs["WebhookDoor"] = "function-url"
    [endpoint] = stack.stripe.v1.webhook_endpoints.list().data
    stack.stripe.v1.webhook_endpoints.update(endpoint.id, {"url": "http://localhost:8000/api/payments/webhook/stripe"})

    assert stack.doctor() == 1
    assert f"webhook endpoint: there is none for {URL}" in stack.printed


def test_a_table_with_other_keys_is_another_table(stack: Stack):
    table, client = stack.dynamodb.credits_table, stack.dynamodb.client
    client.update_table(TableName=table, DeletionProtectionEnabled=False)
    client.delete_table(TableName=table)
    client.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "user_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "user_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    assert stack.doctor() == 1
    assert "its keys are not the template's" in stack.printed


@pytest.mark.parametrize(
    ("limit", "reserved", "code", "says"),
    [
        (
            119,
            {"ReservedConcurrentExecutions": 5},
            0,
            "too few to reserve 20 → aws service-quotas request",
        ),
        (119, {}, 0, "nothing bounds their own → aws service-quotas request-service-quota-increase"),
        (120, {}, 0, "nothing bounds their own → make deploy STAGE=staging SET=WebhookConcurrency=20\n"),
        (1000, {"ReservedConcurrentExecutions": 0}, 1, "every event from Stripe is refused → make deploy"),
    ],
)
def test_concurrency_is_checked(stack: Stack, limit: int, reserved: Json, code: int, says: str):
    stack.functions.limit, stack.functions.reserved = limit, reserved

    assert stack.doctor() == code
    assert says in stack.printed


PENDING = {"SubscriptionArn": "PendingConfirmation", "Endpoint": "ops@shop.example"}


@pytest.mark.parametrize(
    ("subscriptions", "says"),
    [
        ([], 'nobody is told of them → make deploy STAGE=staging ASK="AlertEmail"'),
        ([PENDING], "ops@shop.example has not confirmed → follow the link in AWS's mail"),
    ],
)
@pytest.mark.parametrize(("stage", "level", "code"), [("staging", "warn", 0), ("prod", "wrong", 1)])
def test_alarms_that_nobody_hears_of_are_found(
    stack: Stack, subscriptions: list[Json], says: str, stage: str, level: str, code: int
):
    stack.clients["sns"].subscriptions = subscriptions
    stack.clients["cloudformation"].tags["stage"] = stage

    assert stack.doctor() == code

    urgent, notice = (line for line in stack.lines(level) if "nobody is told" in line)
    assert urgent.startswith(f"{level:<6} alarms that cannot wait: nobody is told of them")
    assert says in urgent
    assert notice.startswith(f"{level:<6} alarms that can wait: nobody is told of them")


def test_it_deploys_no_stack_that_samconfig_does_not_know(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "samconfig.toml").write_text(
        (ROOT / "samconfig.toml").read_text().replace('stack_name = "topup-staging"', 'stack_name = "another"')
    )
    (tmp_path / "template.yaml").write_text((ROOT / "template.yaml").read_text())
    stack.functions.reserved = {}

    assert stack.doctor(root=tmp_path) == 0
    assert "no stage of samconfig.toml has the stack_name topup-staging: add one" in stack.printed
    assert "deploy STAGE" not in stack.printed


# --------------------------------------------------------------------------------------------------- keys and clocks


@pytest.mark.parametrize(
    ("key", "code", "says"),
    [
        (rsa.generate_private_key(public_exponent=65537, key_size=2048), 0, "ok     tokens: the public key is good"),
        (ec.generate_private_key(ec.SECP384R1()), 1, "must be an RSA, P-256 or Ed25519 key"),
    ],
)
def test_a_public_key_is_parsed(stack: Stack, key: Any, code: int, says: str):
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    stack.setting("JWT_PUBLIC_KEY", pem.replace("\n", "\\n"))

    assert stack.doctor() == code
    assert says in stack.printed
    assert "iss or aud is not checked" in stack.printed


def test_keys_that_cannot_be_fetched_are_wrong(stack: Stack):
    use_a_provider(stack)

    assert stack.doctor() == 1
    [line] = stack.lines("wrong")
    assert "there are no keys at http://127.0.0.1:1/jwks.json (PyJWKClientConnectionError: Fail to fetch" in line


def use_a_provider(stack: Stack) -> None:
    stack.setting("JWT_JWKS_URL", "http://127.0.0.1:1/jwks.json")
    stack.setting("JWT_ISSUER", "https://provider.example")
    stack.setting("JWT_AUDIENCE", "*")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"<html>We will be back soon</html>", "JSONDecodeError: Expecting value"),
        (b"", "JSONDecodeError: Expecting value"),
        (b"[]", "did not return a JSON object"),
        (b'{"message": "Forbidden"}', "did not contain any keys"),
        (b'{"keys": []}', "did not contain any keys"),
        (
            b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}]}',
            "none of the keys is for RS256, ES256, EdDSA",
        ),
        (ConnectionResetError("reset"), "ConnectionResetError: reset"),
    ],
    ids=repr,
)
def test_whatever_the_provider_answers_instead_of_keys_is_said_and_the_rest_is_still_checked(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, answer: bytes | Exception, says: str
):
    def opened(*_: Any, **__: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(answer)

    use_a_provider(stack)
    monkeypatch.setattr("urllib.request.OpenerDirector.open", opened)

    assert stack.doctor() == 1

    [line] = stack.lines("wrong")
    assert says in line
    assert any("concurrency" in line for line in stack.lines("ok"))


def test_a_provider_without_an_audience_is_wrong(stack: Stack):
    use_a_provider(stack)
    stack.setting("JWT_AUDIENCE", "")

    assert stack.doctor() == 1
    assert "JWT_AUDIENCE must be set with JWT_JWKS_URL" in stack.printed


@pytest.mark.parametrize(("seconds", "level"), [(2, "ok"), (60, "warn"), (400, "wrong")])
def test_clocks_are_compared(seconds: int, level: str):
    now = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
    date = format_datetime(now - timedelta(seconds=seconds), usegmt=True)

    [finding] = stripe_account._clock({"date": date}, now)

    assert finding.level == level
    assert f"by {seconds} s" in finding.says


# --------------------------------------------------------------------------------------------------- the local stack


def test_without_a_local_stack_the_settings_are_still_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name in ("template.yaml", ".env.example"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    for name in ("STRIPE_SECRET_KEY", "FRONTEND_URL", "JWT_SECRET", "PROXY_API_KEY", "STRIPE_WEBHOOK_SECRET"):
        monkeypatch.delenv(name)

    assert cli.main(["doctor"], root=tmp_path) == 1

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("wrong")] == [
        "wrong  tables: no local stack is running → make run"
    ]
    assert "ok     Stripe key: test mode, stage local" in lines


def test_a_setting_that_the_local_stack_cannot_start_with_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / ".env.example").write_text((ROOT / ".env.example").read_text())
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_1")

    assert cli.main(["doctor"], root=tmp_path) == 2
    assert "live key" in capsys.readouterr().err


def test_another_products_stack_is_refused(stack: Stack):
    del stack.clients["cloudformation"].outputs["WebhookUrl"]

    assert stack.doctor() == 2
    assert "has no output WebhookUrl" in stack.printed
