"""Replace the modules that every start imports for what no function does: documenting a client, and speaking HTTP/2.

Together 3 % of a cold start's CPU time, most of it for the parser of HTML, `importlib.metadata` and `zipfile`.
botocore's copy of six makes way for the package that dateutil requires.
"""

from collections.abc import Mapping
from pathlib import Path

# botocore gives each method of a client a text that writes itself when it is read, in an interpreter's help().
DOCSTRINGS = '''\
"""Empty docstrings, written by Topup's build: botocore's would write documentation, which nobody reads."""


class LazyLoadedDocstring(str):
    def __new__(cls, *args, **kwargs):
        return super().__new__(cls)


ClientMethodDocstring = PaginatorDocstring = WaiterDocstring = LazyLoadedDocstring
'''
SIX = '"""Written by Topup\'s build: the package that dateutil requires."""\n\nfrom six import *\n'
NOTHING = '"""Emptied by Topup\'s build: {}"""\n'

REPLACED: Mapping[str, str] = {
    "botocore/docs/__init__.py": NOTHING.format("it writes documentation, which no function reads."),
    "botocore/docs/docstring.py": DOCSTRINGS,
    "botocore/vendored/six.py": SIX,
    "urllib3/http2/__init__.py": NOTHING.format("it asks which version of h2 is installed; none is."),
}
DOCUMENTING = Path("botocore/docs")
IMPORTED = {"__init__.py", "docstring.py", "utils.py"}  # by botocore's clients and their handlers


def replace_what_only_documents(python: Path) -> None:
    """Write the replacements in the folder of the packages, and remove what only the replaced modules imported."""
    for name, text in REPLACED.items():
        path = python / name
        if not path.exists():
            raise SystemExit(f"{name} is not among the installed packages: see tools/build/{Path(__file__).name}")
        path.write_text(text, encoding="utf-8")
    for path in sorted((python / DOCUMENTING).rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        elif path.relative_to(python / DOCUMENTING).as_posix() not in IMPORTED:
            path.unlink()
