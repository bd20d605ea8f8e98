"""What an operator may choose: the webhook's door, a key, a domain, existing tables; and what a partition lacks."""

import json
import re
from typing import Any

import pytest

from local import ROOT
from local.aws.intrinsics import NO_VALUE
from tests.unit.template_parts import document, functions, policy_of, references, resolver, resources
from topup.domain.errors import ConfigurationError
from topup.runtime import chaos

WEBHOOK = "POST /api/payments/webhook/stripe"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d"
ORDERS = "arn:aws:dynamodb:eu-central-1:123456789012:table/restored-orders"
CREDITS = "arn:aws:dynamodb:eu-central-1:123456789012:table/restored-credits"
STREAM = f"{CREDITS}/stream/2026-11-26T08:00:00.000"
EXISTING = {
    "OrdersTableArn": ORDERS,
    "OrdersStreamArn": f"{ORDERS}/stream/2026-11-26T08:00:00.000",
    "CreditsTableArn": CREDITS,
    "CreditsStreamArn": STREAM,
}


def created(**parameters: str) -> set[str]:
    """The resources with a condition that these parameters fulfil."""
    conditional = {name: body["Condition"] for name, body in document()["Resources"].items() if "Condition" in body}
    return {name for name, condition in conditional.items() if resolver(**parameters).condition(condition, name)}


# ------------------------------------------------------------------------------------------------------ the door


@pytest.mark.parametrize(
    ("door", "has_url", "rate"), [("both", True, 200), ("function-url", True, 0), ("api", False, 200)]
)
def test_the_webhook_has_the_doors_that_are_chosen_and_no_other(door: str, has_url: bool, rate: int):
    of_the_url = {name for name in created(WebhookDoor=door) if name.startswith("StripeWebhookFunctionU")}
    [api] = resources("AWS::Serverless::HttpApi").values()
    limits = resolver(WebhookDoor=door).resolve(api["Properties"]["RouteSettings"], "")[WEBHOOK]

    assert len(of_the_url) == (3 if has_url else 0)  # the address, and the two permissions that open it
    assert (limits["ThrottlingRateLimit"], limits["ThrottlingBurstLimit"]) == (rate, 2 * rate)  # 0 closes the route


def test_the_output_names_a_door_that_is_open():
    value = document()["Outputs"]["WebhookUrl"]["Value"]

    assert value["Fn::If"][:2] == ["HasWebhookUrl", {"Fn::GetAtt": ["StripeWebhookFunctionUrl", "FunctionUrl"]}]
    own = resolver(WebhookDoor="api", DomainName="api.shop.example").resolve(value, "")
    assert own == "https://api.shop.example/api/payments/webhook/stripe"


# ---------------------------------------------------------------------------------------------------------- the key


def keys(value: Any) -> int:
    """How often a resource names the key."""
    return json.dumps(value).count(KEY)


def test_the_key_encrypts_everything_that_is_kept():
    resolved = resolver(DataKeyArn=KEY)
    kinds = ("AWS::DynamoDB::Table", "AWS::Logs::LogGroup", "AWS::SNS::Topic", "AWS::S3::Bucket")
    names = {
        "AWS::DynamoDB::Table": "SSESpecification",
        "AWS::Logs::LogGroup": "KmsKeyId",
        "AWS::SNS::Topic": "KmsMasterKeyId",
        "AWS::S3::Bucket": "BucketEncryption",
    }

    for kind in kinds:
        for name, body in resources(kind).items():
            assert keys(resolved.resolve(body["Properties"][names[kind]], name)) == 1, name
    [archive] = resources("AWS::Events::Archive").values()
    assert keys(resolved.resolve(archive["Properties"]["KmsKeyIdentifier"], "")) == 1
    assert "DataKeyPolicy" in created(DataKeyArn=KEY)


def test_without_a_key_aws_encrypts_with_its_own():
    plain = resolver()

    for kind, name in (("AWS::DynamoDB::Table", "SSESpecification"), ("AWS::Logs::LogGroup", "KmsKeyId")):
        for body in resources(kind).values():
            assert plain.resolve(body["Properties"][name], name) is NO_VALUE
    for bucket in resources("AWS::S3::Bucket").values():
        [rule] = plain.resolve(bucket["Properties"], "")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule == {"BucketKeyEnabled": False, "ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert not created() & {"DataKeyPolicy", "SecretsKeyPolicy"}


def test_exactly_the_functions_that_use_a_table_may_use_the_key_and_only_through_its_services():
    policy = document()["Resources"]["DataKeyPolicy"]["Properties"]
    [statement] = policy["PolicyDocument"]["Statement"]
    users = {
        function["Role"]["Fn::GetAtt"][0]
        for name, function in functions().items()
        if any(action.startswith("dynamodb:") for actions, _ in policy_of(name) for action in actions)
    }

    assert {role["Ref"] for role in policy["Roles"]} == users
    services = statement["Condition"]["StringEquals"]["kms:ViaService"]
    assert [service["Fn::Sub"].partition(".")[0] for service in services] == ["dynamodb", "s3"]
    assert set(references(statement["Resource"])) == {"DataKeyArn"}


@pytest.mark.parametrize(
    ("parameters", "key"),
    [({"DataKeyArn": KEY}, KEY), ({"SecretsKeyArn": KEY}, KEY), ({"DataKeyArn": f"{KEY}9", "SecretsKeyArn": KEY}, KEY)],
)
def test_secrets_have_the_same_key_or_one_of_their_own(parameters: dict[str, str], key: str):
    [statement] = document()["Resources"]["SecretsKeyPolicy"]["Properties"]["PolicyDocument"]["Statement"]

    assert "SecretsKeyPolicy" in created(**parameters)
    assert resolver(**parameters).resolve(statement["Resource"], "") == key


# ---------------------------------------------------------------------------------------------------------- the bus


BUS = "arn:aws:events:eu-central-1:123456789012:event-bus/shared"


def test_the_stack_has_its_own_bus_unless_another_is_given():
    variables = functions()["publish_events"]["Environment"]["Variables"]

    assert "EventBus" in created()
    assert "EventBus" not in created(EventBusArn=BUS)
    assert resolver(EventBusArn=BUS).resolve(variables["EVENT_BUS"], "") == BUS
    assert resolver(EventBusArn=BUS).resolve(document()["Outputs"]["EventBusName"]["Value"], "") == BUS


def test_events_are_kept_only_where_days_are_given_and_only_the_stacks():
    assert "EventArchive" not in created()
    assert "EventArchive" in created(EventArchiveDays="30")
    [archive] = resources("AWS::Events::Archive").values()
    kept = resolver(EventArchiveDays="30", EventBusArn=BUS).resolve(archive["Properties"], "")
    assert (kept["SourceArn"], kept["RetentionDays"], kept["EventPattern"]) == (BUS, "30", {"source": ["topup"]})


# -------------------------------------------------------------------------------------------------- existing tables


def test_a_stack_that_takes_tables_over_creates_none_and_uses_those_everywhere():
    taken = resolver(**EXISTING)

    assert not created(**EXISTING) & {"OrdersTable", "CreditsTable"}
    variables = taken.resolve(document()["Globals"]["Function"]["Environment"]["Variables"], "")
    assert (variables["ORDERS_TABLE"], variables["CREDITS_TABLE"]) == ("restored-orders", "restored-credits")
    for name in ("OrdersTableName", "CreditsTableName"):
        assert taken.resolve(document()["Outputs"][name]["Value"], name).startswith("restored-")
    [mapping] = functions()["expire_credits"]["Events"].values()
    assert taken.resolve(mapping["Properties"]["Stream"], "") == STREAM


def test_no_part_of_the_template_needs_the_stacks_own_tables_when_it_takes_others_over():
    others = {
        name: body for name, body in document()["Resources"].items() if name not in ("OrdersTable", "CreditsTable")
    }

    used = set(references(chosen(others)))

    assert not used & {"OrdersTable", "CreditsTable"}
    assert EXISTING.keys() <= used


def chosen(value: Any) -> Any:
    """The template without what is only there when the stack creates its tables."""
    if isinstance(value, list):
        return [chosen(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("Fn::If", [None])[0] == "CreatesTables":
        return value["Fn::If"][2]
    return {name: chosen(item) for name, item in value.items()}


def test_a_function_may_do_the_same_to_tables_that_were_taken_over():
    role = document()["Resources"]["ReconcileFunctionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    about_tables = [one for one in role if str(one["Action"]).count("dynamodb:")]

    taken = [resolver(**EXISTING).resolve(one["Resource"], "") for one in about_tables]

    assert taken == [ORDERS, f"{ORDERS}/index/waiting", CREDITS, f"{CREDITS}/index/due"]


def test_tables_are_taken_over_together_or_not_at_all():
    [rule] = document()["Rules"]["ExistingTables"]["Assertions"]

    assert resolver().resolve(rule["Assert"], "") is True
    assert resolver(**EXISTING).resolve(rule["Assert"], "") is True
    for name, arn in EXISTING.items():
        assert resolver(**{**EXISTING, name: ""}).resolve(rule["Assert"], "") is False
        assert resolver(**{name: arn}).resolve(rule["Assert"], "") is False


# ------------------------------------------------------------------------------------- the domain, and the partition


def test_a_domain_needs_its_certificate_and_is_the_apis_address():
    given = {"DomainName": "api.shop.example", "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/1"}
    [rule] = document()["Rules"]["Domain"]["Assertions"]

    assert created(**given) >= {"Domain", "DomainMapping"}
    assert not created() & {"Domain", "DomainMapping"}
    address = document()["Outputs"]["ApiUrl"]["Value"]
    assert resolver(**given).resolve(address, "") == "https://api.shop.example"
    assert resolver().resolve(address, "").endswith(".execute-api.us-east-1.amazonaws.com")
    assert resolver(**given).resolve(rule["Assert"], "") is True
    assert resolver(DomainName="api.shop.example").resolve(rule["Assert"], "") is False


def test_in_china_nothing_is_used_that_is_not_there():
    china = resolver(AWS__Partition="aws-cn", AWS__Region="cn-north-1", WebhookDoor="api")
    [mapping] = functions()["expire_credits"]["Events"].values()

    resolved = china.resolve({name: mapping["Properties"][name] for name in ("MetricsConfig", "DestinationConfig")}, "")

    assert resolved == {"DestinationConfig": {}}
    assert china.resolve(document()["Globals"]["Function"]["Tracing"], "") == "PassThrough"


def test_the_console_is_the_partitions():
    consoles = document()["Mappings"]["Partitions"]

    assert document()["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"][1] == {
        "Console": {"Fn::FindInMap": ["Partitions", {"Ref": "AWS::Partition"}, "Console"]}
    }
    assert consoles["aws-cn"] == {"Console": "console.amazonaws.cn"}
    assert consoles["aws-us-gov"] == {"Console": "console.amazonaws-us-gov.com"}


# -------------------------------------------------------------------------------------------- access logs, the bucket


def test_a_line_of_the_access_log_leads_to_the_functions_lines():
    [api] = resources("AWS::Serverless::HttpApi").values()
    settings = api["Properties"]["AccessLogSettings"]
    line = json.loads(settings["Format"])

    assert settings["DestinationArn"] == {"Fn::GetAtt": ["ApiLogs", "Arn"]}
    assert line["request_id"] == "$context.requestId"  # as in the lines of ours
    assert line["function_request_id"] == "$context.integration.requestId"  # as in those of Lambda's
    assert {"source_ip", "method", "path", "status", "error"} <= line.keys()
    assert "query" not in settings["Format"].lower()  # it may hold what is nobody's business
    assert "authorizer" not in settings["Format"]


def test_each_bucket_takes_encrypted_connections_only_and_is_open_to_nobody():
    buckets = resources("AWS::S3::Bucket")
    policies = {body["Properties"]["Bucket"]["Ref"]: body for body in resources("AWS::S3::BucketPolicy").values()}
    assert policies.keys() == buckets.keys()

    for name, policy in policies.items():
        [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}
        assert policy["DeletionPolicy"] == buckets[name]["DeletionPolicy"] == "Retain"
        assert set(buckets[name]["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


def test_no_function_is_tagged_by_itself():
    # Lambda's versions have no tags, so CloudFormation would publish a version that is not changed: Lambda refuses.
    assert not [name for name, function in functions().items() if "Tags" in function]
    assert "Tags" not in document()["Globals"]["Function"]


def test_every_rule_of_cloud_security_that_is_left_out_has_a_reason():
    left_out = [line for line in (ROOT / ".checkov.yaml").read_text().splitlines() if line.strip().startswith("- ")]

    assert left_out
    assert not [line for line in left_out if not re.fullmatch(r"  - CKV_[A-Z0-9_]+ # .{20,}", line)]


# -------------------------------------------------------------------------------------------------------- the faults


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("", True),
        ("throttle:0.05", True),
        ("throttle:0.05,timeout_after:0,duplicate:1", True),
        ("throttle:1.5", False),
        ("throttle:.5", False),
        ("throttle", False),
        ("crash:0.1", False),
        ("throttle:0.05,", False),
    ],
)
def test_faults_are_read_by_the_template_as_by_the_functions(text: str, is_right: bool):
    assert bool(re.fullmatch(document()["Parameters"]["Chaos"]["AllowedPattern"], text)) is is_right
    if is_right:
        assert len(chaos.shares(text)) == text.count(":")
    elif not text.endswith(","):
        with pytest.raises(ConfigurationError, match="TOPUP_CHAOS has"):
            chaos.shares(text)


def test_no_faults_are_deployed_where_money_is_real():
    rule = document()["Rules"]["NoChaosWhereMoneyIsReal"]
    [assertion] = rule["Assertions"]

    assert resolver().resolve(rule["RuleCondition"], "") is False
    assert resolver(Chaos="throttle:1").resolve(rule["RuleCondition"], "") is True
    assert resolver(SecretsPrefix="/topup/staging").resolve(assertion["Assert"], "") is True
    for stage in chaos.LIVE_STAGES:
        assert resolver(SecretsPrefix=f"/topup/{stage}").resolve(assertion["Assert"], "") is False


# ------------------------------------------------------------------------------------------------------- the console


def test_people_sign_in_to_the_console_at_the_issuer_of_the_tokens():
    rule = document()["Rules"]["ConsoleSignIn"]
    given = {"ConsoleClientId": "topup-console"}

    assert resolver().resolve(rule["RuleCondition"], "") is False
    assert resolver(**given).resolve(rule["RuleCondition"], "") is True
    [assertion] = rule["Assertions"]
    assert resolver(**given).resolve(assertion["Assert"], "") is False
    assert resolver(**given, JwtIssuer="https://id.example").resolve(assertion["Assert"], "") is True


def test_the_console_has_an_address_for_people_to_remember():
    address = document()["Outputs"]["ConsoleUrl"]["Value"]
    given = {"DomainName": "api.shop.example", "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/1"}

    assert resolver(**given).resolve(address, "") == "https://api.shop.example/console"


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("", True),
        ("https://login.example", True),
        ("https://a.example,https://b.example:8443", True),
        ("http://login.example", False),
        ("https://login.example/oauth2", False),
        ("https://login.example 'unsafe-inline'", False),
        ("https://a.example;script-src *", False),
    ],
)
def test_an_origin_of_the_console_cannot_change_the_rest_of_its_policy(text: str, is_right: bool):
    pattern = document()["Parameters"]["ConsoleOrigins"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, text)) is is_right
