"""`make cost`: what it counts, and that docs/cost.md is up to date."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local import ROOT
from local.aws.intrinsics import read_yaml
from tools.generate.cost import __main__ as cost
from tools.generate.cost import metering
from tools.generate.cost.flows import measure
from tools.generate.cost.memory import Memory, memory_in
from tools.generate.cost.metering import Call, Meter

PRICES: Any = {
    "dynamodb": {"million_write_units": 2, "million_read_units": 1},
    "lambda": {"million_requests": 0.5, "gigabyte_second_arm64": 0.001},
    "http_api": {"million_requests": 3},
    "cloudwatch": {"gigabyte_of_logs": 10},
    "xray": {"million_traces": 20},
    "assumed": {
        "milliseconds": {"spend_credits": 100, "stripe_webhook": 100},
        "traced_share": 0.05,
        "platform_log_bytes": 50,
        "access_log_bytes": 50,
        "index_units_in_transactions": 2,
        "lots_in_one_expiry_call": 1,
    },
}


def an_item(**texts: str) -> dict[str, Any]:
    return {name: {"S": text} for name, text in texts.items()}


def test_the_page_is_up_to_date():
    assert cost.DOCUMENT.read_text(encoding="utf-8") == cost.document(), "run `make cost`"


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "包"}, 3),
        ({"N": "1100"}, 2),
        ({"N": "1234567"}, 5),
        ({"N": "-10"}, 3),
        ({"BOOL": True}, 1),
        ({"M": {"id": {"S": "ab"}}}, 3 + 1 + 2 + 2),
        ({"L": [{"S": "ab"}]}, 3 + 1 + 2),
    ],
)
def test_an_items_size_is_its_names_and_its_values(value: Any, size: int):
    assert metering.size_of({"name": value}) == 4 + size


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (4096, 1), (4097, 2)])
def test_a_read_unit_covers_four_kilobytes(size: int, units: int):
    item = an_item(id="x" * (size - 2)) if size > 2 else {}

    read = metering.read_units("GetItem", {"ConsistentRead": True}, {"Item": item})

    assert read == units


def test_an_eventually_consistent_read_costs_half():
    assert metering.read_units("Query", {}, {"Items": [an_item(id="1")]}) == 0.5


def test_a_batch_pays_for_items_that_are_missing():
    sent: Any = {"RequestItems": {"orders": {"Keys": [{}, {}, {}]}}}

    assert metering.read_units("BatchGetItem", sent, {"Responses": {"orders": [an_item(id="1")]}}) == 3


@pytest.fixture
def meter(environment: pytest.MonkeyPatch) -> Iterator[Meter]:
    """A metered table with an index by user that keeps all attributes, and one that keeps only the keys."""
    meter = Meter()
    meter.attach(boto3.client("dynamodb"))
    key = [{"AttributeName": "user", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}]
    meter.client.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "user", "at")],
        GlobalSecondaryIndexes=[
            {"IndexName": projection, "KeySchema": key, "Projection": {"ProjectionType": projection}}
            for projection in ("ALL", "KEYS_ONLY")
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    yield meter
    meter.reset()


def put(meter: Meter, item: Any) -> Call:
    call = meter.engine.current = Call("create_checkout")
    meter.client.put_item(TableName="orders", Item=item)
    return call


@pytest.mark.parametrize(("size", "units"), [(3, 1), (1024, 1), (1025, 2)])
def test_a_write_unit_covers_a_kilobyte(meter: Meter, size: int, units: int):
    assert put(meter, an_item(id="x" * (size - 2))).table_writes == units


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, an_item(id="1"), 0),
        (None, an_item(id="1", user="u", at="1"), 2),
        (an_item(id="1", user="u", at="1"), an_item(id="1", user="u", at="2"), 4),
        (an_item(id="1", user="u", at="1"), an_item(id="1"), 2),
        # The index of keys alone does not write other changes.
        (an_item(id="1", user="u", at="1"), an_item(id="1", user="u", at="1", more="x"), 1),
        (an_item(id="1", user="u", at="1"), an_item(id="1", user="u", at="1"), 0),
    ],
)
def test_an_index_writes_only_what_changes_in_it(meter: Meter, before: Any, after: Any, units: int):
    if before:
        put(meter, before)

    assert put(meter, after).index_writes == units


def test_a_transaction_writes_twice_and_its_index_writes_are_counted_apart(meter: Meter):
    meter.engine.current = Call("create_checkout")
    item = an_item(id="1", user="u", at="1")
    meter.client.transact_write_items(TransactItems=[{"Put": {"TableName": "orders", "Item": item}}])

    assert (meter.engine.current.table_writes, meter.engine.current.index_writes_in_transactions) == (2, 2)
    assert meter.engine.current.index_writes == 0


def test_a_refused_write_is_not_counted(meter: Meter):
    put(meter, an_item(id="1"))
    meter.engine.current = Call("create_checkout")

    with pytest.raises(ClientError):
        meter.client.put_item(TableName="orders", Item=an_item(id="1"), ConditionExpression="attribute_not_exists(id)")

    assert meter.engine.current.table_writes == 0


def test_a_call_costs_what_it_uses():
    call = Call("spend_credits", reads=1, table_writes=4, index_writes_in_transactions=1, log_bytes=900)

    found = cost.cost_of([call], PRICES, memory=Memory(512, {"spend_credits": 2048}))

    assert (found.write_units, found.dynamodb) == (6, 13)
    assert found.compute == pytest.approx(0.5 + 0.1 * 2 * 1000)
    assert found.http_api == 3
    assert found.observed == pytest.approx(10 + 1)


def test_the_memory_of_each_function_is_the_templates():
    memory = memory_in(read_yaml(ROOT / "template.yaml"))

    assert (memory.of("spend_credits"), memory.of("create_checkout")) == (1024, 512)
    assert memory.of_its_own.keys() == {"create_checkout"}


def test_a_webhook_uses_the_functions_own_url_and_pays_no_http_api():
    assert cost.cost_of([Call("stripe_webhook")], PRICES, memory=Memory(1024)).http_api == 0


def test_the_flows_are_counted_from_the_real_handlers():
    measured = measure()
    flows = measured.flows

    assert [call.function for call in flows["purchase"]] == ["create_checkout", "stripe_webhook", "stripe_webhook"]
    [first, again] = flows["purchase"][1:]
    assert (
        first.table_writes == 2 * 7
    )  # one transaction: order, wallet, entry, lot, timer, mark; and that it is not used up
    assert (
        measured.order_bytes < 1024 < measured.order_bytes + 258
    )  # of the shortest fragment of an address of Stripe's
    assert (again.table_writes, again.reads) == (0, 2)
    assert flows["status read"][0].table_writes == 0
    [expiry] = flows["expiry"]
    assert expiry.table_writes == 2 * 4  # order, wallet, entry, lot


def test_what_services_do_is_counted_from_the_real_handlers():
    flows = {name: calls for name, [calls] in measure().of_services.items()}

    counted = {
        name: (call.function, call.table_writes, call.index_writes_in_transactions) for name, call in flows.items()
    }
    assert counted == {
        "open a hold": ("open_hold", 2 * 4, 1),  # wallet, hold, timer, marker; the index of what is due
        "end a hold that nobody has ended": ("expire_credits", 2 * 3, 1),  # wallet, and the hold in its two places
        "extend a hold": ("extend_hold", 2 * 5, 2),  # wallet, the hold in its two places, timer, marker
        "capture a part of it": ("capture_hold", 2 * 5, 0),  # wallet, lot, hold, entry, marker
        "capture, and release the rest": ("capture_hold", 2 * 6, 1),  # … and the hold in its other place
        "give a spend back": ("reverse_spend", 2 * 6, 0),  # … of which one is the spend's own record
        "release a hold": ("release_hold", 2 * 4, 1),  # wallet, the hold in its two places, marker
        "40 spends in a batch": ("spend_batch", 2 * (2 + 40 * 2), 0),  # wallet and lot, and for each entry and marker
    }


# ------------------------------------------------------------------------------------------- what is paid by the month


def test_alarms_are_paid_by_the_metrics_that_they_evaluate():
    def an_alarm(*metrics: str) -> dict[str, Any]:
        stats = [{"MetricStat": {"Metric": {"Namespace": "AWS/Lambda", "MetricName": name}}} for name in metrics]
        return {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"Expression": "SUM(METRICS())"}, *stats]}}

    plain = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Namespace": "Topup", "MetricName": "NoSuchMetric"}}
    resources = {"Math": an_alarm("Errors", "Throttles"), "Plain": plain, "Topic": {"Type": "AWS::SNS::Topic"}}

    watched = cost.watching({"Resources": resources})
    without = cost.watching({"Resources": {}})

    assert (watched.alarm_metrics, without.alarm_metrics) == (3, 0)
    assert watched.own_metrics == without.own_metrics + 1 > 1  # the dashboard's, and the one that is only watched
    prices = {"month_of_an_alarms_metric": 0.5, "month_of_a_metric": 2, "month_of_a_dashboard": 10}
    assert cost.Watching(3, 4).monthly({"cloudwatch": prices}) == 3 * 0.5 + 4 * 2 + 10
