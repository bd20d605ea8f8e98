"""Read all pages of a query."""

from collections.abc import Iterator, Mapping
from typing import Any

from topup.store.client import client


def query_all(query: Mapping[str, Any]) -> Iterator[Any]:
    """All items of a query, page after page; another request may change them between two pages."""
    # Not botocore's paginator: making one costs a twentieth of a request, and nearly every query needs only one.
    request = dict(query)
    while True:
        page = client().query(**request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
