"""Import the functions' code from its source files, and again after every change."""

import importlib
import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any

from local import LAYER
from local.aws.template import Function

Handler = Callable[[dict[str, Any], Any], Any]

LAYER_PACKAGE = "topup"
WATCHED = (Path("functions"), LAYER)
CLOCK = "topup.runtime.clock"
MODULE_PREFIX = "local_function_"
CHECK_INTERVAL = 0.1  # seconds; checking every file takes about one millisecond


class UncachedLoader(SourceFileLoader):
    """Writes no bytecode (functions/ is deployed as it is) and reads none (it may miss an edit in the same second)."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


class LayerFinder(MetaPathFinder):
    """Finds the package in layers/topup, as Lambda does under /opt/python."""

    def __init__(self, root: Path) -> None:
        self._path = [str(root / LAYER)]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != LAYER_PACKAGE:
            return None
        spec = PathFinder.find_spec(fullname, path or self._path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = UncachedLoader(spec.loader.name, spec.loader.path)
        return spec


@dataclass(frozen=True)
class _Broken:
    """The error of code that cannot be imported."""

    error: BaseException
    traceback: TracebackType | None


class Loader:
    """The functions' handlers; after `forget` the next call imports everything again."""

    def __init__(self, root: Path, now: Callable[[], datetime] | None = None) -> None:
        """`now`: the time that the functions see in place of the machine's."""
        self._root = root
        self._now = now
        self._handlers: dict[str, Handler | _Broken] = {}
        self._lock = threading.RLock()
        self._finder = LayerFinder(root)
        sys.meta_path.insert(0, self._finder)

    def handler(self, function: Function) -> Handler:
        """Raises the import's error on every call until a file changes."""
        with self._lock:
            if function.code not in self._handlers:
                self._handlers[function.code] = self._load(function)
            handler = self._handlers[function.code]
        if isinstance(handler, _Broken):
            raise handler.error.with_traceback(handler.traceback)  # else each raise would add frames
        return handler

    def _load(self, function: Function) -> Handler | _Broken:
        module_name, _, attribute = function.handler.rpartition(".")
        path = self._root / function.code / f"{module_name}.py"
        name = MODULE_PREFIX + function.name
        spec = importlib.util.spec_from_file_location(name, path, loader=UncachedLoader(name, str(path)))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
            handler: Handler = getattr(module, attribute)
        except (Exception, SystemExit) as error:
            return _Broken(error, error.__traceback__)
        if self._now is not None and CLOCK in sys.modules:
            sys.modules[CLOCK].now = self._now  # type: ignore[attr-defined]
        return handler

    def forget(self) -> None:
        with self._lock:
            self._handlers.clear()
            for name, module in list(sys.modules.items()):
                if self._imported(module):
                    del sys.modules[name]
            importlib.invalidate_caches()

    def _imported(self, module: ModuleType) -> bool:
        return any(_is_in(module, self._root / folder) for folder in WATCHED)

    def close(self) -> None:
        self.forget()
        sys.meta_path.remove(self._finder)


def _is_in(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and file.startswith(f"{folder}{os.sep}")


class Watch:
    """`changed` is True if the functions' files or the template have changed since the last call."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen = self._snapshot()
        self._next_check = 0.0

    def changed(self) -> bool:
        if time.monotonic() < self._next_check:
            return False
        self._next_check = time.monotonic() + CHECK_INTERVAL
        before, self._seen = self._seen, self._snapshot()
        return before != self._seen

    def _snapshot(self) -> set[tuple[str, int, int]]:
        files = [self._root / "template.yaml"]
        for folder in WATCHED:
            files.extend(_files(self._root / folder))
        found = set()
        for path in files:
            try:
                status = path.stat()
            except FileNotFoundError:  # an editor is replacing it
                continue
            found.add((str(path), status.st_mtime_ns, status.st_size))
        return found


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            if not name.startswith("."):  # an editor's swap files
                yield Path(parent, name)
