"""The one change without which the emulator refuses the built template."""

import json
from pathlib import Path
from typing import Any

from local.aws.intrinsics import read_yaml

# It takes the place of an expression, so that the alarm exists and can be named; nothing is ever counted under it.
PLAIN_METRIC = {"Namespace": "Trial", "MetricName": "Expression", "Statistic": "Sum", "Period": 60}


def without_metric_math(template: Path) -> list[str]:
    """Give alarms over an expression a plain metric, in the file; the logical ids of these alarms."""
    document: dict[str, Any] = dict(read_yaml(template))
    changed = []
    for logical_id, resource in document["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::CloudWatch::Alarm" and properties.pop("Metrics", None):
            properties.update(PLAIN_METRIC)
            changed.append(logical_id)
    template.write_text(json.dumps(document, default=str))  # JSON is YAML; the format's version is a date to YAML
    return changed
