"""Put a mutant into the running process: into the functions that are loaded, or into the module that is yet to be."""

import gc
from collections import defaultdict
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType

from tools.mutants.scope import PACKAGE

Functions = dict[tuple[str, str], list[FunctionType]]


def loaded_functions() -> Functions:
    """The package's functions that exist in this process, by their file and name; decorated ones too."""
    found: Functions = defaultdict(list)
    gc.unfreeze()  # what has been frozen is not among the objects
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(str(PACKAGE)):
            found[one.__code__.co_filename, one.__code__.co_qualname].append(one)
    return found


def swap(path: Path, source: str, functions: Functions) -> int:
    """Give the loaded functions the code of the mutated source; how many changed."""
    old = _outermost(compile(path.read_text(), str(path), "exec", dont_inherit=True))
    new = _outermost(compile(source, str(path), "exec", dont_inherit=True))
    changed = 0
    for before, after in zip(old, new, strict=True):
        if before == after:
            continue
        for function in functions[str(path), before.co_qualname]:
            if function.__code__ == before:
                function.__code__ = after
                changed += 1
    return changed


def _outermost(code: CodeType) -> list[CodeType]:
    """The functions of a module and the methods of its classes, in the order of the source."""
    return list(_functions_in(code))


def _functions_in(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_flags & 0x2:  # CO_NEWLOCALS: a function; a class body is run where it stands
                yield constant
            else:
                yield from _functions_in(constant)


def import_mutated(path: Path, source: str) -> None:
    """Let the module be imported with the mutated source."""
    get_code = SourceFileLoader.get_code

    def get_mutated_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        if loader.path == str(path):
            return compile(source, str(path), "exec", dont_inherit=True)
        return get_code(loader, fullname)

    SourceFileLoader.get_code = get_mutated_code  # type: ignore[method-assign, assignment]
