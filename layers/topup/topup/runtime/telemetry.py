"""Logs (one JSON object a line) and metrics (one a call, for alarms)."""

import hashlib
import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from topup.domain.errors import ConfigurationError


def _as_line(record: dict[str, Any]) -> str:
    """One line of JSON. Half a surrogate pair, which a sender may have written, becomes its escape (\\ud800)."""
    text = json.dumps(record, default=str, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode()


logger = Logger(json_serializer=_as_line)


def count(metric: str, value: int = 1, **dimensions: str) -> None:
    """Add to a CloudWatch metric (EMF, written at once: there is no state that concurrent invocations could mix up)."""
    with single_metric(name=metric, unit=MetricUnit.Count, value=value) as one:
        for name, text in dimensions.items():
            one.add_dimension(name, text)


def count_misconfiguration(error: BaseException | None) -> None:
    """Count a failure that a wrong setting caused, wherever it ends: it rolls a gradual deployment back."""
    if isinstance(error, ConfigurationError):
        count("Misconfigured")


def pseudonym(user_id: str) -> str:
    """What logs call a user: it tells users apart, and an id that is an e-mail address is in no log.

    docs/troubleshooting.md has the command that makes it.
    """
    return hashlib.sha256(user_id.encode("utf-8", "backslashreplace")).hexdigest()[:12]
