"""AWS clients from one session, so that its preparation is done once for all clients of a function.

botocore, not boto3: boto3 adds resources and S3 transfers, which nothing here uses and every cold start would import.
"""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config


def client(service: str, limits: Config) -> Any:
    """A new client; `limits` has its timeouts and attempts."""
    return _session().create_client(service, config=limits)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()
