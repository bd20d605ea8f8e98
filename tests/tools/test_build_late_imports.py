"""What the layers' build lets be imported late is there when it is asked for."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pydantic_core
import pytest

from tools.build import late_imports

USE = """
import json, sys
import pydantic_core
early = "pydantic_core.core_schema" in sys.modules
names = [name for name in pydantic_core.__all__ if hasattr(pydantic_core, name)]
late = "pydantic_core.core_schema" in sys.modules
from pydantic_core import CoreSchema, core_schema
import pydantic

class Spend(pydantic.BaseModel):
    amount: int

try:
    Spend(amount="x")
except pydantic.ValidationError as error:
    refused = error.errors()[0]["type"]
print(json.dumps([early, late, names, core_schema.int_schema(), refused, hasattr(pydantic_core, "absent")]))
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A folder with the package, as it is installed."""
    source = Path(pydantic_core.__file__).parent
    shutil.copytree(source, tmp_path / "pydantic_core", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_types_of_schemas_are_imported_by_who_asks_for_them(python: Path):
    late_imports.import_late(python)

    run = subprocess.run(
        [sys.executable, "-c", USE], env={"PYTHONPATH": str(python)}, stdout=subprocess.PIPE, text=True, check=True
    )

    names = [name for name in pydantic_core.__all__ if hasattr(pydantic_core, name)]
    assert json.loads(run.stdout) == [False, True, names, {"type": "int"}, "int_parsing", False]


def test_a_package_that_imports_otherwise_ends_the_build(python: Path):
    late_imports.import_late(python)

    with pytest.raises(SystemExit, match=r"pydantic_core/__init__\.py no longer says 'from \.core_schema import"):
        late_imports.import_late(python)
