"""Use what the layers' build has prepared: the programs of regular expressions, and the methods of dataclasses.

Python makes both anew in every process, a fifth of a cold start's CPU time. tools/build/preparation.py makes them once,
as it makes the modules' bytecode once. What it has not prepared is made as ever, and so is all of it by another Python.
"""

import _sre  # type: ignore[import-not-found]  # the engine of `re`
import builtins
import hashlib
import marshal
import re._compiler as compiler  # type: ignore[import-not-found]
import sys
from collections.abc import Mapping
from typing import Any

LAYERS = ("topup", "dependencies")

Programs = Mapping[tuple[str | bytes, int], bytes]  # by expression and flags: what the engine is given besides
Methods = Mapping[str, bytes]  # by module: code by the digest of its source


def use(folder: str) -> None:
    """Use what is prepared in this folder, from now on; nothing is, unless it holds built layers."""
    programs: dict[tuple[str | bytes, int], bytes] = {}
    methods: dict[str, bytes] = {}
    for layer in LAYERS:
        try:
            # Of this version of Python, like bytecode. Not by pathlib, which has expressions of its own.
            with open(f"{folder}/{layer}.{sys.implementation.cache_tag}.prepared", "rb") as file:  # noqa: PTH123
                language, its_programs, its_methods = marshal.load(file)  # noqa: S302 - the build's, as bytecode is
        except FileNotFoundError:
            continue
        if language == _sre.MAGIC:
            programs |= its_programs
        methods |= its_methods
    if programs:
        use_programs(programs)
    if methods:
        use_methods(methods)


def use_programs(prepared: Programs) -> None:
    """Let `re` take the programs of these expressions from here."""
    make = compiler.compile

    def compiled(pattern: Any, flags: int = 0) -> Any:
        found = prepared.get((pattern, flags))
        if found is None:
            return make(pattern, flags)
        all_flags, *program = marshal.loads(found)  # noqa: S302
        return _sre.compile(pattern, all_flags, *program)

    compiler.compile = compiled


def use_methods(prepared: Methods) -> None:
    """Let `dataclasses` take the code of these methods from here: it writes their source, and then executes it."""
    import dataclasses  # noqa: PLC0415 - what it imports has expressions

    known: dict[str, Mapping[bytes, Any]] = {}  # of modules that have begun

    def executed(source: str, names: dict[str, Any], made: dict[str, Any]) -> None:
        module = names.get("__name__", "")
        if module not in known:
            known[module] = marshal.loads(prepared[module]) if module in prepared else {}  # noqa: S302
        code = known[module].get(hashlib.sha256(source.encode()).digest(), source)
        builtins.exec(code, names, made)  # noqa: S102 - as it does itself

    dataclasses.exec = executed  # type: ignore[attr-defined]
