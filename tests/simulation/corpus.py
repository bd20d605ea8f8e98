"""Plans that once failed, run again with every test: one JSON file each, with the defect that it found."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.plan import Plan

FOLDER = Path(__file__).with_name("corpus")


@dataclass(frozen=True)
class SavedPlan:
    """A plan and the defect that it found."""

    name: str
    found: str
    plan: Plan


def load() -> list[SavedPlan]:
    return [_read(path) for path in sorted(FOLDER.glob("*.json"))]


def save(plan: Plan, found: str) -> Path:
    """Write a plan into the corpus; `found`: the violation."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"seed-{plan.seed}.json"
    document = {"found": found, "plan": json.loads(plan.to_json())}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _read(path: Path) -> SavedPlan:
    document = json.loads(path.read_text(encoding="utf-8"))
    return SavedPlan(path.stem, document["found"], Plan.from_json(json.dumps(document["plan"])))
