"""`make cost`: what is counted, and that the page is what the script says."""

from typing import Any

import pytest

from tools.generate.cost import __main__ as cost
from tools.generate.cost import metering
from tools.generate.cost.flows import measure
from tools.generate.cost.metering import Call

BY_USER = {
    "KeySchema": [{"AttributeName": "user"}, {"AttributeName": "at"}],
    "Projection": {"ProjectionType": "ALL"},
}
KEYS_ONLY = {**BY_USER, "Projection": {"ProjectionType": "KEYS_ONLY"}}
PRICES: Any = {
    "dynamodb": {"million_write_units": 2, "million_read_units": 1},
    "lambda": {"million_requests": 0.5, "gigabyte_second_arm64": 0.001},
    "http_api": {"million_requests": 3},
    "cloudwatch": {"gigabyte_of_logs": 10},
    "xray": {"million_traces": 20},
    "assumed": {
        "milliseconds": {"spend_credits": 100, "stripe_webhook": 100},
        "traced_share": 0.05,
        "platform_log_bytes": 100,
        "index_units_in_transactions": 2,
        "lots_in_one_expiry_call": 1,
    },
}


def an_item(**texts: str) -> dict[str, Any]:
    return {name: {"S": text} for name, text in texts.items()}


def test_the_page_is_what_the_script_says():
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


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (1024, 1), (1025, 2)])
def test_a_write_unit_covers_a_kilobyte(size: int, units: int):
    assert metering.units(size, metering.WRITE_STEP) == units


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        ({}, an_item(id="1"), 0),
        ({}, an_item(id="1", user="u", at="1"), 1),
        (an_item(id="1", user="u", at="1"), an_item(id="1", user="u", at="1", more="x"), 1),
        (an_item(id="1", user="u", at="1"), an_item(id="1", user="u", at="2"), 2),
        (an_item(id="1", user="u", at="1"), an_item(id="1"), 1),
    ],
)
def test_an_index_writes_what_shows_in_it(before: Any, after: Any, units: int):
    assert metering.index_units(BY_USER, {"id"}, before, after) == units


def test_an_index_of_keys_alone_does_not_write_other_changes():
    before, after = an_item(id="1", user="u", at="1"), an_item(id="1", user="u", at="1", more="x")

    assert metering.index_units(KEYS_ONLY, {"id"}, before, after) == 0


def test_a_call_costs_what_it_uses():
    call = Call("spend_credits", reads=1, table_writes=4, index_writes_in_transactions=1, log_bytes=900)

    found = cost.cost_of([call], PRICES, memory=2048)

    assert (found.write_units, found.dynamodb) == (6, 13)
    assert found.compute == pytest.approx(0.5 + 0.1 * 2 * 1000)
    assert found.http_api == 3
    assert found.observed == pytest.approx(10 + 1)


def test_a_webhook_comes_by_the_functions_own_url_and_pays_no_api():
    assert cost.cost_of([Call("stripe_webhook")], PRICES, memory=1024).http_api == 0


def test_the_flows_are_counted_from_the_real_handlers():
    flows = measure().flows

    assert [call.function for call in flows["purchase"]] == ["create_checkout", "stripe_webhook", "stripe_webhook"]
    [first, again] = flows["purchase"][1:]
    assert first.table_writes == 2 * 5  # one transaction: order, wallet, entry, lot, timer
    assert (again.table_writes, again.reads) == (0, 2)
    assert flows["status read"][0].table_writes == 0
    [expiry] = flows["expiry"]
    assert expiry.table_writes == 2 * 4  # order, wallet, entry, lot
