"""Import only when it is asked for what a package imports at once and no function uses.

`pydantic_core` imports the types of schemas, which pydantic writes models with, and typing_extensions for the value of
a field that was not given: 280 kB, and up to 14 ms of CPU time of each function that validates a body. Validators are
made without them. JMESPath, which searches in answers, is for paginators, waiters and Powertools'
`correlation_id_path`: 80 kB, and 3 ms of every start.
"""

from collections.abc import Mapping
from pathlib import Path

FOR_MODELS = '''\
def __getattr__(name):
    """Written by Topup's build: types of schemas, and of a missing value, are imported on first use."""
    if name == "MISSING":
        from typing_extensions import Sentinel

        return globals().setdefault(name, Sentinel(name))
    if name not in ("core_schema", "CoreConfig", "CoreSchema", "CoreSchemaType", "ErrorType"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    types = importlib.import_module(".core_schema", __name__)
    return types if name == "core_schema" else getattr(types, name)
'''
OPTIONS = '''\
def __getattr__(name):
    """Written by Topup's build: the parser and what it imports are imported by the first search."""
    if name != "Options":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from jmespath.visitor import Options

    return Options
'''
REPLACED: Mapping[str, Mapping[str, str]] = {
    "pydantic_core/__init__.py": {
        "from typing_extensions import Sentinel\n": "",
        "from .core_schema import CoreConfig, CoreSchema, CoreSchemaType, ErrorType\n": FOR_MODELS,
        "\nMISSING = Sentinel('MISSING')\n": "\n",
    },
    "jmespath/__init__.py": {
        "from jmespath import parser\nfrom jmespath.visitor import Options\n": OPTIONS,
        "def compile(expression):\n": "def compile(expression):\n    from jmespath import parser\n",
        "def search(expression, data, options=None):\n": (
            "def search(expression, data, options=None):\n    from jmespath import parser\n"
        ),
    },
    "aws_lambda_powertools/logging/logger.py": {
        "from aws_lambda_powertools.utilities import jmespath_utils\n": "",
        "            if correlation_id_path:\n": (
            "            if correlation_id_path:\n"
            "                from aws_lambda_powertools.utilities import jmespath_utils\n"
        ),
    },
}


def import_late(python: Path) -> None:
    """Replace these imports in the folder of the packages."""
    for name, replaced in REPLACED.items():
        path = python / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for before, after in replaced.items():
            if before not in text:
                raise SystemExit(f"{name} no longer says {before.strip()!r}: see tools/build/{Path(__file__).name}")
            text = text.replace(before, after)
        path.write_text(text, encoding="utf-8")
