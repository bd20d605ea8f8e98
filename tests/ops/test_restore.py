"""Both tables are restored under other names, beside the stack: what the runbook says puts them into service."""

import re
from collections.abc import Iterable
from typing import Any

import pytest

from local.in_process.shop import Shop
from tests.ops.test_audit_stripe import findings
from tests.ops.test_doctor import Stack, pasted, stack  # noqa: F401 - a fixture
from tests.unit.template_parts import document, resolver
from topup.runtime import config

IN_TABLE = ("AttributeDefinitions", "KeySchema", "BillingMode")
IN_INDEX = ("IndexName", "KeySchema", "Projection")


def contents(client: Any, table: str) -> list[Any]:
    return list(client.scan(TableName=table, ConsistentRead=True)["Items"])


def restore(client: Any, table: str, items: Iterable[Any]) -> str:
    """The table as DynamoDB restores it: items and indexes, but no TTL, stream, backups or protection."""
    found = client.describe_table(TableName=table)["Table"] | {"BillingMode": "PAY_PER_REQUEST"}
    indexes = [{name: index[name] for name in IN_INDEX} for index in found["GlobalSecondaryIndexes"]]
    restored = f"{table}-restored"
    definition = {name: found[name] for name in IN_TABLE}
    client.create_table(TableName=restored, **definition, GlobalSecondaryIndexes=indexes)
    for item in items:
        client.put_item(TableName=restored, Item=item)
    return restored


def taken_over(command: str) -> dict[str, str]:
    """The parameters in the command that doctor prints."""
    match = re.fullmatch(r'make deploy STAGE=staging SET="([^"]+)"', command)
    assert match
    return dict(pair.split("=", 1) for pair in match[1].split())


def test_restored_tables_go_into_service_by_pasting_what_doctor_prints(stack: Stack):  # noqa: F811
    client = stack.dynamodb.client
    orders, credits = (
        restore(client, table, []) for table in (stack.dynamodb.orders_table, stack.dynamodb.credits_table)
    )
    stack.clients["cloudformation"].outputs |= {"OrdersTableName": orders, "CreditsTableName": credits}

    # First what DynamoDB does not restore, each line pasted; then the trigger, which reads the lost table's stream.
    assert stack.doctor() == 1
    commands = [line.partition(" → ")[2] for line in stack.lines("wrong")]
    assert len(commands) == 7
    for command in commands:
        pasted(command, client)
    assert stack.doctor() == 1
    [line] = stack.lines("wrong")
    assert "not read as they are now by expire_credits and publish_events" in line

    given = taken_over(line.partition(" → ")[2])
    variables = resolver(**given).resolve(document()["Globals"]["Function"]["Environment"]["Variables"], "")
    assert (variables["ORDERS_TABLE"], variables["CREDITS_TABLE"]) == (orders, credits)
    stack.reads_streams_of(orders, credits)
    assert [given["OrdersStreamArn"], given["CreditsStreamArn"]] == [
        trigger["EventSourceArn"] for trigger in stack.functions.triggers
    ]
    assert stack.doctor() == 0
    assert stack.lines("wrong") == stack.lines("warn") == []


def test_what_happened_after_the_restored_moment_is_found_at_stripe(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    client = shop.dynamodb.client
    shop.buy()
    shop.spend(100)
    open_then = shop.create("trial")
    names = (shop.dynamodb.orders_table, shop.dynamodb.credits_table)
    backup = [contents(client, table) for table in names]
    shop.pay(open_then)
    unknown, _ = shop.buy("value")  # an order that the backup does not have
    shop.deliver()
    shop.spend(50)  # nobody but the caller knows of it any more

    orders, credits = (restore(client, table, items) for table, items in zip(names, backup, strict=True))
    monkeypatch.setenv("ORDERS_TABLE", orders)
    monkeypatch.setenv("CREDITS_TABLE", credits)
    config.settings.cache_clear()
    shop.dynamodb.orders_table, shop.dynamodb.credits_table = orders, credits

    assert shop.balance() == 1000
    shop.wait(hours=1)
    shop.reconcile(window_hours=720, all=True)

    assert shop.payment(open_then["payment_id"])["status"] == "succeeded"
    assert shop.balance() == 1500
    [missing] = findings(shop)
    assert unknown in missing
    assert "there is no such payment here" in missing
    shop.check()
