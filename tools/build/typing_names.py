"""Import from Python itself what packages import from typing_extensions, for older Pythons than Lambda's.

The package is 130 kB of bytecode, and only pydantic's models need what Python lacks.
"""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

MODULE = "typing_extensions"
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
# Where Python 3.13 has the names that packages import.
HOMES: Mapping[str, str] = {**dict.fromkeys(_TYPING, "typing"), "deprecated": "warnings"}


def take_from_python(python: Path) -> None:
    """Change the imports in the folder of the packages; names that Python lacks stay where they are."""
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
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and node.module == MODULE]
    lines = text.splitlines(keepends=True)
    # From the last one on, because a line replaces several.
    for node in sorted(imports, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        last = node.end_lineno or node.lineno
        before, after = lines[node.lineno - 1][: node.col_offset], lines[last - 1][node.end_col_offset :]
        lines[node.lineno - 1 : last] = [f"{before}{_from_their_homes(node.names)}{after}"]
    changed = "".join(lines)
    path.write_text(changed, encoding="utf-8")
    return changed != text


def _from_their_homes(names: Iterable[ast.alias]) -> str:
    """The same import, by as many statements on one line as there are homes."""
    homes: dict[str, list[ast.alias]] = {}
    for alias in names:
        homes.setdefault(HOMES.get(alias.name, MODULE), []).append(alias)
    return "; ".join(ast.unparse(ast.ImportFrom(home, own, 0)) for home, own in homes.items())
