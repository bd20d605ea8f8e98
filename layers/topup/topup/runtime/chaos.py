"""Faults of AWS, caused on purpose, to see that they change nothing: for a drill where no real money moves.

docs/drills.md has the drill. This is loaded only where TOPUP_CHAOS is set, such as
`throttle:0.05,timeout_after:0.02,duplicate:0.02`: the share of requests to DynamoDB and EventBridge that are throttled
without being sent, the share of those that are sent and whose answer is lost, and the share of events that a handler
runs twice. Each fault is a line of the log.
"""

import json
import os
import random
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from functools import cache, wraps
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from topup.domain.errors import ConfigurationError
from topup.runtime import config, start
from topup.runtime.secret_values import listed
from topup.runtime.telemetry import logger

THROTTLE, TIMEOUT_AFTER, DUPLICATE = "throttle", "timeout_after", "duplicate"
KINDS = (THROTTLE, TIMEOUT_AFTER, DUPLICATE)
DISTURBED = {"dynamodb": "dynamodb", "events": "eventbridge"}  # services: what botocore calls each among its events
LIVE_STAGES = ("prod", "production", "live")  # the stages that move real money
MESSAGE = "fault injected"  # of the log line

Handler = Callable[[Any, Any], Any]

_dice = random.Random()  # noqa: S311 - no secret


def disturb(client: Any, service: str, limits: Config) -> None:
    """Let requests of this client fail, as the variable says; the first one raises ConfigurationError if it may not."""
    if service not in DISTURBED:
        return
    wire = URLLib3Session(timeout=limits.read_timeout)  # type: ignore[attr-defined]  # botocore sets it by its name

    def fail(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        operation = request.headers["X-Amz-Target"]
        what = (operation.decode() if isinstance(operation, bytes) else operation).rpartition(".")[2]
        if _strikes(THROTTLE, what):
            return _throttled(request)
        if _strikes(TIMEOUT_AFTER, what):
            wire.send(request)
            raise ReadTimeoutError(endpoint_url=request.url)
        return None

    client.meta.events.register_first(f"before-send.{DISTURBED[service]}", fail)


def twice(handler: Handler) -> Handler:
    """A handler that runs some events twice, one after the other, as at-least-once delivery allows."""

    @wraps(handler)
    def run(event: Any, context: Any) -> Any:
        with suppress(ConfigurationError):  # the first request of the handler raises it again
            if _strikes(DUPLICATE, getattr(context, "function_name", "-")):
                handler(deepcopy(event), context)
        return handler(event, context)

    return run


def shares(text: str) -> Mapping[str, float]:
    """The share of each kind of fault in a value of the variable; raises ConfigurationError."""
    found = {}
    for part in listed(text):
        kind, _, share = part.partition(":")
        if kind not in KINDS or not re.fullmatch(r"0(\.[0-9]+)?|1", share):
            raise ConfigurationError(f"{start.CHAOS} has {part!r}: write {', '.join(KINDS)}, each as kind:share")
        found[kind] = float(share)
    return found


def refuse_stage(*names: str) -> None:
    """Raise ConfigurationError for names of a stack, or of its secrets, that are those of a stage with real money."""
    words = {word for name in names for word in re.split(r"[/_.-]", name.lower())}
    if live := words.intersection(LIVE_STAGES):
        raise ConfigurationError(f"{start.CHAOS} is set on the stage {min(live)!r}, where money is real: remove it")


@cache
def _allowed(text: str) -> Mapping[str, float]:
    stack, prefix = config.settings().stack_name.rpartition("/")[2], os.environ.get("SECRETS_PREFIX", "")
    refuse_stage(stack, prefix)
    has_key = "STRIPE_SECRET_KEY" in (*listed(os.environ.get("SECRETS", "")), *os.environ)
    if has_key and config.is_livemode():
        raise ConfigurationError(f"{start.CHAOS} is set, and STRIPE_SECRET_KEY is a live key: remove {start.CHAOS}")
    return shares(text)


def _strikes(kind: str, where: str) -> bool:
    if _dice.random() >= _allowed(os.environ.get(start.CHAOS, "")).get(kind, 0.0):
        return False
    logger.warning(MESSAGE, fault=kind, where=where)
    return True


def _throttled(request: AWSPreparedRequest) -> AWSResponse:
    body = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()
    return AWSResponse(request.url, 400, HTTPHeaders(), _Raw(body))


class _Raw(BytesIO):
    """A body, read as urllib3's."""

    def stream(self, **_: Any) -> Any:
        yield self.read()
