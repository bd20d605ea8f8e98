"""The shop's own part: its tables, with boto3's resource, and its secrets."""

import os
import time
import uuid
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

CREDITS = 1000  # in the only package
SECRETS = ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "JWT_SECRET", "PROXY_API_KEY")

tables = boto3.resource("dynamodb")
orders = tables.Table("peer-orders")
credits = tables.Table("peer-credits")


def parameter_names() -> dict[str, str]:
    """In Parameter Store, by secret."""
    return {secret: f"{os.environ['SECRETS_PREFIX']}/{secret}" for secret in SECRETS}


def secrets() -> dict[str, str]:
    names = parameter_names()
    found = boto3.client("ssm").get_parameters(Names=list(names.values()), WithDecryption=True)
    values = {one["Name"]: one["Value"] for one in found["Parameters"]}
    return {secret: values[name] for secret, name in names.items()}


def place(user_id: str) -> dict[str, Any]:
    order: dict[str, Any] = {"payment_id": str(uuid.uuid4()), "user_id": user_id, "status": "pending", "amount": 10000}
    orders.put_item(Item={**order, "currency": "cny", "credits": CREDITS})
    return order


def session_of(order: dict[str, Any]) -> dict[str, Any]:
    """The parameters of the order's Checkout Session."""
    price = {"currency": "cny", "unit_amount": order["amount"], "product_data": {"name": "Credits"}}
    metadata = {"order_id": order["payment_id"], "user_id": order["user_id"]}
    return {
        "mode": "payment",
        "line_items": [{"quantity": 1, "price_data": price}],
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "success_url": "https://shop.example/paid",
    }


def fulfil(event: Any) -> None:
    """Grant the credits of a paid order, once for each event."""
    if event["type"] != "payment_intent.succeeded":
        return
    intent = event["data"]["object"]
    key = {"payment_id": intent["metadata"]["order_id"]}
    try:
        orders.put_item(Item={"payment_id": event["id"]}, ConditionExpression=Attr("payment_id").not_exists())
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return
        raise
    order: dict[str, Any] = orders.get_item(Key=key, ConsistentRead=True)["Item"]
    if (order["amount"], order["currency"]) != (intent["amount_received"], intent["currency"]):
        raise ValueError("another amount was paid")
    orders.update_item(
        Key=key,
        UpdateExpression="SET #status = :paid, transaction_id = :intent",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":paid": "succeeded", ":intent": intent["id"]},
    )
    balance = _add(order["user_id"], order["credits"])
    lot = {"granted": order["credits"], "remaining": order["credits"], "payment_id": order["payment_id"]}
    credits.put_item(Item={"user_id": order["user_id"], "record": f"LOT#{order['payment_id']}", **lot})
    _enter(order["user_id"], order["credits"], balance)


def credits_of(user_id: str) -> dict[str, Any]:
    query = credits.query(KeyConditionExpression=Key("user_id").eq(user_id), ConsistentRead=True)
    found: list[dict[str, Any]] = query["Items"]
    lots = [{"granted": int(one["granted"]), "remaining": int(one["remaining"])} for one in found if "granted" in one]
    balance = next((int(one["balance"]) for one in found if one["record"] == "WALLET"), 0)
    return {"user_id": user_id, "balance": balance, "lots": lots}


def spend(user_id: str, amount: int) -> int | None:
    """The balance after it; None if there are too few credits."""
    try:
        balance = _add(user_id, -amount, ConditionExpression=Attr("balance").gte(amount))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return None
        raise
    _enter(user_id, -amount, balance)
    return balance


def _add(user_id: str, amount: int, **condition: Any) -> int:
    changed = credits.update_item(
        Key={"user_id": user_id, "record": "WALLET"},
        UpdateExpression="ADD balance :amount",
        ExpressionAttributeValues={":amount": amount},
        ReturnValues="UPDATED_NEW",
        **condition,
    )
    return int(changed["Attributes"]["balance"])  # type: ignore[arg-type]


def _enter(user_id: str, amount: int, balance: int) -> None:
    entry = {"amount": amount, "balance_after": balance, "at": int(time.time())}
    credits.put_item(Item={"user_id": user_id, "record": f"ENTRY#{uuid.uuid4()}", **entry})
