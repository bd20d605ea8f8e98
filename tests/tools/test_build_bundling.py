"""What is imported from a bundle is what Python imports from the files, and what is in none is imported as ever."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.build import bundling

ROOT = Path(__file__).parents[2]
BUNDLE = f"shop.{sys.implementation.cache_tag}.bundle"
MODULES = {
    "shop/__init__.py": "",
    "shop/prices.py": "import sys\n\nPRICE = 7\n\n\ndef fail():\n    raise ValueError(sys._getframe().f_lineno)\n",
    "shop/tills/__init__.py": "from shop.tills import first\n",
    "shop/tills/first.py": 'from pathlib import Path\n\nROOM = Path(__file__).with_name("room.txt").read_text()\n',
    "shop/tills/second.py": "from .first import ROOM\n",
    "shop/tills/room.txt": "here",
}
COMMON = ("shop", "shop.prices", "shop.tills", "shop.tills.first")
# Says what it finds in the modules, and where Python found them.
USE = """
import importlib.util, inspect, json, sys, traceback
from topup.runtime import bundles

bundles.use(sys.argv[1])
sys.path.insert(0, sys.argv[1])
import shop.prices, shop.tills.second

try:
    shop.prices.fail()
except ValueError:
    failed = traceback.extract_tb(sys.exc_info()[2])[-1]
modules = [shop, shop.prices, shop.tills, shop.tills.first, shop.tills.second]
seen = [
    [
        module.__name__, module.__file__, module.__cached__, module.__package__, getattr(module, "__path__", None),
        module.__spec__.name, module.__spec__.origin, module.__spec__.has_location, module.__spec__.parent,
    ]
    for module in modules
]
does = [
    shop.prices.PRICE, shop.tills.second.ROOM, failed.filename, failed.lineno, failed.line,
    inspect.getsource(shop.prices.fail), importlib.util.find_spec("shop.absent") is None,
]
print(json.dumps([seen, does, [type(module.__loader__).__name__ == "_Loader" for module in modules]]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A layer's folder with one package and its bytecode."""
    for name, text in MODULES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run([sys.executable, "-m", "compileall", "-q", tmp_path], check=True)
    return tmp_path


def used(folder: Path) -> Any:
    """What is in the modules in a fresh interpreter, and which of them are from the bundle."""
    environment = os.environ | {"PYTHONPATH": "layers/topup", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", USE, str(folder)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    return json.loads(run.stdout)


def test_modules_of_a_bundle_are_as_those_of_files(folder: Path):
    before, does_before, is_bundled_before = used(folder)

    bundling.bundle(folder, COMMON)

    assert used(folder) == [before, does_before, [False, True, True, True, False]]
    assert is_bundled_before == [False] * 5


def test_bytecode_is_in_the_bundle_or_in_a_file(folder: Path):
    bundling.bundle(folder, COMMON)

    assert {path.name.split(".")[0] for path in folder.rglob("*.pyc")} == {"__init__", "second"}
    assert not list((folder / "shop" / "tills" / "__pycache__").glob("__init__.*"))
    assert (folder / BUNDLE).exists()


def test_a_package_itself_does_not_read_its_bundle(folder: Path):
    bundling.bundle(folder, COMMON)
    (folder / BUNDLE).write_bytes(b"not a bundle")
    use = "import sys; from topup.runtime import bundles; bundles.use(sys.argv[1]); sys.path.insert(0, sys.argv[1])"

    run = subprocess.run(
        [sys.executable, "-c", f"{use}; import shop", folder], cwd=ROOT, env={"PYTHONPATH": "layers/topup"}, check=False
    )

    assert run.returncode == 0


def test_another_python_imports_from_the_sources(folder: Path):
    bundling.bundle(folder, COMMON)
    (folder / BUNDLE).rename(folder / "shop.cpython-399.bundle")

    _, does, is_bundled = used(folder)

    assert does[:2] == [7, "here"]
    assert is_bundled == [False] * 5


def test_the_same_bytecode_gives_the_same_bundle(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    other = tmp_path_factory.mktemp("other")
    for path in sorted(folder.rglob("*")):
        target = other / path.relative_to(folder)
        target.mkdir() if path.is_dir() else target.write_bytes(path.read_bytes())

    bundling.bundle(folder, COMMON)
    bundling.bundle(other, reversed(COMMON))

    assert (folder / BUNDLE).read_bytes() == (other / BUNDLE).read_bytes()


def test_what_tells_python_of_the_bundles_is_in_none(tmp_path: Path):
    package = tmp_path / "topup" / "runtime"
    package.mkdir(parents=True)
    for name in ("__init__.py", "bundles.py", "clock.py"):
        (package / name).touch()
    subprocess.run([sys.executable, "-m", "compileall", "-q", tmp_path], check=True)

    bundling.bundle(tmp_path, ["topup.runtime", "topup.runtime.bundles", "topup.runtime.clock"])

    assert {path.name.split(".")[0] for path in package.rglob("*.pyc")} == {"__init__", "bundles"}


@pytest.mark.parametrize("app", sorted((ROOT / "functions").glob("*/app.py")), ids=lambda app: app.parent.name)
def test_a_function_imports_our_package_before_any_other(app: Path):
    """It tells Python of the bundles, which are the only bytecode of many modules."""
    nodes = [node for node in ast.walk(ast.parse(app.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [getattr(node, "module", None) or node.names[0].name for node in nodes]
    packages = [name.partition(".")[0] for name in names]

    assert next(package for package in packages if package not in sys.stdlib_module_names) == "topup"
