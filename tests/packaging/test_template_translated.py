"""SAM translates the template as intended: for a plain stack, and for one with every option."""

import json
import subprocess
from functools import cache
from typing import Any

import pytest

from local import ROOT
from local.aws.intrinsics import read_yaml

PYTHON = ROOT / ".venv-sam/bin/python"
PLAIN = {"FrontendUrls": "https://shop.example", "SecretsPrefix": "/topup/test"}
FULL = PLAIN | {
    "GradualDeployment": "true",
    "SnapStart": "PublishedVersions",
    "AlertEmail": "ops@shop.example",
    "SecretsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d",
    "DataKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1b2c3d4e",
    "DomainName": "api.shop.example",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/2c3d4e5f",
}
# SAM has its own environment, so it runs in its own process. Folders become S3 addresses, as in `sam package`.
TRANSLATE = """
import json, logging, sys
import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

logging.disable()
path, given, bucket = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
template = yaml_parse(open(path, encoding="utf-8").read())
for body in template["Resources"].values():
    for name in ("CodeUri", "ContentUri"):
        if name in body.get("Properties", {}):
            folder = body["Properties"][name].strip("/")
            body["Properties"][name] = f"s3://{bucket if name == 'ContentUri' else 'bucket'}/{folder}"
role = "AWSLambdaBasicExecutionRole"
managed = {role: f"arn:aws:iam::aws:policy/service-role/{role}"}
translator = Translator(managed, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
json.dump(translator.translate(template, given), sys.stdout, default=str)
"""

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="`make template` installs SAM")


@cache
def translated(parameters: str, bucket: str = "bucket") -> dict[str, Any]:
    command = [str(PYTHON), "-c", TRANSLATE, str(ROOT / "template.yaml"), parameters, bucket]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    resources: dict[str, Any] = json.loads(done.stdout)["Resources"]
    return resources


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: body for name, body in resources.items() if body["Type"] == kind}


def plain() -> dict[str, Any]:
    return translated(json.dumps(PLAIN))


def full() -> dict[str, Any]:
    return translated(json.dumps(FULL))


def test_a_change_of_the_layers_alone_publishes_new_versions_of_all_functions():
    before = of_type(plain(), "AWS::Lambda::Version").keys()
    after = of_type(translated(json.dumps(PLAIN), "bucket-with-other-layers"), "AWS::Lambda::Version").keys()

    assert len(before) == len(after) == len(of_type(plain(), "AWS::Lambda::Function"))
    assert not before & after


def test_a_change_of_settings_publishes_a_new_version_because_they_are_in_its_description():
    for version in of_type(plain(), "AWS::Lambda::Version").values():
        assert version["Properties"]["Description"] == {"Fn::Sub": "Settings ${SettingsVersion}"}


@pytest.mark.parametrize(
    "changed", [{"WebhookConcurrency": "30"}, {"WebhookDoor": "api"}, {"AlertEmail": "a@b.example"}]
)
def test_a_parameter_that_no_version_keeps_publishes_none(changed: dict[str, str]):
    # Lambda refuses to publish a version that is not changed, and CloudFormation rolls the deployment back.
    before = of_type(plain(), "AWS::Lambda::Version")

    assert of_type(translated(json.dumps(PLAIN | changed)), "AWS::Lambda::Version") == before


def test_a_version_that_is_rolled_back_is_deleted_so_that_the_same_build_can_be_deployed_again():
    # A kept one would be the newest version and equal to the next attempt's, which Lambda then refuses to publish.
    versions = of_type(full(), "AWS::Lambda::Version").values()

    assert versions
    assert {version["DeletionPolicy"] for version in versions} == {"Delete"}


@pytest.mark.parametrize("processor", ["arm64", "x86_64"])
def test_a_layer_names_the_processor_that_it_was_built_for(processor: str):
    layers = of_type(translated(json.dumps(PLAIN | {"Architecture": processor})), "AWS::Lambda::LayerVersion")

    assert len(layers) == 2
    for layer in layers.values():
        assert layer["Properties"]["CompatibleArchitectures"] in ([processor], [{"Ref": "Architecture"}])


def test_every_trigger_calls_the_alias():
    resources = plain()
    webhook = {"Ref": "StripeWebhookFunctionAliaslive"}
    assert resources["StripeWebhookFunctionUrl"]["Properties"]["TargetFunctionArn"] == webhook
    assert resources["ExpireCreditsFunctionTimers"]["Properties"]["FunctionName"] == {
        "Ref": "ExpireCreditsFunctionAliaslive"
    }
    assert resources["ReconcileFunctionSchedule"]["Properties"]["Target"]["Arn"] == {
        "Ref": "ReconcileFunctionAliaslive"
    }
    paths = resources["Api"]["Properties"]["Body"]["paths"].values()
    for operation in (operation for path in paths for method, operation in path.items() if method != "options"):
        assert "Aliaslive}" in operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]


def test_anyone_may_call_the_function_url_and_only_through_the_alias():
    webhook = {"Ref": "StripeWebhookFunctionAliaslive"}
    public = [
        body["Properties"]
        for body in of_type(plain(), "AWS::Lambda::Permission").values()
        if body["Properties"]["Principal"] == "*"
    ]

    assert {permission["Action"] for permission in public} == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    assert all(permission["FunctionName"] == webhook for permission in public)
    for permission in public:
        is_url = permission.get("FunctionUrlAuthType") == "NONE" or permission.get("InvokedViaFunctionUrl") is True
        assert is_url, "the function itself is open to everyone"


def test_a_batch_that_is_given_up_goes_to_the_bucket_and_the_function_may_write_there():
    resources = plain()
    mapping = resources["ExpireCreditsFunctionTimers"]["Properties"]
    policies = json.dumps(resources["ExpireCreditsFunctionRole"]["Properties"]["Policies"])

    assert mapping["DestinationConfig"]["OnFailure"]["Fn::If"][2] == {
        "Destination": {"Fn::GetAtt": ["ExpiryFailuresBucket", "Arn"]}
    }
    assert mapping["MetricsConfig"]["Fn::If"][2] == {"Metrics": ["EventCount"]}
    assert "s3:PutObject" in policies
    assert "s3:ListBucket" in policies


def test_sam_adds_no_role_and_no_policy_of_aws_to_the_functions_ones():
    roles = of_type(plain(), "AWS::IAM::Role")

    written = of_type(read_yaml(ROOT / "template.yaml")["Resources"], "AWS::IAM::Role")
    assert roles.keys() == written.keys()
    assert not [name for name, body in roles.items() if "ManagedPolicyArns" in body["Properties"]]


def test_every_function_may_write_its_traces():
    functions = of_type(plain(), "AWS::Lambda::Function")

    mode = {"Fn::If": ["IsInChina", "PassThrough", "Active"]}
    assert all(body["Properties"]["TracingConfig"] == {"Mode": mode} for body in functions.values())
    for name in functions:
        assert "xray:PutTraceSegments" in json.dumps(plain()[f"{name}Role"]["Properties"]["Policies"]), name


def test_the_schedule_runs_the_alias_with_a_role_that_may_do_only_that():
    role = plain()["ReconcileFunctionScheduleRole"]["Properties"]
    [statement] = role["Policies"][0]["PolicyDocument"]["Statement"]

    assert statement["Resource"] == {"Ref": "ReconcileFunctionAliaslive"}
    target = plain()["ReconcileFunctionSchedule"]["Properties"]["Target"]
    assert target["RoleArn"] == {"Fn::GetAtt": ["ReconcileFunctionScheduleRole", "Arn"]}
    assert "Name" not in plain()["ReconcileFunctionSchedule"]["Properties"]


def test_a_plain_stack_is_deployed_at_once_without_codedeploy():
    assert not [name for name, body in plain().items() if body["Type"].startswith("AWS::CodeDeploy")]
    assert "CodeDeployServiceRole" not in plain()


def test_a_gradual_deployment_shifts_every_function_and_watches_the_alarms():
    groups = of_type(full(), "AWS::CodeDeploy::DeploymentGroup")

    assert len(groups) == len(of_type(full(), "AWS::Lambda::Function"))
    for group in groups.values():
        watched = [alarm["Name"]["Ref"] for alarm in group["Properties"]["AlarmConfiguration"]["Alarms"]]
        assert watched == [
            "PaymentsCrashesAlarm",
            "CreditsCrashesAlarm",
            "HoldsCrashesAlarm",
            "BackgroundCrashesAlarm",
            "UnexpectedFailureAlarm",
            "MisconfiguredAlarm",
        ]
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["Properties"]["AutoRollbackConfiguration"]["Events"]
    for alias in of_type(full(), "AWS::Lambda::Alias").values():
        assert "CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"]


@pytest.mark.parametrize("policy", ["SecretsKeyPolicy", "DataKeyPolicy"])
def test_every_role_in_a_keys_policy_exists(policy: str):
    roles = full()[policy]["Properties"]["Roles"]

    assert {role["Ref"] for role in roles} <= of_type(full(), "AWS::IAM::Role").keys()


def test_the_domain_leads_to_the_stage_that_sam_makes():
    assert full()["DomainMapping"]["Properties"]["Stage"] == {"Ref": "ApiApiGatewayDefaultStage"}


def test_the_stage_closes_the_webhooks_route_and_keeps_an_access_log():
    stage, paths = full()["ApiApiGatewayDefaultStage"]["Properties"], full()["Api"]["Properties"]["Body"]["paths"]
    [route] = stage["RouteSettings"]

    method, _, path = route.partition(" ")
    assert method.lower() in paths[path]  # a route that does not exist would fail the deployment
    assert stage["AccessLogSettings"]["DestinationArn"] == {"Fn::GetAtt": ["ApiLogs", "Arn"]}
