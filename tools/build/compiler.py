"""Compile sources as `python -m compileall` does, with its arguments, but without docstrings, which no function reads.

It runs in Lambda's version of Python. Assertions stay, and lines keep their numbers.
"""

import ast
import compileall
import sys
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# Not nothing: `dataclasses` would write the signature of a class that has no docstring.
SHORTEST = "-"


def without_docstrings(data: Any, path: Any, *, _optimize: int = -1) -> CodeType:
    """What `SourceFileLoader.source_to_code` returns, from the same arguments."""
    tree = ast.parse(data, path)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False):
            node.body[0] = ast.copy_location(ast.Expr(ast.Constant(SHORTEST)), node.body[0])
    code: CodeType = compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True, optimize=_optimize)
    return code


if __name__ == "__main__":
    SourceFileLoader.source_to_code = staticmethod(without_docstrings)  # type: ignore[method-assign,assignment]
    sys.exit(not compileall.main())  # type: ignore[attr-defined]  # what `python -m compileall` calls
