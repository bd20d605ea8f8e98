"""Dependencies point inward: functions → store and stripe_gateway → domain. The contracts are in pyproject.toml."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "topup" / "topup"
LONGEST_MODULE = 300  # lines
LONGEST_FUNCTION = 40  # lines
LONGEST_LITERAL = 70  # lines, of a function of the local stack: some of Stripe's objects have many fields


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def importers_of(package: str) -> set[str]:
    """The modules of ours, relative to the package, that import `package` by any name."""
    sources = [*PACKAGE.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    found = [path for path in sources if any(name.split(".")[0] == package for name in imports_of(path))]
    return {str(path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT)) for path in found}


def test_nothing_imports_boto3():
    assert importers_of("boto3") == set(), (
        "topup/runtime/aws.py makes the clients, without what boto3 adds to a cold start"
    )


def test_only_the_store_and_the_parameter_store_import_botocore():
    assert importers_of("botocore") == {
        "runtime/aws.py",
        "store/client.py",
        "store/races.py",
        "store/orders.py",
        "store/spends.py",
        "runtime/parameter_store.py",
    }


def test_only_the_gateway_imports_stripe():
    assert importers_of("stripe") == {"stripe_gateway/client.py", "stripe_gateway/signatures.py"}


def test_only_request_bodies_import_pydantic():
    assert importers_of("pydantic") == {"api/requests.py"}


def test_the_domain_imports_the_standard_library_alone():
    for path in (PACKAGE / "domain").glob("*.py"):
        for name in imports_of(path):
            root = name.split(".")[0]
            assert name.startswith("topup.domain") or root in sys.stdlib_module_names, f"{path.name} imports {name}"


def test_import_linter_keeps_the_contracts():
    checked = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        env={"PYTHONPATH": "layers/topup", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 broken" in checked.stdout


@pytest.mark.parametrize("function", sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py")))
def test_a_function_loads_only_what_it_uses(function: str):
    """Read by a fresh interpreter: what is imported here already says nothing."""
    code = f"""
import runpy, sys
runpy.run_path("functions/{function}/app.py")
print(*sorted(sys.modules.keys() & {{"stripe", "pydantic", "boto3", "botocore.session", "jwt", "cryptography"}}))
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": "layers/topup"},
        capture_output=True,
        text=True,
        check=True,
    )
    reads = {"botocore.session", "jwt", "cryptography"}
    assert set(run.stdout.split()) == {
        "list_packages": set(),
        "create_checkout": reads | {"pydantic", "stripe"},
        "refund_payment": reads | {"pydantic", "stripe"},
        "spend_credits": {"botocore.session", "pydantic"},
        "stripe_webhook": {"botocore.session", "stripe"},
        "reconcile": {"botocore.session", "stripe"},
        "expire_credits": {"botocore.session"},
    }.get(function, reads)


def test_functions_and_modules_stay_readable():
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "functions").rglob("*.py"), *(ROOT / "local").rglob("*.py")]:
        text = path.read_text()
        assert len(text.splitlines()) <= LONGEST_MODULE, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                limit = LONGEST_LITERAL if path.is_relative_to(ROOT / "local") else LONGEST_FUNCTION
                assert length <= limit, f"{path}: {node.name} has {length} lines"
