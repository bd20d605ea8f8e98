"""What the emulator lacks of AWS, and what the trial does instead: as data, each looked at again in every run.

`still_there` looks at the deployed stack; a gap that has been closed upstream is told, so that its workaround can go.
None: it cannot be seen from outside in a few seconds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.deploy_local.stack import Stack

Look = Callable[[Stack], bool]


@dataclass(frozen=True)
class Gap:
    lacks: str
    instead: str
    still_there: Look | None = None


def _has_no_routes(stack: Stack) -> bool:
    client = stack.client("apigatewayv2")
    return not client.get_routes(ApiId=stack.physical_id("Api"))["Items"]


def _has_no_cors(stack: Stack) -> bool:
    return "CorsConfiguration" not in stack.client("apigatewayv2").get_api(ApiId=stack.physical_id("Api"))


def _has_no_throttling(stack: Stack) -> bool:
    (stage,) = stack.client("apigatewayv2").get_stages(ApiId=stack.physical_id("Api"))["Items"]
    return not stage["DefaultRouteSettings"].get("ThrottlingRateLimit")


def _has_a_foreign_url(stack: Stack) -> bool:
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
        "It refuses a stack that has an alarm over an expression.",
        "In the built template such an alarm gets a plain metric, which nothing ever counts.",
    ),
    Gap(
        "It makes no routes of an HTTP API's definition.",
        "Each request becomes the event that API Gateway would send, and goes through Lambda's Invoke to the function "
        "which the deployed definition names for its route.",
        _has_no_routes,
    ),
    Gap(
        "It leaves out the API's CORS rules.",
        "Nothing: the local stack applies the template's, and its tests try them.",
        _has_no_cors,
    ),
    Gap(
        "It leaves out the API's throttling.",
        "Nothing: tests/unit/test_template.py reads the template's.",
        _has_no_throttling,
    ),
    Gap(
        "Its function URLs are AWS's own addresses, which lead to AWS.",
        "The simulator delivers to the same URL by its id, at /_aws/lambda-url/ on the emulator's port.",
        _has_a_foreign_url,
    ),
    Gap(
        "Its IAM holds functions to their roles, but asks for ssm:GetParameters on all parameters, not on those named.",
        "The roles that have this permission get it for all; every other is tried just as the template gives it.",
    ),
    Gap(
        "It does not reserve the webhook function's concurrency.",
        "Nothing: the purchase needs none, and tests/unit/test_template.py reads the template's.",
        _has_no_reservation,
    ),
    Gap(
        "CloudFormation there does not switch a table's TTL on.",
        "The timer is deleted by hand, with DeleteItem.",
        _has_no_ttl,
    ),
    Gap(
        "What TTL deletes there leaves no record in the table's stream.",
        "The record that DynamoDB would have written is held against the deployed mapping's filter and handed to the "
        "mapping's function through Lambda's Invoke; that stream, mapping and function are connected is shown with "
        "another deletion, which another filter lets through for a moment.",
    ),
    Gap(
        "Its stream mappings know no partial responses, no bisecting, no limit of retries and no parallel batches.",
        "tests/local/test_streams.py shows partial responses and the limit of retries on the local stack. Only AWS "
        "splits batches and runs them in parallel.",
    ),
    Gap(
        "CloudFormation there does not switch point-in-time recovery on.",
        "Nothing: tests/unit/test_template.py reads it.",
        _has_no_backups,
    ),
    Gap(
        "A function runs as a plain process on this machine: no read-only disk, no limit of memory, no X-Ray.",
        "It gets a Python without packages, so that it can import its layers only, and it writes no bytecode.",
    ),
    Gap(
        "It has no Stripe, and the template rightly has no setting for another Stripe than the real one.",
        "Functions inherit the emulator's environment, which names the simulator in STRIPE_API_BASE; their own "
        "configuration stays just what the template says.",
    ),
)


def closed(stack: Stack) -> Iterator[Gap]:
    """The gaps that are none any more."""
    return (gap for gap in GAPS if gap.still_there and not gap.still_there(stack))
