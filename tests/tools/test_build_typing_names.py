"""What the layers' build lets packages import from Python itself is there, and the same."""

import importlib
import sys
from pathlib import Path

import pytest
import typing_extensions

from tools.build import typing_names


def module(python: Path, text: str) -> Path:
    path = python / "shop" / "types.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Lambda's Python is 3.13, and older ones lack some of them")
@pytest.mark.parametrize("name", typing_names.HOMES)
def test_python_has_the_name(name: str):
    found = getattr(importlib.import_module(typing_names.HOMES[name]), name)

    # typing_extensions has three of them in the form of a later Python; the layer's packages use none of what is new.
    assert (found is getattr(typing_extensions, name)) == (name not in {"Protocol", "TypedDict", "deprecated"})


def test_each_name_is_imported_from_where_it_is(tmp_path: Path):
    path = module(
        tmp_path,
        "try:\n    from typing_extensions import (\n        Self,\n        Literal as One,\n    )\n"
        "except ImportError:\n    pass\n"
        "from typing_extensions import Self\nfrom typing_extensions import deprecated, Self, Sentinel  # all\n",
    )

    typing_names.take_from_python(tmp_path)

    assert path.read_text() == (
        "try:\n    from typing import Self, Literal as One\nexcept ImportError:\n    pass\n"
        "from typing import Self\n"
        "from warnings import deprecated; from typing import Self; from typing_extensions import Sentinel  # all\n"
    )


def test_who_compares_types_with_both_is_left_alone(tmp_path: Path):
    module(tmp_path, "from typing_extensions import Self\n")
    compares = tmp_path / "pydantic" / "fields.py"
    compares.parent.mkdir()
    compares.write_text("from typing_extensions import Self\n")

    typing_names.take_from_python(tmp_path)

    assert compares.read_text() == "from typing_extensions import Self\n"


def test_a_build_without_such_a_package_ends(tmp_path: Path):
    module(tmp_path, "from typing import Self\n")

    with pytest.raises(SystemExit, match="No package imports typing_extensions any more"):
        typing_names.take_from_python(tmp_path)
