"""Where the stack's code is, and how this process uses some of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
# In a wheel the code is below this package; in the repository it is the repository.
PROJECT = next(folder for folder in (HERE / "project", HERE.parents[1]) if (folder / "template.yaml").exists())
PATHS = [str(PROJECT), str(PROJECT / "layers" / "topup")]
PACKAGES = ("local", "topup")


@contextmanager
def importable() -> Iterator[None]:
    """Inside the block, `local` and `topup` are the stack's; after it, they are what the tested service calls so."""
    others = _forget()
    sys.path[:0] = PATHS
    try:
        yield
    finally:
        for path in PATHS:
            sys.path.remove(path)
        _forget()
        sys.modules.update(others)


def _forget() -> dict[str, ModuleType]:
    """Let the next import find these packages again; returns the modules that were known."""
    known = [name for name in sys.modules if name.partition(".")[0] in PACKAGES]
    return {name: sys.modules.pop(name) for name in known}
