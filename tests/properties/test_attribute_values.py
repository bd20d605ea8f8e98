"""Requests to DynamoDB are written, and its answers read, as botocore itself does."""

import base64
import json
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.parsers import JSONParser
from botocore.serialize import JSONSerializer
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.examples import examples
from topup.runtime import aws
from topup.runtime.attribute_values import Parser, Serializer

TEXTS = st.text(max_size=5)
NUMBERS = st.integers().map(str)
SENT = st.binary(max_size=5)
RECEIVED = SENT.map(lambda raw: base64.b64encode(raw).decode())
MODEL = botocore.session.get_session().get_service_model("dynamodb")


def items(binaries: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    plain = st.one_of(
        st.fixed_dictionaries({"S": TEXTS}),
        st.fixed_dictionaries({"N": NUMBERS}),
        st.fixed_dictionaries({"B": binaries}),
        st.fixed_dictionaries({"BOOL": st.booleans()}),
        st.just({"NULL": True}),
        st.fixed_dictionaries({"SS": st.lists(TEXTS, max_size=3)}),
        st.fixed_dictionaries({"NS": st.lists(NUMBERS, max_size=3)}),
        st.fixed_dictionaries({"BS": st.lists(binaries, max_size=3)}),
    )
    attributes = st.recursive(
        plain,
        lambda inner: (
            st.fixed_dictionaries({"L": st.lists(inner, max_size=3)})
            | st.fixed_dictionaries({"M": st.dictionaries(TEXTS, inner, max_size=3)})
        ),
        max_leaves=8,
    )
    return st.dictionaries(TEXTS, attributes, max_size=4)


@examples(250)
@given(items(SENT))
@example({"wallet": {"M": {"key": {"B": b"\0\1"}}}})
def test_a_request_is_what_botocores_own_serializer_makes_of_it(item: Any):
    put = {"TableName": "orders", "Item": item}
    condition = {"ConditionExpression": "#a = :a", "ExpressionAttributeNames": {"#a": "held"}}
    requests = {
        "PutItem": put | condition | {"ExpressionAttributeValues": item},
        "GetItem": {"TableName": "orders", "Key": item, "ConsistentRead": True},
        "BatchGetItem": {"RequestItems": {"orders": {"Keys": [item]}}},
        "TransactWriteItems": {"TransactItems": [{"Put": put}, {"Delete": {"TableName": "orders", "Key": item}}]},
        "Query": {"TableName": "orders", "ExclusiveStartKey": item, "Limit": 1},
    }
    for operation, parameters in requests.items():
        ours, theirs = (
            serializer.serialize_to_request(parameters, MODEL.operation_model(operation))
            for serializer in (Serializer(), JSONSerializer())
        )
        assert ours == theirs


def parsed(parser: Any, operation: str, answer: Any, status: int = 200) -> Any:
    response = {"status_code": status, "headers": {}, "body": json.dumps(answer).encode()}
    return parser.parse(response, MODEL.operation_model(operation).output_shape)


@examples(250)
@given(st.lists(items(RECEIVED), max_size=3), items(RECEIVED))
@example([{"wallet": {"M": {"key": {"B": "AAE="}}}}], {})
def test_an_answer_is_what_botocores_own_parser_makes_of_it(found: list[Any], last: Any):
    answers = {
        "Query": {"Items": found, "Count": len(found), "LastEvaluatedKey": last},
        "GetItem": {"Item": last},
        "BatchGetItem": {"Responses": {"orders": found}, "UnprocessedKeys": {}},
        "TransactWriteItems": {"ConsumedCapacity": [{"TableName": "orders", "CapacityUnits": 1.5}]},
        "PutItem": {"Attributes": last, "ConsumedCapacity": {"Table": {"CapacityUnits": 2}}},
    }
    for operation, answer in answers.items():
        ours, theirs = (parsed(parser, operation, answer) for parser in (Parser(), JSONParser()))
        assert ours == theirs


def test_so_is_a_refusal_with_the_item_that_was_there():
    reasons = [{"Code": "ConditionalCheckFailed", "Item": {"held": {"N": "3"}}}, {"Code": "None"}]
    error = {"__type": "com.amazonaws.dynamodb#TransactionCanceledException", "CancellationReasons": reasons}

    ours, theirs = (parsed(parser, "TransactWriteItems", error, 400) for parser in (Parser(), JSONParser()))

    assert ours == theirs
    assert ours["Error"]["Code"] == "TransactionCanceledException"


def test_our_clients_write_and_read_by_them(environment: pytest.MonkeyPatch):
    made: Any = aws.client("dynamodb", Config(parameter_validation=False))

    assert (type(made._serializer), type(made._response_parser)) == (Serializer, Parser)
