"""Which modules import which, read from their sources: also inside functions, and in branches that are rarely taken.

What is imported only for type checkers does not count. A name that a program makes while it runs is not seen.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

Modules = Mapping[str, Path]  # by dotted name


def modules_in(*folders: Path) -> Modules:
    """Every module below folders that are on Python's path."""
    return {_name(path.relative_to(folder)): path for folder in folders for path in sorted(folder.rglob("*.py"))}


def _name(path: Path) -> str:
    parts = path.parent.parts if path.name == "__init__.py" else path.with_suffix("").parts
    return ".".join(parts)


def imported_by(module: str, modules: Modules) -> set[str]:
    """The modules, of those that are given, that this one imports, with the packages that they are in."""
    path = modules[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    names = {name for node in _executed(ast.parse(path.read_bytes())) for name in _named_by(node, package)}
    return {part for name in names for part in _with_packages(name) if part in modules}


def reached_from(roots: Iterable[str], modules: Modules) -> set[str]:
    """The roots, and whatever they import, directly or not."""
    reached: set[str] = set()
    waiting = [part for root in roots for part in _with_packages(root)]
    while waiting:
        module = waiting.pop()
        if module in modules and module not in reached:
            reached.add(module)
            waiting += imported_by(module, modules)
    return reached


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Every part of the syntax tree but what stands under `if TYPE_CHECKING`."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in (getattr(node.test, "id", ""), getattr(node.test, "attr", "")):
        below: Iterable[ast.AST] = node.orelse
    else:
        yield node
        below = ast.iter_child_nodes(node)
    for child in below:
        yield from _executed(child)


def _named_by(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" for alias in node.names)
        yield base


def _with_packages(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
