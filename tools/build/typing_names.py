"""Import from Python itself what packages import from typing_extensions, for older Pythons than Lambda's.

The package is 130 kB of bytecode, and only pydantic needs what Python has not: the starts that validate no body do
without it.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

MODULE = "typing_extensions"
# Where Python 3.13 has the names that packages import.
_TYPING = (
    "Awaitable",
    "Literal",
    "Never",
    "NoReturn",
    "NotRequired",
    "Protocol",
    "Self",
    "Type",
    "TypeAlias",
    "TypedDict",
    "TYPE_CHECKING",
    "Unpack",
    "overload",
    "override",
)
# These compare types with both modules' names.
LEFT_ALONE = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}
HOMES: Mapping[str, str] = {**dict.fromkeys(_TYPING, "typing"), "deprecated": "warnings"}


def take_from_python(python: Path) -> None:
    """Change the imports in the folder of the packages; of a name that Python has not, they stay."""
    paths = [path for path in sorted(python.rglob("*.py")) if _package(path, python) not in LEFT_ALONE]
    changed = sum(_change(path) for path in paths)
    if not changed:
        raise SystemExit(f"No package imports {MODULE} any more: see tools/build/{Path(__file__).name}")


def _package(path: Path, python: Path) -> str:
    return path.relative_to(python).with_suffix("").parts[0]


def _change(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    if MODULE not in text:
        return False
    changed = text
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module == MODULE:
            changed = changed.replace(ast.get_source_segment(text, node) or "", _from_their_homes(node.names))
    path.write_text(changed, encoding="utf-8")
    return changed != text


def _from_their_homes(names: Iterable[ast.alias]) -> str:
    """The same import, by as many statements on one line as there are homes."""
    homes: dict[str, list[ast.alias]] = {}
    for alias in names:
        homes.setdefault(HOMES.get(alias.name, MODULE), []).append(alias)
    return "; ".join(ast.unparse(ast.ImportFrom(home, own, 0)) for home, own in homes.items())
