"""What the layers' build writes in place of modules that only document: what is left of their packages still works."""

import ast
import shutil
from pathlib import Path
from typing import Any

import botocore
import pytest
import urllib3

from tools.build import documentation, import_graph

PACKAGES = {"botocore": Path(botocore.__file__).parent, "urllib3": Path(urllib3.__file__).parent}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages, some modules of which are replaced."""
    folder = tmp_path_factory.mktemp("layer")
    for name, path in PACKAGES.items():
        shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
    documentation.replace_what_only_documents(folder)
    return folder


def names_taken_from(module: str, folder: Path) -> set[str]:
    """What botocore's own code imports from one of its modules."""
    trees = [ast.parse(path.read_bytes()) for path in (folder / "botocore").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in nodes if node.module == module for alias in node.names}


def test_whatever_is_imported_from_the_replaced_module_is_in_it(python: Path):
    names: dict[str, Any] = {}
    exec(documentation.DOCSTRINGS, names)
    taken = names_taken_from("botocore.docs.docstring", python)

    assert taken
    assert all(names[name](operation_model=None, include_signature=False) == "" for name in taken)


def test_nothing_else_is_taken_from_what_is_removed(python: Path):
    left = import_graph.modules_in(python)
    complete = import_graph.modules_in(*(path.parent for path in PACKAGES.values()))
    ours = {name: path for name, path in complete.items() if name.split(".")[0] in PACKAGES}

    gone = {name for module in left for name in import_graph.imported_by(module, {**ours, **left}) - set(left)}

    assert not gone
    assert set(ours) - set(left)
    assert not names_taken_from("botocore.docs", python)


def test_a_module_that_the_package_no_longer_has_ends_the_build(tmp_path: Path):
    with pytest.raises(SystemExit, match=r"botocore/docs/__init__\.py is not among the installed packages"):
        documentation.replace_what_only_documents(tmp_path)
