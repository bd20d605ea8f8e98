"""AWS's clients find a service's address once, and it is the one that botocore finds for every request."""

from typing import Any
from unittest.mock import Mock

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import NoRegionError

from topup.runtime import aws

KEY = {"pk": {"S": "ORDER#1"}}
PUT = {"Put": {"TableName": "orders", "Item": KEY}}
# Every kind of request that names tables in another place.
REQUESTS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "dynamodb": [
        ("GetItem", {"TableName": "orders", "Key": KEY}),
        ("Query", {"TableName": "orders"}),
        ("BatchGetItem", {"RequestItems": {"orders": {"Keys": [KEY]}}}),
        ("TransactWriteItems", {"TransactItems": [PUT]}),
    ],
    "events": [("PutEvents", {"Entries": []})],
    "ssm": [("GetParameter", {"Name": "/topup/secret"}), ("GetParameters", {"Names": ["/topup/secret"]})],
}
SETTINGS: list[dict[str, str]] = [
    {},
    {"AWS_USE_FIPS_ENDPOINT": "true"},
    {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
    {"AWS_ACCOUNT_ID": "123456789012"},
]


def address(client: Any, operation: str, parameters: Any) -> str:
    url, _, _ = client._resolve_endpoint_ruleset(client.meta.service_model.operation_model(operation), parameters, {})
    return str(url)


@pytest.mark.parametrize("service", REQUESTS)
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-2", "us-gov-west-1", "cn-north-1"])
def test_the_address_is_botocores_own_and_looked_for_once(
    environment: pytest.MonkeyPatch, service: str, settings: dict[str, str], region: str
):
    for name, value in ({"AWS_REGION": region, "AWS_DEFAULT_REGION": region} | settings).items():
        environment.setenv(name, value)
    aws._session.cache_clear()
    ours, theirs = aws.client(service, Config()), botocore.session.Session().create_client(service)
    found = Mock(wraps=ours._ruleset_resolver._provider.resolve_endpoint)
    environment.setattr(ours._ruleset_resolver._provider, "resolve_endpoint", found)

    addresses = [address(ours, *asked) for asked in REQUESTS[service]]

    assert addresses == [address(theirs, *asked) for asked in REQUESTS[service]]
    assert found.call_count == 1


def test_a_function_finds_it_while_it_starts(environment: pytest.MonkeyPatch):
    environment.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    aws._session.cache_clear()
    ours, theirs = aws.client("dynamodb", Config()), botocore.session.Session().create_client("dynamodb")
    ours._ruleset_resolver._provider = None  # nobody is asked any more

    assert address(ours, *REQUESTS["dynamodb"][0]) == address(theirs, *REQUESTS["dynamodb"][0])


def test_a_failure_is_not_kept():
    answers = iter([NoRegionError(), "https://dynamodb"])

    def find() -> str:
        if isinstance(found := next(answers), Exception):
            raise found
        return str(found)

    first = aws._first_result(find)
    with pytest.raises(NoRegionError):
        first()

    assert first() == "https://dynamodb"
