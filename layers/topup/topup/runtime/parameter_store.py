"""Read a function's secrets from AWS Systems Manager Parameter Store, all in one request.

The last values stay in use while Parameter Store does not answer.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from topup.domain.errors import Busy, ConfigurationError
from topup.runtime import aws, deadline, failures
from topup.runtime.failures import Failure
from topup.runtime.telemetry import logger

if TYPE_CHECKING:
    from types_boto3_ssm import SSMClient

# Seconds and tries. Parameter Store answers in milliseconds; where it does not, the last values are used.
CONNECT_TIMEOUT = 1
READ_TIMEOUT = 1
ATTEMPTS = 1

_FORBIDDEN = {"AccessDeniedException", "UnrecognizedClientException", "InvalidKeyId"}


@dataclass(frozen=True)
class _Known:
    secrets: Mapping[str, str]
    read_at: float  # time.monotonic() seconds


_known: dict[str, _Known] = {}


def read(prefix: str, names: Sequence[str], max_age: float) -> Mapping[str, str]:
    """The decrypted parameters below `prefix` by their names, those that exist, at most `max_age` seconds old.

    Raises ConfigurationError if access is denied, or if the first read fails for good, and Busy if that will pass.
    """
    known = _known.get(prefix)
    if known and time.monotonic() - known.read_at < max_age:
        return known.secrets
    try:
        _known[prefix] = _Known(_fetch(prefix, names), time.monotonic())
    except (BotoCoreError, ClientError) as error:
        reason = failures.code_of(error)
        if reason in _FORBIDDEN or (known is None and failures.of(error) is Failure.FINAL):
            raise ConfigurationError(f"The SSM parameters below {prefix} cannot be read: {reason}") from error
        if known is None:
            raise Busy("The service is starting; please retry") from error
        logger.warning("secrets not read again; the last ones stay in use", reason=reason)
        _known[prefix] = _Known(known.secrets, time.monotonic())
    return _known[prefix].secrets


def _fetch(prefix: str, names: Sequence[str]) -> Mapping[str, str]:
    deadline.require(ATTEMPTS * (CONNECT_TIMEOUT + READ_TIMEOUT))
    # One request takes ten names, more than there are secrets.
    answer = _client().get_parameters(Names=[f"{prefix}/{name}" for name in names], WithDecryption=True)
    if answer["InvalidParameters"]:
        logger.warning("SSM parameters are missing", paths=answer["InvalidParameters"])
    return {found["Name"].removeprefix(f"{prefix}/"): found["Value"].strip() for found in answer["Parameters"]}


@cache
def _client() -> "SSMClient":
    limits = Config(
        connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, retries={"total_max_attempts": ATTEMPTS}
    )
    made: SSMClient = aws.client("ssm", limits)
    return made
