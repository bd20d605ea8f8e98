"""The template agrees with the functions and the code: routes, tables, permissions, secrets, time limits."""

import json
import re

import pytest

from local import ROOT
from local.in_process.api import template
from tests.unit.template_parts import document, functions, policy_of, resources
from topup.store import credit_items

ROUTES = {
    "no_route": {"$default"},
    "console": {"GET /console", "GET /console/{file}"},
    "list_packages": {"GET /api/payments/packages"},
    "create_checkout": {"POST /api/payments/stripe/create"},
    "stripe_webhook": {"POST /api/payments/webhook/stripe"},
    "get_payment": {"GET /api/payments/{payment_id}"},
    "cancel_checkout": {"POST /api/payments/{payment_id}/cancel"},
    "list_payments": {"GET /api/payments", "GET /api/users/{user_id}/payments"},
    "get_credits": {"GET /api/users/credits", "GET /api/users/{user_id}/credits"},
    "list_transactions": {"GET /api/users/credits/transactions", "GET /api/users/{user_id}/credits/transactions"},
    "spend_batch": {"POST /api/users/credits/spend/batch"},
    "reverse_spend": {"POST /api/users/credits/spend/reverse"},
    "open_hold": {"POST /api/users/credits/holds"},
    "list_holds": {"GET /api/users/{user_id}/holds"},
    "capture_hold": {"POST /api/users/credits/holds/{hold_id}/capture"},
    "extend_hold": {"POST /api/users/credits/holds/{hold_id}/extend"},
    "release_hold": {"POST /api/users/credits/holds/{hold_id}/release"},
    "find_payments": {"GET /api/admin/payments"},
    "quote_refund": {"POST /api/payments/stripe/refund/quote"},
    "release_payment": {"POST /api/admin/payments/{payment_id}/release"},
    "refund_payment": {"POST /api/payments/stripe/refund"},
    "spend_credits": {"POST /api/users/credits/spend"},
    "grant_credits": {"POST /api/admin/credits/grant"},
    "adjust_credits": {"POST /api/admin/credits/adjust"},
}
BACKGROUND = {"daily_report", "expire_credits", "publish_events", "reconcile"}
ON_STREAMS = ("expire_credits", "publish_events")
API_TIMEOUT = 30  # seconds; API Gateway's, for an HTTP API


def test_every_function_of_the_template_exists_and_every_folder_is_in_the_template():
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}

    assert folders == set(functions()) == set(ROUTES) | BACKGROUND


def test_the_routes_are_those_of_the_public_api():
    routes: dict[str, set[str]] = {}
    for route in template().routes:
        routes.setdefault(route.function.name, set()).add(route.key)

    assert routes == {name: keys | {_head(key) for key in keys} for name, keys in ROUTES.items()}


def _head(key: str) -> str:
    """HEAD goes where GET does."""
    return key.replace("GET ", "HEAD ")


def test_only_the_webhook_has_a_function_url():
    assert {function.name for function in template().functions if function.has_url} == {"stripe_webhook"}


def test_only_the_credits_table_has_ttl_on_the_attribute_that_the_code_writes():
    assert {table.logical_id: table.ttl_attribute for table in template().tables} == {
        "OrdersTable": None,
        "CreditsTable": credit_items.TTL_ATTRIBUTE,
    }


@pytest.mark.parametrize("table", ["OrdersTable", "CreditsTable"])
def test_tables_are_protected_from_deletion_and_backed_up(table: str):
    body = resources("AWS::DynamoDB::Table")[table]

    assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert body["Properties"]["DeletionProtectionEnabled"] is True
    assert body["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_the_webhook_has_reserved_concurrency_and_the_api_is_throttled():
    assert "ReservedConcurrentExecutions" in functions()["stripe_webhook"]
    [api] = resources("AWS::Serverless::HttpApi").values()
    assert api["Properties"]["DefaultRouteSettings"].keys() == {"ThrottlingRateLimit", "ThrottlingBurstLimit"}


TRACES = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]  # X-Ray's actions know no resources
OF_STREAMS = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}


def test_every_function_has_a_role_of_its_own_without_policies_of_aws():
    roles = {name: function["Role"]["Fn::GetAtt"][0] for name, function in functions().items()}

    assert len(set(roles.values())) == len(roles)
    for name, function in functions().items():
        assert "Policies" not in function, name
        assert "ManagedPolicyArns" not in resources("AWS::IAM::Role")[roles[name]]["Properties"], name


def test_no_function_may_do_everything_or_touch_everything():
    for name in functions():
        for actions, resources_named in policy_of(name):
            assert not any("*" in action for action in actions), name
            assert actions == TRACES or not any(resource in ("*", "'*'") for resource in resources_named), name


def test_a_function_may_write_its_own_log_and_make_no_other():
    for name, function in functions().items():
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        [about_logs] = [
            statement for statement in policy_of(name) if any(action.startswith("logs:") for action in statement[0])
        ]
        assert about_logs == (["logs:CreateLogStream", "logs:PutLogEvents"], [str({"Fn::GetAtt": [group, "Arn"]})])


def either(table: str, attribute: str, parameter: str) -> dict[str, object]:
    """An attribute of the stack's own table, or that of the one that it takes over."""
    return {"Fn::If": ["CreatesTables", {"Fn::GetAtt": [table, attribute]}, {"Ref": parameter}]}


def test_only_the_functions_on_streams_may_read_them_and_only_those_of_their_tables():
    credits = str(either("CreditsTable", "StreamArn", "CreditsStreamArn"))
    orders = str(either("OrdersTable", "StreamArn", "OrdersStreamArn"))
    all_of_credits, all_of_orders = (
        str({"Fn::Sub": ["${Arn}/stream/*", {"Arn": either(table, "Arn", f"{table}Arn")}]})
        for table in ("CreditsTable", "OrdersTable")
    )
    readers = {
        name: [named for actions, named in policy_of(name) if OF_STREAMS & set(actions)]
        for name in functions()
        if any(OF_STREAMS & set(actions) for actions, _ in policy_of(name))
    }

    assert readers == {
        "expire_credits": [[credits], [all_of_credits]],
        "publish_events": [[credits, orders], [all_of_credits, all_of_orders]],
    }


def test_only_who_tells_of_something_may_put_events_and_only_on_the_stacks_bus():
    allowed = {
        name: [named for actions, named in policy_of(name) if any(action.startswith("events:") for action in actions)]
        for name in functions()
    }
    bus = str({"Fn::If": ["CreatesEventBus", {"Fn::GetAtt": ["EventBus", "Arn"]}, {"Ref": "EventBusArn"}]})

    assert {name: named for name, named in allowed.items() if named} == {
        "daily_report": [[bus]],
        "publish_events": [[bus]],
    }


@pytest.mark.parametrize("function", ["Reconcile", "DailyReport"])
def test_only_this_accounts_schedules_may_run_a_function(function: str):
    role = resources("AWS::IAM::Role")[f"{function}FunctionScheduleRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_no_function_may_do_what_the_store_never_does():
    # The emulated DynamoDB refuses what a function's policy does not allow; this is the other direction, roughly.
    source = "".join(path.read_text() for path in (ROOT / "layers/topup/topup/store").glob("*.py"))
    calls = {
        f"dynamodb:{name.title().replace('_', '')}"
        for name in re.findall(r"\b(get_item|batch_get_item|put_item|update_item|delete_item|query|scan)\b", source)
    }
    writes = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
    calls |= {f"dynamodb:{action}" for kind, action in writes.items() if f'"{kind}"' in source}
    scan = {"dynamodb:Scan"}  # the audit's, which an operator runs, and the daily report's

    for name in functions():
        for actions, _ in policy_of(name):
            allowed = {action for action in actions if action.startswith("dynamodb:")}
            assert allowed <= calls - scan | OF_STREAMS | (scan if name == "daily_report" else set()), name


@pytest.mark.parametrize(
    ("secret", "readers"),
    [
        (
            "STRIPE_SECRET_KEY",
            {
                "create_checkout",
                "stripe_webhook",
                "get_payment",
                "cancel_checkout",
                "refund_payment",
                "reconcile",
                "find_payments",
                "release_payment",
            },
        ),
        ("STRIPE_WEBHOOK_SECRET", {"stripe_webhook"}),
        (
            "PROXY_API_KEY",
            {
                *("create_checkout", "spend_credits", "spend_batch", "reverse_spend", "open_hold", "capture_hold"),
                *("extend_hold", "release_hold", "list_holds", "list_payments", "get_credits", "list_transactions"),
                "grant_credits",
            },
        ),
        (
            "JWT_SECRET",
            {
                *(
                    "create_checkout",
                    "cancel_checkout",
                    "find_payments",
                    "quote_refund",
                    "refund_payment",
                    "release_payment",
                    "get_payment",
                    "list_payments",
                    "get_credits",
                ),
                *("list_transactions", "grant_credits", "adjust_credits", "reverse_spend", "list_holds"),
            },
        ),
    ],
)
def test_only_the_functions_that_need_a_secret_may_read_it(secret: str, readers: set[str]):
    assert {
        name for name in functions() for _, named in policy_of(name) if any(secret in resource for resource in named)
    } == readers


@pytest.mark.parametrize("function", sorted(ROUTES))
def test_a_functions_timeout_is_shorter_than_the_apis(function: str):
    # That each function answers before its own: tests/integration/test_time_limits.py.
    [timeout] = {body.timeout for body in template().functions if body.name == function}

    assert timeout < API_TIMEOUT


def test_every_function_and_trigger_has_a_sample_event():
    events = {path.stem: json.loads(path.read_text()) for path in (ROOT / "events").glob("*.json")}

    assert set(events) == {*ROUTES, *BACKGROUND, "stripe_webhook_url"}
    for name, event in events.items():
        if name in ROUTES:
            assert event["routeKey"] in ROUTES[name]


def test_a_function_reads_exactly_the_secrets_that_its_policy_allows():
    for name, function in functions().items():
        listed = function.get("Environment", {}).get("Variables", {}).get("SECRETS", "")
        allowed = [
            resource.rpartition("/")[2].rstrip("'}")
            for actions, named in policy_of(name)
            if actions == ["ssm:GetParameters"]
            for resource in named
        ]
        assert listed == ",".join(allowed), name


@pytest.mark.parametrize(
    ("function", "name"), [(function, name) for function in ON_STREAMS for name in functions()[function]["Events"]]
)
def test_a_stream_mapping_loses_no_record_and_is_not_blocked_by_one(function: str, name: str):
    mapping = functions()[function]["Events"][name]
    properties = mapping["Properties"]
    assert mapping["Type"] == "DynamoDB"
    assert properties["StartingPosition"] == "TRIM_HORIZON"
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["BisectBatchOnFunctionError"] is True
    assert 0 < properties["MaximumRetryAttempts"] <= 100
    assert 0 < properties["MaximumRecordAgeInSeconds"] < 86400
    assert "ExpiryFailuresBucket" in resources("AWS::S3::Bucket")
    assert "ExpiryFailuresBucket" in str(properties["DestinationConfig"]["OnFailure"])


def test_expire_credits_gets_the_timers_that_ttl_deletes():
    [mapping] = functions()["expire_credits"]["Events"].values()
    [pattern] = [json.loads(one["Pattern"]) for one in mapping["Properties"]["FilterCriteria"]["Filters"]]
    assert pattern["userIdentity"] == {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}
    assert pattern["dynamodb"]["Keys"]["record"]["S"] == [{"prefix": credit_items.TIMER}]


def test_copies_of_the_tables_are_deleted_within_a_month():
    [rule] = resources("AWS::S3::Bucket")["ExportsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]

    assert rule["Status"] == "Enabled"
    assert 1 <= rule["ExpirationInDays"] <= 31


def test_the_schedule_gives_reconcile_its_planned_time():
    [schedule] = functions()["reconcile"]["Events"].values()

    assert schedule["Type"] == "ScheduleV2"
    assert json.loads(schedule["Properties"]["Input"]) == {"time": "<aws.scheduler.scheduled-time>"}


def test_neither_the_schedule_nor_lambda_runs_a_failed_reconcile_again():
    [schedule] = functions()["reconcile"]["Events"].values()

    assert schedule["Properties"]["RetryPolicy"] == {"MaximumRetryAttempts": 0}
    # Every 15 minutes: a run that waited for longer would run beside the next one.
    assert functions()["reconcile"]["EventInvokeConfig"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 900}


def test_the_template_contains_no_secret():
    text = (ROOT / "template.yaml").read_text()

    assert not re.search(r"sk_(test|live)_|whsec_|BEGIN [A-Z ]*KEY", text)


def test_an_identity_provider_without_an_audience_is_refused_before_anything_is_deployed():
    rule = document()["Rules"]["AudienceOfAnIdentityProvider"]

    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "JwtJwksUrl"}, ""]}]}
    [assertion] = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "JwtAudience"}, ""]}]}


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("", True),
        ("*", True),
        ("web", True),
        ("web,ios", True),
        ("api://topup", True),
        ("*,web", False),
        ("web,", False),
        ("web, ios", False),
        ("**", False),
    ],
)
def test_the_audience_is_a_list_or_a_star(text: str, is_right: bool):
    pattern = document()["Parameters"]["JwtAudience"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, text)) is is_right
