"""Logs (one JSON object a line) and metrics (one a call, for alarms)."""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

logger = Logger()


def count(metric: str, value: int = 1) -> None:
    """Add to a CloudWatch metric (EMF, written at once: there is no state that concurrent invocations could mix up)."""
    with single_metric(name=metric, unit=MetricUnit.Count, value=value):
        pass
