"""How the stack is released and watched: aliases, alarms, logs, the dashboard, and the metrics that the code emits."""

import ast
import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local import ROOT
from local.aws.intrinsics import read_yaml
from local.in_process.api import template
from ops import stages
from tests.unit.template_parts import alarms, document, functions, placeholders, policy_of, references, resources
from topup.domain.reversals import Kind
from topup.runtime.telemetry import count
from topup.stripe_gateway import EVENT_TYPES

STACK = {"Ref": "AWS::StackName"}
METRICS_OF_MATH = 10  # the most that one alarm may combine
# What makes CloudFormation check a parameter before it changes anything.
CONSTRAINTS = {"AllowedPattern", "AllowedValues", "MinValue", "MinLength"}


# ----------------------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize("parameter", sorted(document()["Parameters"]))
def test_a_parameter_is_described_and_checked_before_anything_is_deployed(parameter: str):
    definition = document()["Parameters"][parameter]

    assert definition["Description"].endswith((".", ")"))
    assert definition.keys() & CONSTRAINTS


def test_every_parameter_is_used_and_in_a_group():
    groups = document()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [parameter for group in groups for parameter in group["Parameters"]]
    used = {*references(document()["Resources"]), *references(document()["Globals"])}
    used |= set(references(document()["Conditions"]))

    assert sorted(grouped) == sorted(document()["Parameters"])
    assert set(grouped) <= used


# ------------------------------------------------------------------------------------------------------- releases


def test_functions_are_called_by_their_alias_and_a_new_layer_publishes_new_versions():
    shared = document()["Globals"]

    assert shared["Function"]["AutoPublishAlias"] == "live"
    assert shared["Function"]["AutoPublishAliasAllProperties"] is True
    assert shared["LayerVersion"] == {"PublishLambdaVersion": True}
    for name, function in functions().items():
        assert not function.keys() & {"AutoPublishAlias", "AutoPublishCodeSha256", "DeploymentPreference"}, name


def test_a_new_version_is_published_for_exactly_the_settings_that_a_version_keeps():
    # With more, CloudFormation would publish an unchanged version, which Lambda refuses; with fewer, a changed
    # parameter would have no effect. Reserved concurrency belongs to the function, not to a version.
    kept = {*references(document()["Globals"]["Function"])}
    for function in functions().values():
        kept |= {*references(function.get("Environment")), *references(function.get("Architectures"))}
    parameters = kept & document()["Parameters"].keys() - {"GradualDeployment"}
    content = document()["Resources"]["SettingsVersion"]["Properties"]["Content"]

    assert set(references(content)) == parameters
    for name, function in functions().items():
        assert set(references(function["VersionDescription"])) == {"SettingsVersion"}, name


def test_a_gradual_deployment_is_rolled_back_by_crashes_bugs_and_wrong_settings_and_only_by_them():
    preference = document()["Globals"]["Function"]["DeploymentPreference"]
    names = [alarm["Ref"] for alarm in preference["Alarms"]]

    assert preference["Enabled"] == {"Ref": "GradualDeployment"}
    assert names == [
        "PaymentsCrashesAlarm",
        "CreditsCrashesAlarm",
        "HoldsCrashesAlarm",
        "BackgroundCrashesAlarm",
        "UnexpectedFailureAlarm",
        "MisconfiguredAlarm",
    ]
    # An alarm on the API itself would be a cycle: API, alias, deployment group, alarm, API.
    used = {name for alarm in names for name in references(alarms()[alarm])} - {
        "AlarmTopic",
        "AWS::StackName",
        "RunbookUrl",
    }
    assert all(name.endswith("Function") for name in used)


def test_only_prod_shifts_traffic_gradually_and_every_stage_sets_known_parameters():
    given = {stage.name: stage.tracked for stage in stages.every()}

    assert {stage for stage, values in given.items() if values.get("GradualDeployment") == "true"} == {"prod"}
    assert len({values["SecretsPrefix"] for values in given.values()}) == len(given)
    for values in given.values():
        assert values.keys() <= document()["Parameters"].keys()


def test_no_stage_shares_a_stack_a_file_or_a_tag_with_another_and_there_is_no_default_stage():
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    deployments = {
        name: body["deploy"]["parameters"]
        for name, body in config.items()
        if isinstance(body, dict) and "deploy" in body
    }

    assert set(deployments) == {"dev", "staging", "prod"}
    for name, deployment in deployments.items():
        assert deployment["stack_name"] == deployment["s3_prefix"] == f"topup-{name}"
        assert deployment["tags"].split() == ["app=topup", f"stage={name}"]
        assert deployment["parameter_overrides"][1:] == [f"file://.deploy/{name}.toml"]
        assert deployment["template_file"] == ".aws-sam/build/template.yaml"  # never the sources, which are not layers
    assert "Default" not in document()["Parameters"]["SecretsPrefix"]


def test_every_name_contains_the_stacks_so_that_an_account_may_have_two():
    [schedule] = functions()["reconcile"]["Events"].values()

    assert schedule["Properties"]["OmitName"] is True  # CloudFormation makes one up
    assert document()["Globals"]["Function"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == STACK
    # Dashboards are an account's, and the same stack may run in two Regions.
    names = placeholders(document()["Resources"]["Dashboard"]["Properties"]["DashboardName"]["Fn::Sub"])
    assert set(names) == {"AWS::StackName", "AWS::Region"}


def test_snapshots_cost_money_and_are_off_by_default():
    assert document()["Parameters"]["SnapStart"]["Default"] == "None"
    assert document()["Globals"]["Function"]["SnapStart"] == {"ApplyOn": {"Ref": "SnapStart"}}


# ------------------------------------------------------------------------------------------------ secrets and logs


def test_a_customer_managed_key_may_be_used_only_to_read_secrets_through_parameter_store():
    policy = document()["Resources"]["SecretsKeyPolicy"]
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    readers = {
        f"{name}Role"
        for name, body in resources("AWS::Serverless::Function").items()
        if any("ssm:GetParameters" in actions for actions, _ in policy_of(Path(body["Properties"]["CodeUri"]).name))
    }

    assert policy["Condition"] == "UsesSecretsKey"
    assert statement["Action"] == "kms:Decrypt"
    assert set(references(statement["Resource"])) == {"SecretsKeyArn", "DataKeyArn"}
    assert statement["Condition"]["StringEquals"].keys() == {"kms:ViaService"}
    assert {role["Ref"] for role in policy["Properties"]["Roles"]} == readers


def test_every_function_has_its_own_log_group_with_a_retention():
    groups = resources("AWS::Logs::LogGroup")
    used = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in functions().values()]

    assert sorted([*used, "ApiLogs"]) == sorted(groups)
    assert document()["Parameters"]["LogRetentionDays"]["Default"] == 30
    for group in groups.values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        # They stay when the stack goes; but a first deployment that fails can be tried again under the same name.
        assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    for function in functions().values():
        assert "LogFormat" not in function["LoggingConfig"]  # Powertools writes JSON already


def test_every_function_is_traced():
    assert document()["Globals"]["Function"]["Tracing"] == {"Fn::If": ["IsInChina", "PassThrough", "Active"]}
    assert all("Tracing" not in function for function in functions().values())


# -------------------------------------------------------------------------------------------------------- alarms


RUNBOOK = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
# An alarm's row: its anchor, its name, what it means, whether money is at risk, and the first command.
ROW = re.compile(r'^\| <a id="(\w+)"></a>`(\w+)`( \*notice\*)? \| (.+) \| (.+) \| (.+) \|$', re.MULTILINE)
FIRST = re.compile(r"`((?:make|aws) [^`]+)`")


def runbook_rows() -> dict[str, list[str]]:
    return {name: rest for _, name, *rest in ROW.findall(RUNBOOK)}


def first_command(alarm: str) -> str:
    """The first command of an alarm's row, for the stack of an alarm's description."""
    [command, *_] = FIRST.findall(runbook_rows()[alarm][-1])
    return str(command).replace("topup-prod", "${AWS::StackName}")


def test_every_alarm_has_a_row_in_the_runbook_and_every_row_an_alarm():
    assert [name for _, name, *_ in ROW.findall(RUNBOOK)] == list(alarms())
    assert all(anchor == name.lower() for anchor, name, *_ in ROW.findall(RUNBOOK))


@pytest.mark.parametrize("alarm", sorted(alarms()))
def test_an_alarm_says_what_happened_and_leads_to_its_row(alarm: str):
    description = alarms()[alarm]["AlarmDescription"]["Fn::Sub"]
    what, _, link = description.rpartition(" Runbook: ")

    assert link == f"${{RunbookUrl}}#{alarm.lower()}"
    assert what.endswith((".", "?"))
    assert len(description) < 400  # CloudWatch allows 1,024, with the stack's name and the address


@pytest.mark.parametrize("alarm", sorted(alarms()))
def test_a_description_names_the_first_command_of_the_row(alarm: str):
    named = re.findall(r"First: `([^`]+)`", alarms()[alarm]["AlarmDescription"]["Fn::Sub"])

    assert named in ([], [first_command(alarm)])


def test_every_alarm_tells_the_topic_that_its_row_says_and_tells_it_when_it_is_over():
    for name, alarm in alarms().items():
        topic = "NoticeTopic" if runbook_rows()[name][0] else "AlarmTopic"
        assert alarm["AlarmActions"] == [{"Ref": topic}], name
        assert alarm["OKActions"] == alarm["AlarmActions"], name
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold", name


def test_missing_data_is_fine_except_from_reconcile_which_always_reports():
    assert {name: alarm["TreatMissingData"] for name, alarm in alarms().items()} == {
        name: "breaching" if name == "ReconcileFailsAlarm" else "notBreaching" for name in alarms()
    }
    # A new stack has no data yet, so that alarm is made after the schedule, whose first run is at once.
    assert document()["Resources"]["ReconcileFailsAlarm"]["DependsOn"] == "ReconcileFunctionSchedule"
    assert functions()["reconcile"]["Events"]["Schedule"]["Properties"]["ScheduleExpression"].startswith("rate(")


def test_mail_is_sent_only_when_an_address_is_given():
    for topic in ("Alarm", "Notice"):
        subscription = document()["Resources"][f"{topic}Subscription"]
        assert subscription["Condition"] == "HasAlertEmail"
        assert subscription["Properties"]["TopicArn"] == {"Ref": f"{topic}Topic"}


def functions_counted(metric: str, *names: str) -> list[str]:
    """The functions whose metric these alarms count."""
    watched = []
    for name in names:
        alarm = alarms()[name]
        metrics = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", ()) if "MetricStat" in one] or [alarm]
        assert len(metrics) <= METRICS_OF_MATH
        assert {(one["Namespace"], one["MetricName"]) for one in metrics} == {("AWS/Lambda", metric)}
        watched += [one["Dimensions"][0]["Value"]["Ref"] for one in metrics]
    return sorted(watched)


def test_a_crash_of_any_function_raises_one_alarm():
    watched = functions_counted(
        "Errors", "PaymentsCrashesAlarm", "CreditsCrashesAlarm", "HoldsCrashesAlarm", "BackgroundCrashesAlarm"
    )

    assert watched == sorted(resources("AWS::Serverless::Function"))


def test_a_refused_invocation_of_any_function_raises_one_alarm():
    names = ("Payments", "Credits", "Holds", "Background", "Webhook")

    assert functions_counted("Throttles", *(f"{name}ThrottledAlarm" for name in names)) == sorted(
        resources("AWS::Serverless::Function")
    )


def test_records_that_a_stream_mapping_gives_up_are_counted():
    [mapping] = functions()["expire_credits"]["Events"].values()
    given_up = alarms()["ExpiryGivenUpAlarm"]

    assert mapping["Properties"]["MetricsConfig"]["Fn::If"][2] == {"Metrics": ["EventCount"]}
    assert given_up["MetricName"] == "OnFailureDestinationDeliveredEventCount"
    # SAM names a mapping after its function and its event.
    assert given_up["Dimensions"] == [
        {"Name": "EventSourceMappingUUID", "Value": {"Ref": "ExpireCreditsFunctionTimers"}}
    ]

    events = functions()["publish_events"]["Events"]
    watched = [one["Dimensions"][0]["Value"]["Ref"] for one in metrics_of(alarms()["EventsGivenUpAlarm"])]
    assert watched == [f"PublishEventsFunction{name}" for name in events]
    for one in events.values():
        assert one["Properties"]["MetricsConfig"] == mapping["Properties"]["MetricsConfig"]


def test_late_expiry_raises_an_alarm_long_before_the_mapping_gives_up():
    [mapping] = functions()["expire_credits"]["Events"].values()

    assert alarms()["ExpiryLateAlarm"]["Threshold"] < mapping["Properties"]["MaximumRecordAgeInSeconds"] * 1000 / 4


# ------------------------------------------------------------------------------------------------------------- metrics


@cache
def counted() -> frozenset[str]:
    """The names of the metrics that the code emits: by `count`, or by a command through CloudWatch's API."""
    names: set[str] = set()
    for path in [
        path for folder in ("layers/topup/topup", "functions", "ops") for path in (ROOT / folder).rglob("*.py")
    ]:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name("count"), args=[ast.Constant(str(name)), *_]):
                    names.add(name)
                case ast.Call(func=ast.Name("count"), args=[ast.JoinedStr(values=[_, ast.Constant(str(rest))]), *_]):
                    names |= {f"{kind.capitalize()}{rest}" for kind in Kind}
                case ast.Dict(keys=keys, values=values):
                    names |= {
                        value.value
                        for key, value in zip(keys, values, strict=True)
                        if isinstance(key, ast.Constant) and key.value == "MetricName"
                        if isinstance(value, ast.Constant) and isinstance(value.value, str)
                    }
    return frozenset(names)


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", ()) if "MetricStat" in one] or [alarm]


def watched_of_ours() -> list[str]:
    """Our own metrics that have an alarm."""
    return [
        one["MetricName"] for alarm in alarms().values() for one in metrics_of(alarm) if one["Namespace"] == "Topup"
    ]


# What is counted without an alarm, and why nobody needs to be told.
NO_TROUBLE = {
    **dict.fromkeys(
        (
            "CheckoutOpened",
            "CheckoutCancelled",
            "QuarantineReleased",
            "FraudWarned",
            "PaymentSettled",
            "RefundBegun",
            "RefundChanged",
            "DisputeChanged",
        ),
        "business",
    ),
    **dict.fromkeys(("CreditsGranted", "CreditsGrantedFree", "CreditsAdjusted", "CreditsSpent"), "business"),
    **dict.fromkeys(("CreditsExpired", "SpendsReversed", "HoldsOpened", "HoldsReleased"), "business"),
    "EventsPublished": "business",
    **dict.fromkeys(("OwedMinor", "OwedCredits", "OwedFreeCredits", "CreditsExpiringSoon"), "business"),
    "UsersAudited": "how many the daily report has looked at",
    "OldestRefundMinutes": "RefundsStuck has the alarm",
    "OldestHoldMinutes": "services may extend a hold for as long as they like",
    "CaptureShortfall": "the answer says it to the service; nothing is wrong with the books",
    "HoldsExpired": "a service that ended or forgot its hold; the credits are available again",
    "HeldCreditsTaken": "forced refunds, those of the Dashboard, disputes; the capture says what is missing",
    "DebtIncurred": "the next credits pay it",
    "ForeignAccount": "an endpoint may hear other accounts; nothing of ours is in their events",
    "GrantedBefore": "an order that was restored from a backup is made right",
    "ReconcileEnded": "what nobody went on with ends, every day",
    "ReversalOfAnotherIntent": "the second payment of an order was given back; it had granted nothing",
}


def test_every_metric_that_means_trouble_has_an_alarm():
    assert counted() == {*watched_of_ours(), *NO_TROUBLE}


def test_an_alarm_watches_our_metrics_in_the_namespace_that_the_code_uses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    environment = {function.name: function.environment for function in template().functions}["reconcile"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    count("ReconcileFailed")

    [emitted] = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    assert emitted["Namespace"] == "Topup"
    assert emitted["Dimensions"] == [["service"]]
    for name, alarm in alarms().items():
        for metric in metrics_of(alarm):
            if metric["Namespace"] == "Topup":
                assert metric["Dimensions"] == [{"Name": "service", "Value": STACK}], name


@pytest.mark.parametrize("metric", sorted(set(watched_of_ours())))
def test_the_code_emits_every_metric_that_an_alarm_watches(metric: str):
    assert metric in counted()


# ----------------------------------------------------------------------------------------- dashboard and outputs


def dashboard() -> Any:
    """The dashboard's body, with every reference replaced by its own name."""
    text, _ = read_yaml(ROOT / "dashboard.yaml")["Fn::Sub"]
    return json.loads(re.sub(r"\$\{([^}]+)\}", r"\1", text))


def test_the_dashboard_is_a_separate_file_that_names_existing_resources():
    text = (ROOT / "dashboard.yaml").read_text()
    included = document()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Transform"]

    assert included == {"Name": "AWS::Include", "Parameters": {"Location": "dashboard.yaml"}}
    assert not re.search(r"^[^#]*!(Ref|Sub|GetAtt)", text, re.MULTILINE)
    known = document()["Resources"].keys() | {"AWS::StackName", "AWS::Region"}
    # SAM names a mapping after its function and its event.
    known |= {
        f"{name}{event}"
        for name, function in resources("AWS::Serverless::Function").items()
        for event, body in function["Properties"].get("Events", {}).items()
        if body["Type"] == "DynamoDB"
    }
    body, variables = read_yaml(ROOT / "dashboard.yaml")["Fn::Sub"]
    assert set(placeholders(body)) <= known | variables.keys()
    assert set(references(variables)) <= known | document()["Parameters"].keys()


def test_the_dashboard_shows_every_alarm_and_every_function():
    widgets = dashboard()["widgets"]
    shown = {alarm for widget in widgets for alarm in widget["properties"].get("alarms", ())}
    measured = {
        metric[3]
        for widget in widgets
        for metric in widget["properties"].get("metrics", ())
        if metric[1:2] == ["Duration"]
    }

    assert shown == {f"{name}.Arn" for name in alarms()}
    assert measured == set(resources("AWS::Serverless::Function"))


def test_the_dashboard_shows_our_metrics_by_the_names_that_the_code_uses():
    drawn = [metric for widget in dashboard()["widgets"] for metric in widget["properties"].get("metrics", ())]
    ours = {metric[1]: metric[2:4] for metric in drawn if metric[0] == "Topup"}

    assert ours.keys() <= counted() | set(watched_of_ours())
    assert all(dimension == ["service", "AWS::StackName"] for dimension in ours.values())


def test_the_outputs_are_what_an_operator_needs():
    outputs = document()["Outputs"]

    assert outputs.keys() >= {"ApiUrl", "WebhookUrl", "OrdersTableName", "CreditsTableName"}
    assert outputs.keys() >= {"ExpiryFailuresBucketName", "DashboardUrl", "AlarmTopicArn", "NoticeTopicArn"}
    assert outputs["WebhookEvents"]["Value"].split(", ") == list(EVENT_TYPES)
    assert "Secret" not in json.dumps(outputs)
