"""docs/events.json and events/published/ are what the code publishes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern

from local import ROOT
from local.aws.intrinsics import read_yaml
from tests.unit.template_parts import references
from tools.generate import published_events
from topup.api.event_schemas import DETAILS
from topup.domain.events import EventType


def on_file(name: str) -> Any:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def test_the_schemas_are_up_to_date():
    assert on_file("docs/events.json") == published_events.schemas()


def test_the_examples_are_up_to_date_and_there_is_one_of_each_type():
    made = published_events.examples()

    assert set(made) == {kind.value for kind in EventType}
    assert {
        path.stem: on_file(f"events/published/{path.name}") for path in (ROOT / "events/published").iterdir()
    } == made


@pytest.mark.parametrize("kind", list(EventType))
def test_an_example_is_as_its_schema_says(kind: EventType):
    event, schema = on_file(f"events/published/{kind}.json"), published_events.schemas()[kind]

    DETAILS[kind].model_validate_json(json.dumps(event["detail"]))
    assert list(event["detail"]) == list(schema["properties"]) == schema["required"]
    assert event["detail-type"] == event["detail"]["type"] == schema["properties"]["type"]["const"] == kind


@pytest.mark.parametrize("kind", list(EventType))
def test_a_schema_explains_itself_and_allows_new_fields(kind: EventType):
    schema = published_events.schemas()[kind]

    assert schema["description"]
    assert "additionalProperties" not in schema
    assert "$ref" not in json.dumps(schema)


def test_the_pages_rules_match_the_events_and_refer_to_what_they_define(tmp_path: Path):
    page = (ROOT / "docs/events.md").read_text(encoding="utf-8")
    texts = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)

    assert len(texts) == 2
    for text in texts:
        (tmp_path / "template.yaml").write_text(text)
        snippet = read_yaml(tmp_path / "template.yaml")
        defined = snippet["Parameters"].keys() | snippet["Resources"].keys()
        assert {name.partition(".")[0] for name in references(snippet)} <= defined
        [rule] = [one["Properties"] for one in snippet["Resources"].values() if one["Type"] == "AWS::Events::Rule"]
        matched = [name for name, event in published_events.examples().items() if is_matched(event, rule)]
        assert matched
        assert all(name.startswith("credits.") or name == "payment.quarantined" for name in matched)


def is_matched(event: dict[str, Any], rule: dict[str, Any]) -> bool:
    return bool(EventPattern(None, rule["EventPattern"]).matches_event(event))  # type: ignore[arg-type]


def test_the_page_lists_every_event_with_what_it_says():
    page = (ROOT / "docs/events.md").read_text(encoding="utf-8")

    assert [kind for kind in EventType if f"| `{kind}` |" not in page] == []
