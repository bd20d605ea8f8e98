"""Which files a process reads below a folder: Python's own files, shared objects and bundles of roots.

This machine has them in its memory after the first start. Lambda has to fetch them, so a cold start there is longer
the more it reads.
"""

import os
import ssl
import sys
from collections.abc import Callable
from typing import Any


def begin(folder: str) -> Callable[[], dict[str, int]]:
    """Count from now on; the result tells the files read so far and their bytes. A file counts once, and whole.

    A shared object counts whole too, though the system reads only the parts that are used.
    """
    paths: set[str] = set()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            paths.add(str(arguments[0]))
        elif event == "import" and arguments[1]:  # the file of a shared object, which the system opens itself
            paths.add(str(arguments[1]))

    def load_verify_locations(self: ssl.SSLContext, cafile: Any = None, *others: Any, **named: Any) -> None:
        paths.add(str(cafile))  # OpenSSL opens it, so Python's hook does not see it
        loads(self, cafile, *others, **named)

    loads = ssl.SSLContext.load_verify_locations
    ssl.SSLContext.load_verify_locations = load_verify_locations  # type: ignore[method-assign]
    sys.addaudithook(hook)
    return lambda: _total(folder, paths)


def _total(folder: str, paths: set[str]) -> dict[str, int]:
    sizes = {
        path: os.path.getsize(path)  # noqa: PTH202
        for path in list(paths)
        if path.startswith(folder) and os.path.isfile(path)  # noqa: PTH113
    }
    of_validator = sum(size for path, size in sizes.items() if "/_pydantic_core." in path)
    return {"files": len(sizes), "bytes": sum(sizes.values()), "of_validator": of_validator}
