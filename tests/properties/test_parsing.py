"""DynamoDB's answers are read as botocore's own parser reads them."""

import base64
import json
from typing import Any

import botocore.session
import pytest
from botocore.parsers import create_parser
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.examples import examples
from topup.runtime import aws
from topup.runtime.parsing import Parsers

TEXTS = st.text(max_size=5)
NUMBERS = st.integers().map(str)
BINARIES = st.binary(max_size=5).map(lambda raw: base64.b64encode(raw).decode())
PLAIN = st.one_of(
    st.fixed_dictionaries({"S": TEXTS}),
    st.fixed_dictionaries({"N": NUMBERS}),
    st.fixed_dictionaries({"B": BINARIES}),
    st.fixed_dictionaries({"BOOL": st.booleans()}),
    st.just({"NULL": True}),
    st.fixed_dictionaries({"SS": st.lists(TEXTS, max_size=3)}),
    st.fixed_dictionaries({"NS": st.lists(NUMBERS, max_size=3)}),
    st.fixed_dictionaries({"BS": st.lists(BINARIES, max_size=3)}),
)
ATTRIBUTES = st.recursive(
    PLAIN,
    lambda inner: (
        st.fixed_dictionaries({"L": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"M": st.dictionaries(TEXTS, inner, max_size=3)})
    ),
    max_leaves=8,
)
ITEMS = st.dictionaries(TEXTS, ATTRIBUTES, max_size=4)
MODEL = botocore.session.get_session().get_service_model("dynamodb")


def parsed(parser: Any, operation: str, answer: Any, status: int = 200) -> Any:
    response = {"status_code": status, "headers": {}, "body": json.dumps(answer).encode()}
    return parser.parse(response, MODEL.operation_model(operation).output_shape)


@examples(250)
@given(st.lists(ITEMS, max_size=3), ITEMS)
@example([{"wallet": {"M": {"key": {"B": "AAE="}}}}], {})
def test_an_answer_is_what_botocores_own_parser_makes_of_it(items: list[Any], last: Any):
    answers = {
        "Query": {"Items": items, "Count": len(items), "LastEvaluatedKey": last},
        "GetItem": {"Item": last},
        "BatchGetItem": {"Responses": {"orders": items}, "UnprocessedKeys": {}},
        "TransactWriteItems": {"ConsumedCapacity": [{"TableName": "orders", "CapacityUnits": 1.5}]},
        "PutItem": {"Attributes": last, "ConsumedCapacity": {"Table": {"CapacityUnits": 2}}},
    }
    for operation, answer in answers.items():
        ours, theirs = (parsed(made.create_parser("json"), operation, answer) for made in (Parsers(), botocore.parsers))
        assert ours == theirs


def test_so_is_a_refusal_with_the_item_that_was_there():
    reasons = [{"Code": "ConditionalCheckFailed", "Item": {"held": {"N": "3"}}}, {"Code": "None"}]
    error = {"__type": "com.amazonaws.dynamodb#TransactionCanceledException", "CancellationReasons": reasons}

    ours, theirs = (
        parsed(made, "TransactWriteItems", error, 400)
        for made in (Parsers().create_parser("json"), create_parser("json"))
    )

    assert ours == theirs
    assert ours["Error"]["Code"] == "TransactionCanceledException"


@pytest.mark.parametrize("protocol", ["query", "rest-json", "rest-xml"])
def test_other_protocols_are_read_by_botocore(protocol: str):
    assert type(Parsers().create_parser(protocol)) is type(create_parser(protocol))


def test_our_clients_read_by_it(environment: pytest.MonkeyPatch):
    aws._session.cache_clear()

    assert isinstance(aws._session().get_component("response_parser_factory"), Parsers)
