"""What the layers' build lets packages import from Python itself; tests/packaging asks Lambda's Python for it."""

from pathlib import Path

import pytest

from tools.build import typing_names


def module(python: Path, text: str) -> Path:
    path = python / "shop" / "types.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


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
