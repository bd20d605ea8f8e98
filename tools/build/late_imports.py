"""Import only when it is asked for what a package imports at once and no function uses.

`pydantic_core` imports the types of schemas, which pydantic writes models with: 150 kB, and up to 10 ms of CPU time of
each function that validates a body. Validators are made without them.
"""

from collections.abc import Mapping
from pathlib import Path

LATE = '''\
def __getattr__(name):
    """Written by Topup's build: the types of schemas are imported by who asks for one."""
    if name not in ("core_schema", "CoreConfig", "CoreSchema", "CoreSchemaType", "ErrorType"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    types = importlib.import_module(".core_schema", __name__)
    return types if name == "core_schema" else getattr(types, name)
'''
REPLACED: Mapping[str, tuple[str, str]] = {
    "pydantic_core/__init__.py": (
        "from .core_schema import CoreConfig, CoreSchema, CoreSchemaType, ErrorType\n",
        LATE,
    )
}


def import_late(python: Path) -> None:
    """Replace these imports in the folder of the packages."""
    for name, (before, after) in REPLACED.items():
        path = python / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if before not in text:
            raise SystemExit(f"{name} no longer says {before.strip()!r}: see tools/build/{Path(__file__).name}")
        path.write_text(text.replace(before, after), encoding="utf-8")
