"""What the layers' build lets be imported late is there when it is asked for."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_lambda_powertools
import jmespath  # type: ignore[import-untyped]
import pydantic_core
import pytest

from tools.build import late_imports

USE = """
import json, sys
import pydantic_core
early = [name in sys.modules for name in ("pydantic_core.core_schema", "typing_extensions")]
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
from pydantic import MISSING
from pydantic_core import MISSING as same

class Hold(pydantic.BaseModel):
    note: str | MISSING = MISSING

missing = [MISSING is same, repr(MISSING), Hold().model_dump(), Hold(note="a").model_dump()]
print(json.dumps([early, late, missing, names, core_schema.int_schema(), refused, hasattr(pydantic_core, "absent")]))
"""


SEARCH = """
import json, sys
import jmespath  # type: ignore[import-untyped]
from aws_lambda_powertools import Logger

early = "jmespath.parser" in sys.modules
logger = Logger(service="topup", stream=open(sys.argv[1], "w"))
handled = []

@logger.inject_lambda_context(correlation_id_path="requestContext.requestId")
def handler(event, context):
    handled.append(logger.get_correlation_id())

class Context:
    function_name = aws_request_id = invoked_function_arn = "f"
    memory_limit_in_mb = 1024

handler({"requestContext": {"requestId": "JKJ"}}, Context())
found = [jmespath.search("a.b", {"a": {"b": 1}}), jmespath.compile("a[0]").search({"a": [2]})]
given = jmespath.search("a", {"a": 3}, jmespath.Options(dict_cls=dict))
print(json.dumps([early, handled, found, given, hasattr(jmespath, "absent"), jmespath.__version__]))
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A folder with the packages, as they are installed."""
    for package in (aws_lambda_powertools, jmespath, pydantic_core):
        source = Path(str(package.__file__)).parent
        shutil.copytree(source, tmp_path / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def said(python: Path, *program: str) -> Any:
    command = [sys.executable, "-c", *program]
    run = subprocess.run(command, env={"PYTHONPATH": str(python)}, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)


def test_types_of_schemas_are_imported_by_who_asks_for_them(python: Path):
    late_imports.import_late(python)

    names = [name for name in pydantic_core.__all__ if hasattr(pydantic_core, name)]
    missing = [True, repr(pydantic_core.MISSING), {}, {"note": "a"}]
    assert said(python, USE) == [[False, False], True, missing, names, {"type": "int"}, "int_parsing", False]


def test_jmespath_is_imported_by_who_searches(python: Path, tmp_path: Path):
    late_imports.import_late(python)

    assert said(python, SEARCH, str(tmp_path / "log")) == [False, ["JKJ"], [1, 2], 3, False, jmespath.__version__]


def test_a_package_that_imports_otherwise_ends_the_build(python: Path):
    late_imports.import_late(python)

    with pytest.raises(SystemExit, match=r"pydantic_core/__init__\.py no longer says 'from \.core_schema import"):
        late_imports.import_late(python)
