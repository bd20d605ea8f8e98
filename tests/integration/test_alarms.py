"""Every alarm rings for its cause, and for nothing else: the real handlers, and what CloudWatch counts of them."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import boto3
import jwt
import pytest
from botocore.exceptions import ClientError

from local.in_process.api import Api, ApiResponse, Context, as_admin, as_buyer, as_user, load_handler
from local.in_process.dynamodb import crashed_before, refused
from local.in_process.environment import USER_ID
from local.in_process.shop import Shop
from local.stripe_simulator import Delivery
from ops import target
from tests.integration.test_daily_report import spoil
from tests.integration.webhooks import COMPLETED, deliver
from tests.support.builders import an_order
from tests.support.cloudwatch import STACK, CloudWatch, logical_id
from tests.support.stripe_events import as_bytes, event, session, signature
from tests.unit.template_parts import alarms
from topup import store
from topup.api import token_keys
from topup.runtime import config, parameter_store
from topup.store import order_items
from topup.stripe_gateway import EVENT_TYPES

WEBHOOK = "/api/payments/webhook/stripe"
NOTICE = [{"Ref": "NoticeTopic"}]
throttled = refused("ThrottlingException")


@dataclass
class World:
    """The shop, and what CloudWatch has counted of it."""

    shop: Shop
    cloudwatch: CloudWatch
    patch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def ringing(self) -> set[str]:
        self.cloudwatch.read(self.capsys.readouterr().out)
        return self.cloudwatch.ringing()

    def by_url(self, body: bytes, headers: dict[str, str]) -> int:
        """Deliver to the function's own URL, which the API does not count."""
        encoded = base64.b64encode(body).decode()
        received = {"requestId": "1", "timeEpoch": int(self.shop.now.timestamp() * 1000)}
        given = {"headers": headers, "body": encoded, "isBase64Encoded": True, "requestContext": received}
        return self.shop.api.invoke("stripe_webhook", given).status


@pytest.fixture
def world(shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> World:
    """A shop that AWS's own metrics count too: invocations, their errors, and the API's responses."""
    cloudwatch = CloudWatch()

    def counts_invocations(invoke: Callable[..., Any], name_of: Callable[..., str]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            function = logical_id(name_of(*arguments))
            cloudwatch.count("AWS/Lambda", "Invocations", FunctionName=function)
            try:
                return invoke(*arguments, **options)
            except BaseException:  # also a process that was killed
                cloudwatch.count("AWS/Lambda", "Errors", FunctionName=function)
                return ApiResponse(500, {}, '{"message":"Internal Server Error"}')

        return run

    def counts_responses(request: Callable[..., ApiResponse]) -> Callable[..., ApiResponse]:
        def run(*arguments: Any, **options: Any) -> ApiResponse:
            response = request(*arguments, **options)
            cloudwatch.count("AWS/ApiGateway", "Count", ApiId="Api")
            if response.status >= 500:
                cloudwatch.count("AWS/ApiGateway", "5xx", ApiId="Api")
            return response

        return run

    monkeypatch.setattr(Api, "invoke", counts_invocations(Api.invoke, lambda _api, name, _event: str(name)))
    monkeypatch.setattr(Api, "request", counts_responses(Api.request))
    monkeypatch.setattr(Shop, "reconcile", counts_invocations(Shop.reconcile, lambda _shop: "reconcile"))
    monkeypatch.setattr(Shop, "consume", counts_invocations(Shop.consume, lambda _shop, _records: "expire_credits"))
    capsys.readouterr()
    return World(shop, cloudwatch, monkeypatch, capsys)


# ----------------------------------------------------------------------------------------------------- the causes


def buys_while_killed(world: World) -> None:
    world.shop.dynamodb.fail("PutItem", crashed_before)
    world.shop.api.post("/api/payments/stripe/create", {"package": "standard"}, as_buyer())


def spends_while_killed(world: World) -> None:
    world.shop.buy()
    world.shop.dynamodb.fail("TransactWriteItems", crashed_before)
    world.shop.spend(1)


def holds_while_killed(world: World) -> None:
    world.shop.buy()
    world.shop.dynamodb.fail("TransactWriteItems", crashed_before)
    world.shop.hold(1)


def meets_a_bug(world: World) -> None:
    def bug(_execute: Callable[[], Any]) -> Any:
        raise ZeroDivisionError

    world.shop.dynamodb.fail("Query", bug)
    world.shop.api.get("/api/users/credits", as_user())


def has_no_catalogue(world: World) -> None:
    world.patch.setattr(config, "CATALOGUE_FILE", config.CATALOGUE_FILE.with_name("no.json"))
    config.catalogue.cache_clear()
    world.shop.api.get("/api/payments/packages")
    world.patch.undo()
    config.catalogue.cache_clear()


def has_no_stripe_key(world: World) -> None:
    """The order is read, and its payment cannot be asked about."""
    payment = world.shop.create()
    world.shop.wait(seconds=10)
    world.patch.setenv("STRIPE_SECRET_KEY", "")
    assert world.shop.payment(payment["payment_id"])["status"] == "pending"


def reconciles_without_a_stripe_key(world: World) -> None:
    world.patch.setenv("STRIPE_SECRET_KEY", "")
    world.shop.reconcile()


def reads_throttled_tables(world: World) -> None:
    world.shop.dynamodb.fail_always("Query", throttled)
    for _ in range(3):
        world.shop.api.get("/api/users/credits", as_user())


def meets_a_provider_that_fails(world: World) -> None:
    world.patch.setenv("JWT_JWKS_URL", "http://127.0.0.1:9/jwks.json")
    world.patch.setenv("JWT_AUDIENCE", "*")
    config.settings.cache_clear()
    token_keys._provider.cache_clear()
    bearer = jwt.encode({"sub": "u"}, "a-secret-of-more-than-thirty-two-bytes", "HS256", {"kid": "k"})
    assert world.shop.api.get("/api/users/credits", {"authorization": f"Bearer {bearer}"}).status == 503


def starts_without_parameter_store(world: World) -> None:
    def throttle(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "GetParameters")

    world.patch.setenv("SECRETS_PREFIX", "/topup")
    world.patch.setattr(parameter_store, "_client", lambda: SimpleNamespace(get_parameters=throttle))
    assert world.shop.api.get("/api/users/credits", as_user()).status == 503


def buys_while_stripe_fails(world: World) -> None:
    world.shop.fault("/v1/checkout/sessions", "500", times=10)
    for _ in range(3):
        world.shop.api.post("/api/payments/stripe/create", {"package": "standard"}, as_buyer())


def asks_while_stripe_fails(world: World) -> None:
    payment = world.shop.create()
    world.shop.fault("/v1/checkout/sessions/*", "500", times=20)
    for _ in range(3):
        world.shop.wait(seconds=10)
        world.shop.payment(payment["payment_id"])


def handles_events_on_throttled_tables(world: World) -> None:
    for delivery in deliveries_on_throttled_tables(world.shop):
        assert world.shop.deliver_one(delivery) == 503


def handles_events_of_its_own_url_on_throttled_tables(world: World) -> None:
    for delivery in deliveries_on_throttled_tables(world.shop):
        assert world.by_url(delivery.body, dict(delivery.headers)) == 503


def deliveries_on_throttled_tables(shop: Shop) -> list[Delivery]:
    for _ in range(2):
        shop.pay(shop.create())
    for operation in ("BatchGetItem", "Query", "TransactWriteItems"):
        shop.dynamodb.fail_always(operation, throttled)
    return [delivery for delivery in shop.due() if delivery.event_type in EVENT_TYPES]


def gets_forged_events(world: World) -> None:
    for number in range(5):
        header = signature(b"{}", int(world.shop.now.timestamp()), f"whsec_guess{number}")
        world.shop.api.post(WEBHOOK, raw=b"{}", headers={"Stripe-Signature": header})


def gets_a_thin_event(world: World) -> None:
    assert deliver(world.shop.api, {"id": "evt_1", "object": "v2.core.event", "type": "x"}).status == 400


def gets_another_amount(world: World) -> None:
    order = store.place_order(an_order())
    assert deliver(world.shop.api, event(COMPLETED, session(order, amount_total=1))).status == 200


def gets_an_unknown_order(world: World) -> None:
    assert deliver(world.shop.api, event(COMPLETED, session(an_order()))).status == 503


def gets_a_live_event(world: World) -> None:
    order = an_order(livemode=True)
    assert deliver(world.shop.api, event(COMPLETED, session(order))).status == 500


def gets_an_unknown_status(world: World) -> None:
    order = store.place_order(an_order())
    assert deliver(world.shop.api, event(COMPLETED, session(order, payment_status="new"))).status == 200


def gets_a_dispute_in_dollars(world: World) -> None:
    _, intent = world.shop.buy()
    opened = world.shop.simulator.dispute(intent)
    world.shop.simulator._world.tables["dispute"][opened["id"]] |= {"currency": "usd", "amount": 1400}
    world.shop.lose()
    world.shop.reconcile()


def refunds_while_stripe_is_silent(world: World) -> None:
    payment_id, _ = world.shop.buy()
    world.shop.fault("/v1/refunds", "timeout_before", times=20)
    assert world.shop.refund(payment_id).status == 202
    world.shop.wait(minutes=5)
    world.shop.reconcile()


def reconciles_without_stripe(world: World) -> None:
    world.shop.fault("/v1/events", "500", times=5)
    world.shop.reconcile()


def reconciles_a_refund_without_its_order(world: World) -> None:
    shop = world.shop
    payment_id, intent = shop.buy()
    shop.simulator.refund(intent, 1000)
    shop.lose()
    key = order_items.order_key(payment_id)
    shop.dynamodb.client.delete_item(TableName=shop.dynamodb.orders_table, Key=key)
    shop.reconcile()


def reconciles_without_time(world: World) -> None:
    world.shop.pay(world.shop.create())
    world.shop.lose()
    world.shop.api.context = lambda name: Context(name, lambda: 0)
    world.shop.reconcile()


def reconciles_what_was_lost(world: World) -> None:
    world.shop.pay(world.shop.create())
    world.shop.lose()
    world.shop.wait(minutes=20)
    world.shop.reconcile()


def audits_books_that_do_not_balance(world: World) -> None:
    class Written:
        def put_metric_data(self, **request: Any) -> None:
            [metric] = request["MetricData"]
            dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            world.cloudwatch.count(request["Namespace"], metric["MetricName"], metric["Value"], **dimensions)

    world.patch.setattr(boto3, "client", lambda _service: Written())
    target.report_violations(STACK, 2)


def reports_on_throttled_tables(world: World) -> None:
    world.shop.dynamodb.fail_always("Scan", throttled)
    load_handler("daily_report")({}, Context("daily_report"))


def reports_on_books_that_do_not_balance(world: World) -> None:
    world.shop.grant(10)
    spoil(world.shop, USER_ID)
    load_handler("daily_report")({}, Context("daily_report"))


def aws_counts(namespace: str, metric: str, value: float = 1, **dimensions: str) -> Callable[[World], None]:
    """No code of ours runs; the metric as AWS documents it."""
    return lambda world: world.cloudwatch.count(namespace, metric, value, **dimensions)


CAUSES: dict[str, list[Callable[[World], object]]] = {
    "PaymentsCrashesAlarm": [buys_while_killed],
    "CreditsCrashesAlarm": [spends_while_killed],
    "HoldsCrashesAlarm": [holds_while_killed],
    "BackgroundCrashesAlarm": [lambda world: world.shop.reconcile(window_hours=-1)],
    "UnexpectedFailureAlarm": [meets_a_bug],
    "MisconfiguredAlarm": [has_no_catalogue, has_no_stripe_key, reconciles_without_a_stripe_key],
    "ApiServerErrorsAlarm": [reads_throttled_tables, buys_while_stripe_fails],
    "StripeErrorsAlarm": [buys_while_stripe_fails],
    "SyncFailsAlarm": [asks_while_stripe_fails],
    "DynamoDBFailsAlarm": [reads_throttled_tables, handles_events_of_its_own_url_on_throttled_tables],
    # Amazon DynamoDB Developer Guide, "DynamoDB metrics and dimensions".
    "TablesThrottledAlarm": [
        aws_counts("AWS/DynamoDB", f"{kind}ThrottleEvents", TableName=table)
        for kind in ("Read", "Write")
        for table in ("OrdersTable", "CreditsTable")
    ],
    "IdentityProviderAlarm": [meets_a_provider_that_fails],
    "SecretsNotReadAlarm": [starts_without_parameter_store],
    # AWS Lambda Developer Guide, "Types of metrics for Lambda functions".
    "PaymentsThrottledAlarm": [aws_counts("AWS/Lambda", "Throttles", FunctionName="CreateCheckoutFunction")],
    "HoldsThrottledAlarm": [aws_counts("AWS/Lambda", "Throttles", FunctionName="CaptureHoldFunction")],
    "CreditsThrottledAlarm": [aws_counts("AWS/Lambda", "Throttles", FunctionName="SpendCreditsFunction")],
    "BackgroundThrottledAlarm": [aws_counts("AWS/Lambda", "Throttles", FunctionName="ReconcileFunction")],
    "WebhookThrottledAlarm": [aws_counts("AWS/Lambda", "Throttles", FunctionName="StripeWebhookFunction")],
    "WebhookFailsAlarm": [
        handles_events_on_throttled_tables,
        handles_events_of_its_own_url_on_throttled_tables,
    ],
    "InvalidSignatureAlarm": [gets_forged_events],
    "UnreadableEventAlarm": [gets_a_thin_event],
    "PaymentQuarantinedAlarm": [gets_another_amount],
    "OrderMissingAlarm": [gets_an_unknown_order],
    "LivemodeMismatchAlarm": [gets_a_live_event],
    "UnknownStripeStatusAlarm": [gets_an_unknown_status],
    "ReversalInAnotherCurrencyAlarm": [gets_a_dispute_in_dollars],
    "RefundsStuckAlarm": [refunds_while_stripe_is_silent],
    "ExpiryLateAlarm": [aws_counts("AWS/Lambda", "IteratorAge", 3_600_000, FunctionName="ExpireCreditsFunction")],
    "ExpiryGivenUpAlarm": [
        aws_counts(
            "AWS/Lambda",
            "OnFailureDestinationDeliveredEventCount",
            EventSourceMappingUUID="ExpireCreditsFunctionTimers",
        )
    ],
    "ExpiryNotKeptAlarm": [
        aws_counts("AWS/Lambda", "DestinationDeliveryFailures", FunctionName="ExpireCreditsFunction")
    ],
    "EventsLateAlarm": [aws_counts("AWS/Lambda", "IteratorAge", 900_000, FunctionName="PublishEventsFunction")],
    "EventsGivenUpAlarm": [
        aws_counts("AWS/Lambda", "OnFailureDestinationDeliveredEventCount", EventSourceMappingUUID=mapping)
        for mapping in ("PublishEventsFunctionCredits", "PublishEventsFunctionOrders")
    ],
    "EventsNotKeptAlarm": [
        aws_counts("AWS/Lambda", "DestinationDeliveryFailures", FunctionName="PublishEventsFunction")
    ],
    "ReconcileFailsAlarm": [reconciles_without_stripe],
    "ReconcileStuckAlarm": [reconciles_a_refund_without_its_order],
    "ReconcileIncompleteAlarm": [reconciles_without_time],
    "ReconcileRepairsAlarm": [reconciles_what_was_lost],
    "DailyReportFailsAlarm": [reports_on_throttled_tables],
    "AuditViolationsAlarm": [audits_books_that_do_not_balance, reports_on_books_that_do_not_balance],
}


def test_every_alarm_has_a_cause_here():
    assert CAUSES.keys() == alarms().keys()


@pytest.mark.parametrize(("alarm", "cause"), [(alarm, cause) for alarm, causes in CAUSES.items() for cause in causes])
def test_an_alarm_rings_for_its_cause(world: World, alarm: str, cause: Callable[[World], object]):
    world.shop.reconcile()  # as its schedule does
    assert world.ringing() == set()
    world.cloudwatch.begin_period()

    cause(world)

    assert alarm in world.ringing()


def test_an_ordinary_day_rings_nothing(world: World):
    shop = world.shop
    payment_id, _ = shop.buy()
    shop.spend(30)
    shop.refund(payment_id, 10.0)
    shop.deliver()
    declined = shop.create()
    shop.pay(declined, card="4000000000000002")
    [*_, last] = shop.due()
    shop.simulator.resend(last.event_id)
    shop.deliver()
    shop.api.get("/api/payments/unknown", as_admin())
    shop.api.get("/api/users/credits", {"authorization": "Bearer expired"})
    shop.spend(10**6)
    shop.wait(days=200)
    shop.deliver()
    shop.run_timers()
    shop.reconcile()

    assert world.ringing() == set()


def test_a_failure_among_many_requests_rings_nothing(world: World):
    shop = world.shop
    shop.reconcile()
    for _ in range(60):
        shop.api.get("/api/payments/packages")
    shop.fault("/v1/checkout/sessions", "429", times=4)
    for _ in range(2):
        shop.api.post("/api/payments/stripe/create", {"package": "standard"}, as_buyer())

    assert world.ringing() == set()


def test_nobody_outside_can_wake_anybody(world: World):
    world.shop.reconcile()
    api = world.shop.api
    for body in (b"", b"{}", b"\xff", b"[" * 3000, as_bytes({"object": "event"})):
        for header in ("", "t=1,v1=0", signature(body, int(api.now.timestamp()), "whsec_guessed"), "ü", "\ud800"):
            api.post(WEBHOOK, raw=body, headers={"Stripe-Signature": header} if header else {})
            world.by_url(body, {"stripe-signature": header})
        api.post("/api/payments/stripe/create", raw=body)
        api.post("/api/users/credits/spend", raw=body, headers={"x-api-key": "guessed"})
        api.get("/api/users/credits", {"authorization": f"Bearer {body!r}"})

    rung = world.ringing()

    assert rung == {"InvalidSignatureAlarm"}
    assert all(alarms()[alarm]["AlarmActions"] == NOTICE for alarm in rung)


def test_a_stack_where_reconcile_does_not_run_rings(world: World):
    assert world.ringing() == {"ReconcileFailsAlarm"}
