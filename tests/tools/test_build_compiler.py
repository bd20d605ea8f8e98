"""The bytecode of the layers is what Python makes of the sources, without docstrings."""

import json
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

COMPILER = Path(__file__).parents[2] / "tools" / "build" / "compiler.py"
SHOP = '''"""What the shop sells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Lot:
    """Credits that expire together."""

    credits: int = 0


def only_said():
    """Says it, and does nothing."""


async def told():
    """Tells."""
    return "é"


def unwise():
    assert False, "kept"
'''
USE = """
import asyncio, inspect, json, traceback
import shop

try:
    shop.unwise()
except AssertionError as error:
    line = traceback.extract_tb(error.__traceback__)[-1]
does = [repr(shop.Lot(7)), shop.only_said(), asyncio.run(shop.told()), line.lineno, line.line]
does.append(inspect.getsource(shop.told))
documents = [thing.__doc__ for thing in (shop, shop.Lot, shop.only_said, shop.told, shop.unwise)]
print(json.dumps([does, documents]))
"""


def used(folder: Path) -> list[list[str]]:
    # -B: only the compiler writes bytecode.
    run = subprocess.run([sys.executable, "-B", "-c", USE], cwd=folder, capture_output=True, text=True, check=True)
    found: list[list[str]] = json.loads(run.stdout)
    return found


def compiled(folder: Path) -> int:
    how = ["-q", "--invalidation-mode=unchecked-hash"]
    return subprocess.run([sys.executable, "-P", COMPILER, *how, folder], check=False).returncode


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    return tmp_path


def test_modules_do_the_same_without_docstrings(folder: Path):
    does, documents = used(folder)

    assert compiled(folder) == 0

    assert used(folder) == [does, ["-", "-", "-", "-", None]]
    assert None not in documents[:4]


def test_the_bytecode_is_used_and_holds_no_time(folder: Path):
    compiled(folder)
    first = Path(cache_from_source(str(folder / "shop.py"))).read_bytes()
    (folder / "shop.py").touch()
    compiled(folder)

    assert Path(cache_from_source(str(folder / "shop.py"))).read_bytes() == first
    assert first[4:8] == (1).to_bytes(4, "little")  # PEP 552: by the source's hash, which is not checked


def test_a_source_that_cannot_be_compiled_is_reported(folder: Path):
    (folder / "broken.py").write_text("def", encoding="utf-8")

    assert compiled(folder) == 1
