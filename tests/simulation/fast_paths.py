"""The libraries and the emulator, without the work that costs time and decides nothing.

botocore and Stripe's library keep what histories depend on: idempotency tokens, retries with their pauses, and errors.
What they do to requests and answers on their way is left out, and so are the emulator's checks of sizes and syntax: the
integration and conformance tests do all of that.
"""

import copy
import io
import json
import marshal
import uuid
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import stripe
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.parsers import JSONParser
from botocore.retries import standard
from ministack.services import dynamodb as engine
from stripe import StripeObject, _api_requestor, _stripe_response, _util

from topup.store import client as store_client

Json = dict[str, Any]
Send = Callable[[str, Json, bytes], tuple[int, Json]]  # operation, parameters, body; the answer's status and content

Replacement = tuple[Any, str, Any]  # the owner, the name and the value during a run

OK = 200
SUCCESS = SimpleNamespace(status_code=OK)


class Calls:
    """The calls of the functions' own client: the same results and errors as botocore's `_make_api_call` has."""

    def __init__(self, send: Send) -> None:
        self._client, self._quota = _client_and_quota()
        self._quota._quota._available_capacity = self._quota._quota._max_capacity
        self._send = send

    def begin(self) -> None:
        """Make the client's calls from now on."""
        self._client._make_api_call = self._call

    def end(self) -> None:
        """Leave them to the client again."""
        del self._client._make_api_call

    def _call(self, operation: str, params: Json) -> Any:
        model = self._client.meta.service_model.operation_model(operation)
        for name in model.idempotent_members:
            params.setdefault(name, str(uuid.uuid4()))
        store_client._require_time()
        context: Json = {"retries": {"attempt": 1, "invocation-id": uuid.uuid4()}}
        body, tries = json.dumps(params).encode(), 0
        while True:
            tries += 1
            try:
                status, content = self._send(operation, params, body)
            except Exception as error:
                if not self._is_retried(tries, model, context, None, error):
                    raise
                continue
            if status == OK:
                self._quota.release_retry_quota(context, SUCCESS)
                return content | {"ResponseMetadata": {"RetryAttempts": tries - 1}}
            failed = self._failed(model, status, content)
            if not self._is_retried(tries, model, context, failed, None):
                parsed = failed[1]
                parsed["ResponseMetadata"]["RetryAttempts"] = tries - 1
                raise self._client.exceptions.from_code(parsed["Error"]["Code"])(parsed, operation)

    def _is_retried(
        self, tries: int, model: Any, context: Json, failed: tuple[AWSResponse, Json] | None, error: Exception | None
    ) -> bool:
        """Whether botocore tries again; if so, after its pause."""
        return bool(self._client._endpoint._needs_retry(tries, model, {"context": context}, failed, error))

    def _failed(self, model: Any, status: int, content: Json) -> tuple[AWSResponse, Json]:
        """An answer that is no success, and what botocore reads in it."""
        body = json.dumps(content).encode()
        response: Json = {"status_code": status, "headers": {}, "body": body, "context": {}}
        parser = JSONParser()
        parsed = parser.parse(response, model.output_shape)
        self._client._endpoint._add_modeled_error_fields(response, parsed, model, parser)
        return AWSResponse("", status, HTTPHeaders(), _Raw(body)), parsed


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _client_and_quota() -> tuple[Any, Any]:
    """The functions' own client, and what limits its retries."""
    client, retry_quota = _made()
    if store_client.client() is not client:  # another test has made another one since
        _made.cache_clear()
        client, retry_quota = _made()
    return client, retry_quota


@cache
def _made() -> tuple[Any, Any]:
    quotas: list[standard.RetryQuotaChecker] = []
    make = standard.RetryQuotaChecker.__init__

    def remember(self: standard.RetryQuotaChecker, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        quotas.append(self)

    standard.RetryQuotaChecker.__init__ = remember  # type: ignore[method-assign]
    try:
        store_client.client.cache_clear()
        client = store_client.client()
    finally:
        standard.RetryQuotaChecker.__init__ = make  # type: ignore[method-assign]
    return client, quotas[-1]


def _copied(value: Any) -> Any:
    """A deep copy: items are plain data, and marshal copies them ten times as fast as copy does."""
    try:
        return marshal.loads(marshal.dumps(value))
    except ValueError:
        return copy.deepcopy(value)


# What the emulator checks of a request's form: the store's requests and the attributes in them are sound.
NOT_CHECKED = ("_validate_item", "_values_error_response", "_validate_expression_attrs", "_older_layer_error")

# Replacements in the emulator.
ENGINE: tuple[Replacement, ...] = (
    (engine, "_tokenize", cache(engine._tokenize)),
    (engine, "_condition_syntax_error", cache(engine._condition_syntax_error)),
    (engine, "_item_size_bytes", lambda _item: 1000),  # no item comes near DynamoDB's limits
    *((engine, name, lambda *_, **__: None) for name in NOT_CHECKED),
    (engine, "_emit_stream_event", lambda *_, **__: None),  # the run makes the records of its timers itself
    (engine, "copy", SimpleNamespace(copy=copy.copy, deepcopy=_copied)),
)


def _refreshed(
    self: StripeObject, *, values: Json, requestor: Any, api_mode: Any, last_response: Any = None, **_: Any
) -> None:
    """Fill an object of Stripe's library with what was read; what is in it stays plain, as `to_dict` makes it anyway.

    Only what is listed becomes objects too: the library looks for their ids when it turns the page.
    """
    self._requestor, self._last_response = requestor, last_response
    self._data = dict(values)
    if isinstance(listed := values.get("data"), list):
        self._data["data"] = [
            _util._convert_to_stripe_object(resp=one, requestor=requestor, api_mode=api_mode) for one in listed
        ]


@lru_cache(maxsize=1000, typed=True)
def _urlencoded(name: str, value: Any) -> str:
    return urlencode([(name, value)])


# Replacements in Stripe's library.
STRIPE: tuple[Replacement, ...] = (
    (StripeObject, "_refresh_from", _refreshed),
    (_util, "logfmt", lambda _props: ""),  # the lines of a log that nobody reads
    (_api_requestor, "urlencode", lambda pairs: "&".join(_urlencoded(*pair) for pair in pairs)),
    (stripe, "enable_telemetry", False),
    (_api_requestor._APIRequestor, "AI_AGENTS", ()),
    (_stripe_response, "json", SimpleNamespace(loads=lambda text, **_: json.loads(text))),
)
