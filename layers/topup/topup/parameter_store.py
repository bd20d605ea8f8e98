"""Secrets in AWS Systems Manager Parameter Store."""

from functools import cache

from aws_lambda_powertools.utilities.parameters import SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.config import Config

from topup.domain.errors import ConfigurationError

# Seconds and tries: two secrets at their slowest still leave a function time for its work.
_LIMITS = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2, "mode": "standard"})


@cache
def _provider() -> SSMProvider:
    return SSMProvider(boto_config=_LIMITS)


def read(path: str, *, max_age: int) -> str:
    """The decrypted parameter at `path`, at most `max_age` seconds old; raises ConfigurationError."""
    try:
        return str(_provider().get(path, decrypt=True, max_age=max_age)).strip()
    except GetParameterError as error:
        raise ConfigurationError(f"The SSM parameter {path} cannot be read: {error}") from error
