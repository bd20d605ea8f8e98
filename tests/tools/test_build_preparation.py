"""What is prepared when a layer is built is what Python would make, and what is not prepared is made as ever."""

import json
import marshal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.build import preparation

ROOT = Path(__file__).parents[2]
FILE = f"topup.{sys.implementation.cache_tag}.prepared"
SHOP = """
import re
from dataclasses import dataclass, field

from botocore.config import Config

KIND = re.compile(r"(?P<kind>[a-z]+)_([0-9]{2,4})", re.IGNORECASE)
LINE = re.compile(rb"[#] .*", re.VERBOSE | re.DOTALL)


class Limits(Config):
    pass


PAUSE = Limits.longest_pause


@dataclass(frozen=True, order=True)
class Lot:
    lot_id: str
    credits: int = 0
    tags: list[str] = field(default_factory=list)
"""
# Says what the module does, and which expressions and methods were made for it.
USE = """
import builtins, dataclasses, json, re._compiler, sys, types

made = []

def compiled(pattern, flags=0, make=re._compiler.compile):
    made.append(str(pattern))
    return make(pattern, flags)

def executed(code, *names, execute=builtins.exec):
    if isinstance(code, str) and "__create_fn__" in code:
        made.append("methods")
    return execute(code, *names)

re._compiler.compile, builtins.exec = compiled, executed
from topup.runtime import prepared
prepared.use(sys.argv[1])

sys.path.insert(0, sys.argv[1])
sys.modules["botocore.config"] = config = types.ModuleType("botocore.config")
config.Config = type("Config", (), {"longest_pause": 1})
made.clear()
import shop

lot = shop.Lot("a", 1)
try:
    lot.credits = 2
except dataclasses.FrozenInstanceError as error:
    refused = str(error)
does = [
    shop.KIND.fullmatch("ORD_123").groupdict(), shop.KIND.groups, shop.KIND.flags, shop.KIND.pattern, repr(shop.KIND),
    shop.LINE.flags, bool(shop.LINE.match(b"#x")), repr(lot), lot < shop.Lot("b"), lot == shop.Lot("a", 1), refused,
    repr(dataclasses.replace(lot, credits=2)), shop.Lot.__init__.__qualname__, shop.Lot.__match_args__,
]
print(json.dumps([does, made]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A layer's folder with one module, prepared."""
    (tmp_path / "shop.py").write_text(SHOP)
    preparation.prepare_ours(sys.executable, tmp_path)
    return tmp_path


def used(folder: Path) -> Any:
    """What the module does in a fresh interpreter, and what was made for it."""
    command = [sys.executable, "-c", USE, str(folder)]
    run = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": "layers/topup"}, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    return json.loads(run.stdout)


def test_what_is_prepared_is_not_made_again_and_does_the_same(folder: Path):
    does, made = used(folder)
    (folder / FILE).unlink()
    does_without, made_without = used(folder)

    assert does == does_without
    assert made == []
    assert len(made_without) == 3
    assert made_without[-1] == "methods"


def test_what_has_changed_since_is_made_as_ever(folder: Path):
    changed = SHOP.replace("{2,4}", "{2,5}").replace("credits: int = 0", "credits: int = 0\n    note: str = ''")
    (folder / "shop.py").write_text(changed)

    does, made = used(folder)

    assert does[0] == {"kind": "ORD"}
    assert "note=''" in does[7]
    assert made == ["(?P<kind>[a-z]+)_([0-9]{2,5})", "methods"]


def test_programs_in_another_language_are_made_as_ever(folder: Path):
    magic, programs, methods = marshal.loads((folder / FILE).read_bytes())
    (folder / FILE).write_bytes(marshal.dumps((magic + 1, programs, methods)))

    _, made = used(folder)

    assert len(made) == 2
    assert "methods" not in made


def test_another_python_makes_everything(folder: Path):
    (folder / FILE).rename(folder / "topup.cpython-399.prepared")

    _, made = used(folder)

    assert len(made) == 3


def test_the_same_modules_give_the_same_file(folder: Path):
    before = (folder / FILE).read_bytes()

    preparation.prepare_ours(sys.executable, folder)

    assert (folder / FILE).read_bytes() == before


def test_a_module_that_cannot_be_imported_is_reported_and_left_out(folder: Path, capfd: pytest.CaptureFixture[str]):
    (folder / "broken.py").write_text("import package_that_nobody_has")

    preparation.prepare_ours(sys.executable, folder)

    assert "broken is not prepared, so cold starts take longer" in capfd.readouterr().err
    assert used(folder)[1] == []


@pytest.mark.parametrize("module", ["topup.domain.audit_of_entries", "topup.reconciliation.reports"])
def test_of_what_nobody_waits_for_nothing_is_prepared_whoever_imports_it(tmp_path: Path, module: str):
    path = tmp_path / f"{module.replace('.', '/')}.py"
    path.parent.mkdir(parents=True)
    path.write_text("from dataclasses import dataclass\n\n@dataclass\nclass Finding:\n    user: str\n")
    (tmp_path / "topup" / "daily_report.py").write_text(
        f"from dataclasses import dataclass\nimport {module}\n\n@dataclass\nclass Report:\n    users: int\n"
    )

    preparation.prepare_ours(sys.executable, tmp_path)

    _, _, methods = marshal.loads((tmp_path / FILE).read_bytes())
    assert methods.keys() == {"topup.daily_report"}
