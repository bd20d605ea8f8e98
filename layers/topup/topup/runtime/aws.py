"""AWS clients, from one session: what it reads and prepares is done once, for all of a function's clients.

botocore, not boto3: boto3.client() is botocore's client with resources and S3 transfers around it, which nothing here
uses and every cold start would import.
"""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config


def client(service: str, limits: Config) -> Any:
    """A new client; `limits` say how long it may take and how often it may try."""
    return _session().create_client(service, config=limits)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()
