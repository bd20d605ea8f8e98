"""The functions' own client and the emulator behind it, without the work that costs time and decides nothing.

Signatures, user agents, sizes and the syntax of expressions are not checked here: the conformance tests do that.
"""

import copy
import marshal
from functools import cache
from types import SimpleNamespace
from typing import Any

import botocore
from botocore.parsers import JSONParser
from botocore.retries import quota
from ministack.services import dynamodb as engine

from topup.store import client as store_client


def prepared() -> tuple[Any, list[quota.RetryQuota]]:
    """The functions' own client, made faster, and the quotas of its retries."""
    client, quotas = _prepared()
    if store_client.client() is not client:  # another test has made another one since
        _prepared.cache_clear()
        client, quotas = _prepared()
    return client, quotas


@cache
def _prepared() -> tuple[Any, list[quota.RetryQuota]]:
    quotas: list[quota.RetryQuota] = []
    make = quota.RetryQuota.__init__

    def remember(self: quota.RetryQuota, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        quotas.append(self)

    quota.RetryQuota.__init__ = remember  # type: ignore[method-assign]
    try:
        store_client.client.cache_clear()
        client = store_client.client()
    finally:
        quota.RetryQuota.__init__ = make  # type: ignore[method-assign]
    agent = client._user_agent_creator.to_string()  # type: ignore[attr-defined]
    client._user_agent_creator.to_string = lambda: agent  # type: ignore[attr-defined]
    client.meta.events.register("choose-signer.dynamodb", lambda **_: botocore.UNSIGNED)
    endpoint = client._ruleset_resolver.construct_endpoint  # type: ignore[attr-defined]
    known: list[Any] = []

    def construct(*args: Any, **options: Any) -> Any:
        known[:] = known or [endpoint(*args, **options)]
        return known[0]

    client._ruleset_resolver.construct_endpoint = construct  # type: ignore[attr-defined]
    client._endpoint._response_parser_factory = SimpleNamespace(create_parser=cache(_Parser))  # type: ignore[attr-defined]
    return client, quotas


def _copied(value: Any) -> Any:
    """A deep copy: items are plain data, and marshal copies them ten times as fast as copy does."""
    try:
        return marshal.loads(marshal.dumps(value))
    except ValueError:
        return copy.deepcopy(value)


class _Parser(JSONParser):
    """botocore's own, but it leaves attribute values as they are: only binary ones would change."""

    def __init__(self, _protocol: str) -> None:
        super().__init__()

    def _handle_structure(self, shape: Any, value: Any) -> Any:
        return value if shape.name == "AttributeValue" else super()._handle_structure(shape, value)  # type: ignore[misc]


# Replacements in the emulator during a run: owner, name, value.
ENGINE: tuple[tuple[Any, str, Any], ...] = (
    (engine, "_tokenize", cache(engine._tokenize)),
    (engine, "_condition_syntax_error", cache(engine._condition_syntax_error)),
    (engine, "_item_size_bytes", lambda _item: 1000),  # no item comes near DynamoDB's limits
    (engine, "copy", SimpleNamespace(copy=copy.copy, deepcopy=_copied)),
)
