"""AWS's clients find a service's address once, and it is the one that botocore finds for every request."""

from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import NoRegionError

from topup.runtime import aws

REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "dynamodb": ("GetItem", {"TableName": "orders", "Key": {"pk": {"S": "ORDER#1"}}}),
    "events": ("PutEvents", {"Entries": []}),
    "ssm": ("GetParameter", {"Name": "/topup/secret"}),
}


def address(client: Any, operation: str, parameters: Any) -> str:
    url, _, _ = client._resolve_endpoint_ruleset(client.meta.service_model.operation_model(operation), parameters, {})
    return str(url)


@pytest.mark.parametrize("service", REQUESTS)
@pytest.mark.parametrize(
    "settings", [{}, {"AWS_USE_FIPS_ENDPOINT": "true"}, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}]
)
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-2", "us-gov-west-1", "cn-north-1"])
def test_the_address_is_botocores_own(
    environment: pytest.MonkeyPatch, service: str, settings: dict[str, str], region: str
):
    for name, value in ({"AWS_REGION": region, "AWS_DEFAULT_REGION": region} | settings).items():
        environment.setenv(name, value)
    aws._session.cache_clear()

    ours, theirs = aws.client(service, Config()), botocore.session.Session().create_client(service)

    asked = REQUESTS[service]
    assert [address(ours, *asked) for _ in range(2)] == [address(theirs, *asked)] * 2


def test_it_is_looked_for_once():
    calls: list[object] = []

    def find(**arguments: object) -> str:
        calls.append(arguments)
        return "https://dynamodb"

    first = aws._first_result(find)

    assert [first(of=1), first(of=2)] == ["https://dynamodb"] * 2
    assert calls == [{"of": 1}]


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
