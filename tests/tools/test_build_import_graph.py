"""Which imports the layers' build finds in a module."""

from pathlib import Path

import pytest

from tools.build import import_graph

SOURCES = {
    "shop/__init__.py": "from shop.front import door",
    "shop/front.py": "from . import back\ndoor = 1",
    "shop/back.py": "def late():\n    from .cellar.rack import bottle\n    return bottle",
    "shop/cellar/__init__.py": "",
    "shop/cellar/rack.py": "try:\n    import attic.box\nexcept ImportError:\n    from ..roof import tile as bottle",
    "shop/roof.py": "import typing\nif typing.TYPE_CHECKING:\n    import shop.types\nelse:\n    import shop.slate",
    "shop/types.py": "",
    "shop/slate.py": "import json",
    "shop/unused.py": "import shop.front",
    "attic/__init__.py": "",
    "attic/box.py": "",
}


@pytest.fixture
def modules(tmp_path: Path) -> import_graph.Modules:
    for name, source in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    return import_graph.modules_in(tmp_path)


def test_every_module_has_its_dotted_name(modules: import_graph.Modules):
    assert set(modules) == {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in SOURCES}


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("shop", {"shop", "shop.front"}),
        ("shop.front", {"shop", "shop.back"}),
        ("shop.back", {"shop", "shop.cellar", "shop.cellar.rack"}),
        ("shop.cellar.rack", {"attic", "attic.box", "shop", "shop.roof"}),
        ("shop.roof", {"shop", "shop.slate"}),
        ("shop.slate", set()),
    ],
)
def test_imports_are_found_wherever_they_stand(module: str, imported: set[str], modules: import_graph.Modules):
    assert import_graph.imported_by(module, modules) == imported


def test_what_is_reached_includes_packages_and_leaves_out_what_only_types_need(modules: import_graph.Modules):
    assert import_graph.reached_from(["shop"], modules) == set(modules) - {"shop.types", "shop.unused"}
    assert import_graph.reached_from(["shop.cellar"], modules) == set(modules) - {"shop.types", "shop.unused"}
    assert import_graph.reached_from(["attic.box", "missing"], modules) == {"attic", "attic.box"}
