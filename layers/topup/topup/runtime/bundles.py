"""Import from one file for each package what every start imports of it.

Python looks for each module in several folders, and opens, checks and reads two files: hundreds of times in a start.
tools/build/bundling.py moves the bytecode of these modules into a bundle beside their package. Their sources stay where
they are, so tracebacks show lines. What is in no bundle is imported as ever, and so is everything by another Python.
"""

import marshal
import os
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType

SUFFIX = f".{sys.implementation.cache_tag}.bundle"


def use(folder: str) -> None:
    """Import what is in this folder's bundles from there; there is none unless it holds built layers."""
    # Not by pathlib: what it imports is in no bundle.
    packages = {name.removesuffix(SUFFIX) for name in os.listdir(folder) if name.endswith(SUFFIX)}  # noqa: PTH208
    if packages:
        sys.meta_path.insert(0, _Finder(folder, packages))


class _Finder:
    """Finds the modules that are in bundles, but no package itself: some are imported without a module of theirs."""

    def __init__(self, folder: str, packages: set[str]) -> None:
        self._folder = folder
        self._packages = packages
        self._bundles: dict[str, Mapping[str, tuple[str, bytes]]] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002 - Python's interface
        package, dot, _ = name.partition(".")
        found = self._bundle(package).get(name) if dot and package in self._packages else None
        if found is None:
            return None
        file, code = found
        loader = _Loader(name, f"{self._folder}/{file}", code)
        is_package = file.endswith("/__init__.py")
        spec = ModuleSpec(name, loader, origin=loader.path, is_package=is_package)
        spec.has_location = True  # modules have `__file__`: some find their data by it
        if is_package:
            spec.submodule_search_locations = [os.path.dirname(loader.path)]  # noqa: PTH120
        return spec

    def _bundle(self, package: str) -> Mapping[str, tuple[str, bytes]]:
        if package not in self._bundles:
            with open(f"{self._folder}/{package}{SUFFIX}", "rb") as file:  # noqa: PTH123
                self._bundles[package] = marshal.load(file)  # noqa: S302 - the build's, as bytecode is
        return self._bundles[package]


class _Loader(SourceFileLoader):
    """Python's own, which knows the source, but has the code already."""

    def __init__(self, name: str, path: str, code: bytes) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        code: CodeType = marshal.loads(self._code)  # noqa: S302
        return code
