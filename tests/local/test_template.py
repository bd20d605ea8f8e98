"""How the local stack reads template.yaml and .env files, and what it makes of them."""

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from local import banner, environment, settings
from local.aws import template
from local.aws.template import Template, TemplateError
from local.banner import Access
from local.environment import Addresses
from local.settings import SettingsError

ROOT = Path(__file__).parents[2]
PARAMETERS = {"FrontendUrls": "http://localhost:3000,https://shop.example", "SecretsPrefix": ""}
ADDRESSES = Addresses(
    api="http://localhost:8000",
    webhook="http://localhost:8001",
    stripe="http://localhost:12111",
    web="http://localhost:3000",
    dynamodb="http://127.0.0.1:4566",
)
VALID = {
    "JWT_SECRET": "a secret of at least thirty-two bytes",
    "PROXY_API_KEY": "a-key-of-twenty-bytes",
    "STRIPE_SECRET_KEY": "sk_test_local_simulator",
    "STRIPE_WEBHOOK_SECRET": "whsec_of_the_endpoint",
    "API_BASE_URL": "http://localhost:8000",
    "FRONTEND_URL": "http://localhost:3000",
}


@pytest.fixture(scope="module")
def ours() -> Template:
    return template.read(ROOT / "template.yaml", PARAMETERS)


def read(tmp_path: Path, text: str, **parameters: str) -> Template:
    path = tmp_path / "template.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return template.read(path, parameters)


def a_function(environment: str, more: str = "") -> str:
    """A template whose only function has this environment."""
    return f"""
        Parameters:
          Name: {{Type: String, Default: topup}}
          Urls: {{Type: CommaDelimitedList, Default: "https://a.example,https://b.example"}}
        Conditions:
          Named: !Not [!Equals [!Ref Name, ""]]
        Resources:
          Orders: {{Type: AWS::DynamoDB::Table, Properties: {{}}}}
          Handler:
            Type: AWS::Serverless::Function
            Properties:
              CodeUri: functions/one/
              Handler: app.handler
              Environment: {{Variables: {{VALUE: {environment}}}}}
        {more}
        """


# ------------------------------------------------------------------------------------------------ our own template


def test_every_function_of_the_template_has_its_code_in_the_project(ours: Template) -> None:
    assert ours.functions
    for function in ours.functions:
        assert (ROOT / function.code / "app.py").is_file(), function.logical_id


def test_routes_lead_to_their_functions(ours: Template) -> None:
    keys = {route.key: route.function.name for route in ours.routes}

    assert keys["GET /api/payments/packages"] == "list_packages"
    assert keys["GET /api/payments/{payment_id}"] == "get_payment"
    assert keys["POST /api/payments/webhook/stripe"] == "stripe_webhook"


def test_globals_reach_every_function(ours: Template) -> None:
    for function in ours.functions:
        assert function.handler == "app.handler"
        assert function.timeout > 0
        assert function.environment["CREDITS_TABLE"] == "local-CreditsTable"


def test_frontend_urls_become_the_environment_and_the_cors_origins(ours: Template) -> None:
    assert ours.environment["FRONTEND_URL"] == "http://localhost:3000,https://shop.example"
    assert ours.cors.origins == ("http://localhost:3000", "https://shop.example")


def test_an_empty_secrets_prefix_is_allowed_here_although_the_pattern_forbids_it(ours: Template) -> None:
    assert ours.environment["SECRETS_PREFIX"] == ""


def test_one_function_has_a_url(ours: Template) -> None:
    assert [function.name for function in ours.functions if function.has_url] == ["stripe_webhook"]


def test_tables_keep_keys_indexes_stream_and_ttl(ours: Template) -> None:
    tables = {table.logical_id: table for table in ours.tables}

    assert [index["IndexName"] for index in tables["OrdersTable"].definition["GlobalSecondaryIndexes"]]
    assert tables["OrdersTable"].ttl_attribute is None
    assert tables["CreditsTable"].ttl_attribute == "ttl"
    assert tables["CreditsTable"].definition["StreamSpecification"]["StreamEnabled"] is True


def test_tables_that_a_stack_takes_over_have_the_names_of_their_arns_and_their_own_streams() -> None:
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/restored"
    given = {
        "OrdersTableArn": f"{arn}-orders",
        "OrdersStreamArn": f"{arn}-orders/stream/2026-11-26T08:00:00.000",
        "CreditsTableArn": f"{arn}-credits",
        "CreditsStreamArn": f"{arn}-credits/stream/2026-11-26T08:00:00.000",
    }

    taken = template.read(ROOT / "template.yaml", PARAMETERS | given)

    assert {table.logical_id: (table.name, table.is_given) for table in taken.tables} == {
        "OrdersTable": ("restored-orders", True),
        "CreditsTable": ("restored-credits", True),
    }
    assert {mapping.table for mapping in taken.streams} == {"OrdersTable", "CreditsTable"}
    assert taken.environment["CREDITS_TABLE"] == "restored-credits"
    with pytest.raises(TemplateError, match="the stream of a table that is given"):
        template.read(ROOT / "template.yaml", PARAMETERS | given | {"CreditsStreamArn": f"{arn}-other/stream/1"})


# ------------------------------------------------------------------------------------------------------ intrinsics


@pytest.mark.parametrize(
    ("intrinsic", "value"),
    [
        ("!Ref Name", "topup"),
        ("!Ref Orders", "local-Orders"),
        ("!Ref AWS::Region", "us-east-1"),
        ("!GetAtt Orders.Arn", "arn:aws:local:us-east-1:123456789012:local-Orders"),
        ("!Sub '${Name} in ${AWS::Region}, not ${!Name}'", "topup in us-east-1, not ${Name}"),
        ("!Sub ['${Name} ${It}', {It: !Ref Orders}]", "topup local-Orders"),
        ("!Join [' ', !Ref Urls]", "https://a.example https://b.example"),
        ("!Select [1, !Ref Urls]", "https://b.example"),
        ("!Select [0, !Split ['-', a-b]]", "a"),
        ("!If [Named, here, there]", "here"),
        ("{'Fn::Join': ['', [a, {Ref: Name}]]}", "atopup"),
        ("7", "7"),
        ("true", "true"),
    ],
)
def test_intrinsics_resolve(tmp_path: Path, intrinsic: str, value: str) -> None:
    assert read(tmp_path, a_function(intrinsic)).functions[0].environment["VALUE"] == value


@pytest.mark.parametrize(
    ("intrinsic", "complaint"),
    [
        ("!ImportValue Other", "does not know Fn::ImportValue"),
        ("!Ref Nothing", "names no parameter and no resource"),
        ("!GetAtt Orders.StreamLabel", "does not know !GetAtt Orders.StreamLabel"),
        ("!If [Unknown, a, b]", "no condition is called Unknown"),
        ("!Select [1, [a], b]", "expected 2 arguments"),
    ],
)
def test_what_cannot_be_resolved_is_named_with_its_place(tmp_path: Path, intrinsic: str, complaint: str) -> None:
    with pytest.raises(TemplateError, match=rf"Handler\.Environment\.VALUE.*: .*{complaint}"):
        read(tmp_path, a_function(intrinsic))


def test_no_value_removes_the_variable(tmp_path: Path) -> None:
    assert read(tmp_path, a_function("!Ref AWS::NoValue")).functions[0].environment == {}


def test_a_value_that_the_parameter_does_not_allow_is_refused(tmp_path: Path) -> None:
    text = "Parameters: {Level: {Type: String, AllowedPattern: '[A-Z]+'}}"

    with pytest.raises(TemplateError, match="Level: 'loud' does not match"):
        read(tmp_path, text, Level="loud")


@pytest.mark.parametrize(
    ("definition", "value", "complaint"),
    [
        ("{Type: String, AllowedValues: [INFO, ERROR]}", "LOUD", "Level: 'LOUD' is none of INFO, ERROR"),
        ("{Type: Number, MinValue: 1, MaxValue: 120}", "six", "Level: 'six' is no number from 1 to 120"),
        ("{Type: Number, MinValue: 1, MaxValue: 120}", "121", "Level: '121' is no number from 1 to 120"),
        ("{Type: Number, MinValue: 1}", "0", "Level: '0' is no number from 1 to inf"),
    ],
)
def test_a_value_outside_the_parameters_range_is_refused(
    tmp_path: Path, definition: str, value: str, complaint: str
) -> None:
    with pytest.raises(TemplateError, match=complaint):
        read(tmp_path, f"Parameters: {{Level: {definition}}}", Level=value)


def test_a_parameter_without_a_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"Parameters\.Level: no value"):
        read(tmp_path, "Parameters: {Level: {Type: String}}")


def test_a_resource_whose_condition_is_false_does_not_exist(tmp_path: Path) -> None:
    text = """
        Conditions: {Never: !Equals [a, b]}
        Resources:
          Handler: {Type: AWS::Serverless::Function, Condition: Never, Properties: {CodeUri: one, Handler: app.handler}}
        """

    assert read(tmp_path, text).functions == ()


def test_two_functions_that_disagree_about_a_variable_cannot_share_a_process(tmp_path: Path) -> None:
    other = """
          Other:
            Type: AWS::Serverless::Function
            Properties: {CodeUri: two, Handler: app.handler, Environment: {Variables: {VALUE: two}}}
    """

    with pytest.raises(TemplateError, match="Other: VALUE has another value"):
        _ = read(tmp_path, a_function("one", other)).environment


def test_yaml_that_does_not_parse_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="line 2"):
        read(tmp_path, "Resources:\n  a: ]")


def test_stream_mappings_keep_their_filters(tmp_path: Path) -> None:
    event = """
              Events:
                Expired:
                  Type: DynamoDB
                  Properties:
                    Stream: !GetAtt Orders.StreamArn
                    FilterCriteria: {Filters: [{Pattern: '{"eventName": ["REMOVE"]}'}]}
    """
    mapping = read(tmp_path, a_function("1", event)).streams[0]

    assert mapping.table == "Orders"
    assert mapping.filters == ({"eventName": ["REMOVE"]},)


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("{", "must be JSON"),
        ("[]", "must be an object"),
        ("{}", "must be an object"),
        ('{"a": "x"}', r"\.a: a filter pattern must be an object"),
        ('{"a": {"b": [{"prefx": "x"}]}}', r'\.a\.b: {"prefx": "x"} is no filter operator'),
        ('{"a": [{"prefix": "x", "exists": true}]}', r"\.a: .* is no filter operator"),
    ],
)
def test_a_filter_that_aws_would_refuse_is_named(tmp_path: Path, pattern: str, complaint: str) -> None:
    event = f"""
              Events:
                Expired:
                  Type: DynamoDB
                  Properties:
                    Stream: !GetAtt Orders.StreamArn
                    FilterCriteria: {{Filters: [{{Pattern: '{pattern}'}}]}}
    """
    with pytest.raises(TemplateError, match=rf"Handler\.Events\.Expired\.FilterCriteria.*{complaint}"):
        read(tmp_path, a_function("1", event))


# -------------------------------------------------------------------------------------------------------- settings


def an_env_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / ".env"
    path.write_text(text, encoding="utf-8")
    return path


def test_env_files_may_quote_export_and_comment(tmp_path: Path) -> None:
    text = "# a comment\n\nexport A=1 # why\nB='x # y'\nC=\"z\"  # no\nD = a#b\nE=\nF=# nothing\n"

    assert settings.parse(an_env_file(tmp_path, text)) == {
        "A": "1",
        "B": "x # y",
        "C": "z",
        "D": "a#b",
        "E": "",
        "F": "",
    }


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("JWT_SECRET", r"expected NAME=value"),
        ("1A=x", r"expected NAME=value"),
        ("A='open", r"the quote is not closed"),
        ("B=again", r"B is set twice"),
    ],
)
def test_a_malformed_line_is_named_and_not_repeated(tmp_path: Path, line: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=rf"^\.env, line 2: {complaint}$"):
        settings.parse(an_env_file(tmp_path, f"B=1\n{line}\n"))


def test_the_process_environment_beats_dotenv_which_beats_the_example(tmp_path: Path) -> None:
    example = "\n".join(f"{name}={value}" for name, value in VALID.items())
    (tmp_path / ".env.example").write_text(f"{example}\nAPI_PORT=1\nWEB_PORT=1\nSTRIPE_PORT=1\n", encoding="utf-8")
    an_env_file(tmp_path, "WEB_PORT=2\nSTRIPE_PORT=2\n")

    ports = settings.load(tmp_path, {"STRIPE_PORT": "3", "HOME": "/nowhere"}).ports

    assert ports == {"API_PORT": 1, "WEBHOOK_PORT": 8001, "STRIPE_PORT": 3, "WEB_PORT": 2}


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("STRIPE_SECRET_KEY", "sk_live_abc", "never touches real money"),
        ("STRIPE_SECRET_KEY", "rk_live_abc", "never touches real money"),
        ("STRIPE_SECRET_KEY", "pk_test_abc", "must be a test key"),
        ("STRIPE_SECRET_KEY", "sk_test_", "must be a test key"),
        ("STRIPE_SECRET_KEY", "sk_test_abc…", "must be a test key"),
        ("STRIPE_SECRET_KEY", "", "not set: STRIPE_SECRET_KEY"),
        ("JWT_SECRET", "short", "at least 32 bytes"),
        ("JWT_SECRET", f"{VALID['JWT_SECRET']},short", "at least 32 bytes"),
        ("PROXY_API_KEY", "x" * 19, "at least 20 bytes"),
        ("PROXY_API_KEY", "a-key-of-twenty-bytes,short", "at least 20 bytes"),
        ("STRIPE_WEBHOOK_SECRET", "abc", "must be a signing secret of Stripe's"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_short", "at least 20 bytes"),
        ("API_PORT", "http", "API_PORT must be a port number"),
        ("WEB_PORT", "65536", "WEB_PORT must be a port number"),
        ("WEB_PORT", "-1", "WEB_PORT must be a port number"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(tmp_path: Path, name: str, value: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as refusal:
        settings.load(tmp_path, {**VALID, name: value})

    assert "_abc" not in str(refusal.value)


def test_a_setting_in_dotenv_that_nothing_reads_is_listed(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("STRIPE_PUBLISHABLE_KEY=pk\n", encoding="utf-8")
    an_env_file(tmp_path, "JWT_SECRT=x\nLOG_LEVEL=INFO\nWEB_PORT=1\nSTRIPE_PUBLISHABLE_KEY=pk_2\n")

    assert settings.load(tmp_path, VALID).unused == ("JWT_SECRT",)


def test_a_key_of_stripes_own_test_mode_is_not_simulated(tmp_path: Path) -> None:
    assert settings.load(tmp_path, VALID).simulated
    assert not settings.load(tmp_path, {**VALID, "STRIPE_SECRET_KEY": "sk_test_51abc"}).simulated


# ----------------------------------------------------------------------------------------- the handlers' environment


def test_the_storefronts_real_origin_comes_first_when_it_is_not_configured(tmp_path: Path) -> None:
    given = settings.load(tmp_path, {**VALID, "WEB_PORT": "0", "API_PORT": "0"})
    moved = Addresses("http://localhost:1", "http://localhost:2", None, "http://localhost:4", "http://127.0.0.1:5")

    values = environment.with_addresses(given, moved).values

    assert values["FRONTEND_URL"] == "http://localhost:4,http://localhost:3000"
    assert values["API_BASE_URL"] == "http://localhost:1"


def test_a_public_api_base_url_stays_as_it_is(tmp_path: Path) -> None:
    given = settings.load(tmp_path, {**VALID, "API_PORT": "0", "API_BASE_URL": "https://tunnel.example"})

    assert environment.with_addresses(given, ADDRESSES).values["API_BASE_URL"] == "https://tunnel.example"


def test_no_aws_setting_of_the_shell_survives() -> None:
    shell = {"AWS_PROFILE": "prod", "AWS_SESSION_TOKEN": "real", "HOME": "/home/me", "NO_PROXY": "intranet"}

    environment.isolate(shell)

    assert shell == {"HOME": "/home/me", "NO_PROXY": "intranet,localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}


def test_handlers_get_local_aws_and_the_simulator(tmp_path: Path) -> None:
    variables = environment.for_handlers({"SECRETS_PREFIX": ""}, settings.load(tmp_path, VALID), ADDRESSES)

    assert variables["AWS_ENDPOINT_URL"] == ADDRESSES.dynamodb
    assert variables["AWS_ACCESS_KEY_ID"] == "local"
    assert variables["STRIPE_API_BASE"] == ADDRESSES.stripe
    assert variables["JWT_SECRET"] == VALID["JWT_SECRET"]


# ---------------------------------------------------------------------------------------------------------- banner


def test_without_the_simulator_the_banner_says_how_to_receive_stripes_events() -> None:
    access = Access(replace(ADDRESSES, stripe=None), user_token="u", admin_token="a", api_key="k")

    shown = banner.as_text(access, 1.0)

    assert "stripe listen --all-snapshot --forward-to localhost:8000/api/payments/webhook/stripe" in shown
    assert "STRIPE_WEBHOOK_SECRET" in shown
    assert "simulator" not in shown
