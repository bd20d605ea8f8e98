"""Read a function's secrets from AWS Systems Manager Parameter Store, all in one request.

The last values stay in use while Parameter Store does not answer, but not for long: one may have been withdrawn.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from topup.domain.errors import Busy, ConfigurationError
from topup.runtime import aws, deadline, failures, start
from topup.runtime.failures import Failure
from topup.runtime.telemetry import count, logger

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

# Seconds and tries. Parameter Store answers in milliseconds. It allows 40 requests a second for a whole account, which
# a burst of cold starts may exceed, and a connection that was idle may be gone: then the second try succeeds.
CONNECT_TIMEOUT = 1
READ_TIMEOUT = 1
ATTEMPTS = 2
LONGEST_PAUSE = 1  # between the two tries: the SDK's own, a random part of it
LONGEST_REQUEST = ATTEMPTS * (CONNECT_TIMEOUT + READ_TIMEOUT) + LONGEST_PAUSE

PAUSE = 20  # seconds between two reads of what is known, whatever is asked for: callers cannot cause more
LONGEST_USE = 900  # seconds that secrets are used for while they cannot be read again

_FORBIDDEN = {"AccessDeniedException", "UnrecognizedClientException", "InvalidKeyId"}


@dataclass(frozen=True)
class _Known:
    secrets: Mapping[str, str]
    read_at: float  # time.monotonic() seconds, like the next
    tried_at: float  # the last read, which may have failed


_known: dict[str, _Known] = {}


def read(prefix: str, names: Sequence[str], max_age: float) -> Mapping[str, str]:
    """The decrypted parameters below `prefix` by their names, those that exist, at most `max_age` seconds old.

    They are up to PAUSE seconds older where `max_age` is less, and up to LONGEST_USE while Parameter Store does not
    answer. Raises ConfigurationError if access is denied, or if the first read fails for good, and Busy if that will
    pass.
    """
    known, now = _known.get(prefix), time.monotonic()
    if known is None:
        _known[prefix] = _first(prefix, names, now)
    elif now - known.read_at >= max_age and now - known.tried_at >= PAUSE:
        _known[prefix] = _again(prefix, names, known, now)
    if now - _known[prefix].read_at >= LONGEST_USE:
        raise Busy("The secrets cannot be read; please retry")
    return _known[prefix].secrets


def _first(prefix: str, names: Sequence[str], now: float) -> _Known:
    try:
        return _Known(_fetch(prefix, names), now, now)
    except (BotoCoreError, ClientError) as error:
        if failures.of(error) is Failure.FINAL or failures.code_of(error) in _FORBIDDEN:
            raise _unreadable(prefix, error) from error
        count("SecretsNotRead")
        raise Busy("The service is starting; please retry") from error


def _again(prefix: str, names: Sequence[str], known: _Known, now: float) -> _Known:
    try:
        return _Known(_fetch(prefix, names), now, now)
    except (BotoCoreError, ClientError) as error:
        reason = failures.code_of(error)
        if reason in _FORBIDDEN:
            raise _unreadable(prefix, error) from error
        logger.warning(
            "secrets not read again; the last ones stay in use", reason=reason, age_seconds=round(now - known.read_at)
        )
        count("SecretsNotRead")
        return replace(known, tried_at=now)


def _unreadable(prefix: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(f"The SSM parameters below {prefix} cannot be read: {failures.code_of(error)}")


def _fetch(prefix: str, names: Sequence[str]) -> Mapping[str, str]:
    deadline.require(LONGEST_REQUEST)
    # One request takes ten names, more than there are secrets.
    answer = _client().get_parameters(Names=[f"{prefix}/{name}" for name in names], WithDecryption=True)
    if answer["InvalidParameters"]:
        logger.warning("SSM parameters are missing", paths=answer["InvalidParameters"])
    return {found["Name"].removeprefix(f"{prefix}/"): found["Value"].strip() for found in answer["Parameters"]}


@cache
def _client() -> "SSMClient":
    limits = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )
    made: SSMClient = aws.client("ssm", limits)
    return made


start.prepare(_client)
