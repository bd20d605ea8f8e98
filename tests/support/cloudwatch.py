"""CloudWatch, as far as alarms need it: what was counted within one period, and which of the template's alarms ring.

A cause is taken to last: how many periods in a row an alarm waits for is not played.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from local.in_process.api import template
from tests.unit.template_parts import alarms

STACK = "topup-test"
Key = tuple[str, str, frozenset[tuple[str, str]]]
STATISTICS: Mapping[str, Callable[[list[float]], float]] = {"Sum": sum, "Minimum": min, "Maximum": max}


class CloudWatch:
    """The values of each metric, by its namespace, name and dimensions."""

    def __init__(self) -> None:
        self._values: defaultdict[Key, list[float]] = defaultdict(list)

    def begin_period(self) -> None:
        """Forget what was counted so far: the next period counts anew."""
        self._values.clear()

    def count(self, namespace: str, metric: str, value: float = 1, **dimensions: str) -> None:
        """Add a value."""
        self._values[namespace, metric, frozenset(dimensions.items())].append(value)

    def read(self, printed: str) -> None:
        """Add what functions have printed in CloudWatch's embedded metric format."""
        for line in printed.splitlines():
            if '"CloudWatchMetrics"' not in line:
                continue
            emitted = json.loads(line)
            for one in emitted["_aws"]["CloudWatchMetrics"]:
                [names] = one["Dimensions"]
                dimensions = {name: emitted[name] for name in names}
                for metric in one["Metrics"]:
                    for value in emitted[metric["Name"]]:
                        self.count(one["Namespace"], metric["Name"], value, **dimensions)

    def ringing(self) -> set[str]:
        """The alarms of the template whose threshold is reached."""
        return {name for name, alarm in alarms().items() if self._rings(alarm)}

    def _rings(self, alarm: Mapping[str, Any]) -> bool:
        value = self._result(alarm["Metrics"]) if "Metrics" in alarm else self._statistic(alarm, alarm["Statistic"])
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        if value is None:
            return bool(alarm["TreatMissingData"] == "breaching")
        return value >= float(alarm["Threshold"])

    def _result(self, metrics: list[Mapping[str, Any]]) -> float | None:
        [expression] = [one["Expression"] for one in metrics if "Expression" in one]
        values = {
            one["Id"]: self._statistic(one["MetricStat"]["Metric"], one["MetricStat"]["Stat"])
            for one in metrics
            if "MetricStat" in one
        }
        return evaluate(expression, values)

    def _statistic(self, metric: Mapping[str, Any], statistic: str) -> float | None:
        dimensions = frozenset((one["Name"], _resolved(one["Value"])) for one in metric["Dimensions"])
        values = self._values.get((metric["Namespace"], metric["MetricName"], dimensions))
        return STATISTICS[statistic](values) if values else None


def evaluate(expression: str, values: Mapping[str, float | None]) -> float | None:
    """Metric math on one period; None where a metric without data decides."""
    functions = {
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        "FILL": lambda value, instead: instead if value is None else value,
        "METRICS": lambda: [value for value in values.values() if value is not None],
        "SUM": lambda numbers: sum(numbers) if numbers else None,
    }
    python = re.sub(r"\bAND\b", "and", expression)
    try:
        result: float | None = eval(python, {"__builtins__": {}}, functions | dict(values))
    except TypeError:  # None in a comparison
        return None
    return result


def _resolved(value: Any) -> str:
    """A dimension's value; every resource but the stack goes by its logical id."""
    if isinstance(value, str):
        return value
    if "Fn::If" in value:
        return _resolved(value["Fn::If"][1])  # a stack that creates its own tables
    reference: str = value["Ref"]
    return STACK if reference == "AWS::StackName" else reference


def logical_id(function: str) -> str:
    """The logical id of the function in this folder."""
    assert any(one.name == function for one in template().functions), function
    return "".join(word.capitalize() for word in function.split("_")) + "Function"
