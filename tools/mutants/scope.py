"""Which files are mutated, to which package of the score each belongs, and which of them a change touches."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "layers" / "topup"
PACKAGE = SOURCE / "topup"
# The tests that may notice a mutant. The simulation has a check of its own: `make simulate-bugs`.
TESTS = (
    "tests/unit",
    "tests/integration",
    "tests/properties",
    "tests/ops/test_audit.py",
    "tests/ops/test_audit_places.py",
)
# These read the source or the template, and no mutant changes how they end.
LEFT_OUT = ("test_boundaries.py", "test_template.py", "test_template_operations.py")


def mutated_files() -> list[Path]:
    """The domain, the store and the flows, in this order: the first ones are the fastest to test."""
    flows = [*PACKAGE.glob("*.py"), *(PACKAGE / "reconciliation").glob("*.py")]
    found = [*sorted((PACKAGE / "domain").glob("*.py")), *sorted((PACKAGE / "store").glob("*.py")), *sorted(flows)]
    return [path for path in found if path.name != "__init__.py"]


def package_of(path: Path) -> str:
    """The row of the score that a file counts in."""
    folder = path.relative_to(PACKAGE).parts[0]
    return folder if folder in {"domain", "store"} else "flows"


def chosen(names: Sequence[str], changed_since: str | None) -> list[Path]:
    """The files to mutate: all; those whose path contains one of the names; those that differ from a commit."""
    files = mutated_files()
    if names:
        files = [path for path in files if any(name in str(path.relative_to(ROOT)) for name in names)]
    if changed_since:
        changed = _changed(changed_since)
        files = [path for path in files if path in changed]
    return files


def _changed(commit: str) -> set[Path]:
    command = ["git", "diff", "--name-only", "--merge-base", commit]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {ROOT / line for line in listed.splitlines()}
