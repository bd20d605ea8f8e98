"""What the emulator lacks compared with AWS, and what is done instead; printed at the end of every run.

`is_open` looks at the deployed stack: a gap that a new emulator has closed fails the run, so that its workaround is
removed. It is None where a look at the stack cannot show the gap.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.deploy_local.stack import Stack


@dataclass(frozen=True)
class Gap:
    lacks: str
    instead: str
    is_open: Callable[[Stack], bool] | None = None


def _has_no_routes(stack: Stack) -> bool:
    client = stack.client("apigatewayv2")
    return not client.get_routes(ApiId=stack.physical_id("Api"))["Items"]


def _has_no_cors(stack: Stack) -> bool:
    return "CorsConfiguration" not in stack.client("apigatewayv2").get_api(ApiId=stack.physical_id("Api"))


def _has_no_throttling(stack: Stack) -> bool:
    (stage,) = stack.client("apigatewayv2").get_stages(ApiId=stack.physical_id("Api"))["Items"]
    return not stage["DefaultRouteSettings"].get("ThrottlingRateLimit")


def _has_aws_url(stack: Stack) -> bool:
    return ".on.aws" in stack.outputs["WebhookUrl"]


def _has_no_reservation(stack: Stack) -> bool:
    function = stack.physical_id("StripeWebhookFunction")
    found = stack.client("lambda").get_function_concurrency(FunctionName=function)
    return "ReservedConcurrentExecutions" not in found


def _has_no_ttl(stack: Stack) -> bool:
    found = stack.client("dynamodb").describe_time_to_live(TableName=stack.outputs["CreditsTableName"])
    return bool(found["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED")


def _has_no_backups(stack: Stack) -> bool:
    found = stack.client("dynamodb").describe_continuous_backups(TableName=stack.outputs["CreditsTableName"])
    recovery = found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return bool(recovery["PointInTimeRecoveryStatus"] == "DISABLED")


GAPS = (
    Gap(
        "It rejects a stack with an alarm over an expression.",
        "In the built template such an alarm gets a plain metric, which nothing counts.",
    ),
    Gap(
        "It creates no routes from an HTTP API's definition.",
        "Each request becomes the event that API Gateway would send. Lambda's Invoke takes it to the function that the "
        "deployed definition names for its route.",
        _has_no_routes,
    ),
    Gap(
        "It ignores the API's CORS rules.",
        "Nothing: the local stack applies the template's rules, and its tests check them.",
        _has_no_cors,
    ),
    Gap(
        "It ignores the API's throttling.",
        "Nothing: tests/unit/test_template.py checks the template's limits.",
        _has_no_throttling,
    ),
    Gap(
        "Its function URLs are AWS's addresses, and lead to AWS.",
        "The simulator delivers to the same URL by its id, at /_aws/lambda-url/ on the emulator's port.",
        _has_aws_url,
    ),
    Gap(
        "Its IAM enforces the functions' roles, but checks ssm:GetParameters against all parameters.",
        "Roles with this permission get it for all parameters. Every other permission is the template's.",
    ),
    Gap(
        "It does not reserve concurrency for the webhook function.",
        "Nothing: the purchase needs none, and tests/unit/test_template.py checks the template.",
        _has_no_reservation,
    ),
    Gap(
        "Its CloudFormation does not enable a table's TTL.",
        "The timer is deleted by hand, with DeleteItem.",
        _has_no_ttl,
    ),
    Gap(
        "Its TTL deletions leave no record in the table's stream.",
        "The record that DynamoDB would write is matched against the deployed mapping's filter, and given to its "
        "function through Lambda's Invoke. Another deletion, with the filter replaced for a few seconds, shows that "
        "stream, mapping and function are connected.",
    ),
    Gap(
        "Its stream mappings have no partial responses, no bisecting, no limit of retries and no parallel batches.",
        "tests/local/test_streams.py shows partial responses and the limit of retries on the local stack. Only AWS "
        "splits batches and runs them in parallel.",
    ),
    Gap(
        "Its CloudFormation does not enable point-in-time recovery.",
        "Nothing: tests/unit/test_template.py checks the template.",
        _has_no_backups,
    ),
    Gap(
        "A function is a plain process on this machine: no read-only disk, no memory limit, no X-Ray.",
        "Its Python has no packages, so it can import only its layers, and it writes no bytecode.",
    ),
    Gap(
        "It has no Stripe, and the template has no setting for another Stripe than the real one.",
        "Functions inherit the emulator's environment, whose STRIPE_API_BASE names the simulator; their own "
        "configuration is exactly the template's.",
    ),
)


def closed(stack: Stack) -> Iterator[Gap]:
    """The gaps that the emulator has closed."""
    return (gap for gap in GAPS if gap.is_open and not gap.is_open(stack))
