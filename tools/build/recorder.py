"""Import modules, and write what Python made of their regular expressions and dataclasses.

    PYTHONPATH=FOLDER python -S -P recorder.py FOLDER LAYER ABSENT COMMON UNHURRIED MODULE...

It runs in Lambda's version of Python, the only one that can use the file: topup/runtime/prepared.py says what is in it.
ABSENT names packages of the other layer, with commas between them. They are stood in for. COMMON names modules that
most functions import, likewise: a line for each module in FOLDER that comes with them is printed. Of modules whose
names begin with one of UNHURRIED no dataclass is written down.
"""

import _sre  # type: ignore[import-not-found]  # the engine of `re`
import hashlib
import importlib
import marshal
import re._compiler as compiler  # type: ignore[import-not-found]
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

programs: dict[tuple[str | bytes, int], bytes] = {}
sources: dict[str, dict[str, None]] = {}  # of dataclasses' methods, by module, in order


def main() -> None:
    folder, layer, absent, common, unhurried, *modules = sys.argv[1:]
    note_programs()
    note_sources()
    sys.meta_path.append(StandIns(absent.split(",")))
    # Its shared objects may be another processor's. PyJWT does without it, as on Lambda (api/token_library.py).
    sys.modules["cryptography"] = None  # type: ignore[assignment]
    import_all(common.split(","))
    # Before what only some functions import.
    print(*(name for name, module in sys.modules.items() if is_below(folder, module)), sep="\n")
    import_all(modules)
    methods = {
        module: marshal.dumps({digest(text): code(text) for text in texts})
        for module, texts in sources.items()
        if not (unhurried and module.startswith(tuple(unhurried.split(","))))
    }
    file = f"{folder}/{layer}.{sys.implementation.cache_tag}.prepared"
    with open(file, "wb") as written:  # noqa: PTH123 - pathlib has expressions of its own, which would be noted
        marshal.dump((_sre.MAGIC, programs, methods), written)


def import_all(modules: list[str]) -> None:
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # whatever it is, the functions that import the module will tell
            print(f"{module} is not prepared, so cold starts take longer: {error!r}", file=sys.stderr)


def is_below(folder: str, module: ModuleType) -> bool:
    return (getattr(module, "__file__", None) or "").startswith(f"{folder}/")


def note_programs() -> None:
    """From now on note what `re` gives to its engine for each expression."""
    make = compiler.compile
    last: list[Any] = []

    def to_engine(pattern: Any, *program: Any) -> Any:
        last[:] = program
        return _sre.compile(pattern, *program)

    def compiled(pattern: Any, flags: int = 0) -> Any:
        made = make(pattern, flags)
        if isinstance(pattern, str | bytes):
            all_flags, words, *rest = last
            # The compiler's words are numbers with names, which the file cannot hold.
            programs[pattern, int(flags)] = marshal.dumps((int(all_flags), [int(word) for word in words], *rest))
        return made

    compiler._sre = SimpleNamespace(**{**vars(_sre), "compile": to_engine})  # noqa: SLF001 - nothing else shows it
    compiler.compile = compiled


def note_sources() -> None:
    """From now on note the sources that `dataclasses` writes of methods."""
    import dataclasses  # noqa: PLC0415 - what it imports has expressions

    def executed(source: str, names: dict[str, Any], made: dict[str, Any]) -> None:
        sources.setdefault(names.get("__name__", ""), {})[source] = None
        exec(source, names, made)  # noqa: S102 - as `dataclasses` does

    dataclasses.exec = executed  # type: ignore[attr-defined]


class StandIns:
    """Finds the absent packages, with any module in them, in it any class, and in that any attribute.

    It has no base class, because the modules of Python's own ones for this have expressions.
    """

    def __init__(self, absent: list[str]) -> None:
        self._absent = absent

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:  # noqa: ARG002 - Python's interface
        if name.partition(".")[0] not in self._absent:
            return None
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]  # not by the base class

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """It has nothing to execute."""


class StandIn(ModuleType):
    def __getattr__(self, name: str) -> type:
        return stand_in(name)


class WithAnything(type):
    def __getattr__(cls, name: str) -> type:
        return stand_in(name)


def stand_in(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return WithAnything(name, (Anything,), {})


class Anything(metaclass=WithAnything):
    def __init__(self, *_: object, **__: object) -> None:
        """It takes whatever it is made with."""


def digest(source: str) -> bytes:
    return hashlib.sha256(source.encode()).digest()


def code(source: str) -> Any:
    return compile(source, "<string>", "exec")  # named as `exec` names it


main()
