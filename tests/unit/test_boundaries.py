"""Which room imports which. Import-linter's contracts are in pyproject.toml; here each of them is shown to fail."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path

import grimp
import pytest
from grimp import ImportGraph
from importlinter.api import read_configuration
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from importlinter.contracts.protected import ProtectedContract
from importlinter.domain.contract import Contract

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "topup" / "topup"
LONGEST_MODULE = 300  # lines
LONGEST_FUNCTION = 40  # lines
LONGEST_LITERAL = 70  # lines, of a function of the local stack: some of Stripe's objects have many fields

CONTRACT_TYPES: dict[str, type[Contract]] = {
    "forbidden": ForbiddenContract,
    "layers": LayersContract,
    "protected": ProtectedContract,
}
UPWARDS = "Nothing imports upwards, and nothing imports the tests"
INSIDE = "Inside the package: flows, then what they read and write with, then the runtime, then the domain"
DOMAIN = "The domain imports the standard library alone"
AWS = "Only the store and the runtime know AWS's SDK"
STRIPE = "Only the gateway knows Stripe"
EDGE = "Only the edge knows pydantic and tokens"

# Imports that must not be, and the contract that each of them breaks.
FORBIDDEN_IMPORTS = [
    ("topup.checkouts", "local.clock", UPWARDS),
    ("topup.store.orders", "ops.audit", UPWARDS),
    ("local.stack", "ops.audit", UPWARDS),
    ("local.in_process.shop", "tests.support.builders", UPWARDS),
    ("ops.audit", "tools.demo.shop", UPWARDS),
    ("tools.demo.shop", "tests.support.builders", UPWARDS),
    ("topup.domain.orders", "topup.store.orders", INSIDE),
    ("topup.domain.times", "topup.runtime.config", INSIDE),
    ("topup.runtime.config", "topup.store.client", INSIDE),
    ("topup.store.orders", "topup.stripe_gateway.client", INSIDE),
    ("topup.api.endpoint", "topup.checkouts", INSIDE),
    ("topup.fulfilment", "topup.clawback", INSIDE),
    ("topup.spending", "topup.expiry", INSIDE),
    ("topup.domain.orders", "aws_lambda_powertools", DOMAIN),
    ("topup.fulfilment", "botocore", AWS),
    ("topup.stripe_gateway.client", "topup.runtime.aws", AWS),
    ("topup.refunds", "stripe", STRIPE),
    ("topup.api.auth", "stripe", STRIPE),
    ("topup.store.orders", "pydantic", EDGE),
    ("topup.webhooks", "jwt", EDGE),
]

# What each handler uses of the package, apart from `topup.api`.
USED_BY_FUNCTIONS = {
    "cancel_checkout": {"cancellations", "stripe_gateway"},
    "capture_hold": {"domain.hold_changes", "holding", "runtime.secret_values"},
    "console": {"runtime.config", "domain.errors"},
    "create_checkout": {"checkouts", "runtime.secret_values", "stripe_gateway"},
    "expire_credits": {
        "expiry",
        "store",
        "runtime.clock",
        "runtime.deadline",
        "runtime.start",
        "runtime.streams",
        "runtime.telemetry",
    },
    "find_payments": {"domain.searches", "finding", "store"},
    "get_credits": {"store"},
    "get_payment": {"payment_status", "release_quotes", "domain.errors", "store"},
    "list_packages": {"runtime.config"},
    "no_route": {"domain.errors"},
    "list_payments": {"store"},
    "list_transactions": {"store"},
    "daily_report": {"daily_report", "domain.days", "runtime.clock", "runtime.deadline", "runtime.telemetry"},
    "publish_events": {"publishing", "runtime.deadline", "runtime.start", "runtime.telemetry"},
    "reconcile": {"reconciliation", "runtime.deadline", "runtime.clock", "runtime.telemetry"},
    "quote_refund": {"refund_quotes", "domain.refund_requests"},
    "refund_payment": {"refunds", "domain.refund_requests", "domain.reversals", "stripe_gateway"},
    "extend_hold": {"holding", "runtime.secret_values"},
    "list_holds": {"store"},
    "open_hold": {"domain.holds", "holding", "runtime.secret_values"},
    "release_payment": {"domain.orders", "releases", "store", "stripe_gateway"},
    "release_hold": {"holding", "runtime.secret_values"},
    "reverse_spend": {"runtime.secret_values", "spend_reversals"},
    "spend_batch": {"batch_spending", "runtime.secret_values"},
    "spend_credits": {"runtime.secret_values", "spending"},
    "grant_credits": {"grants", "runtime.secret_values"},
    "adjust_credits": {"adjustments"},
    "stripe_webhook": {"stripe_gateway", "webhooks", "domain.errors", "runtime.start", "runtime.telemetry"},
}
WITHOUT_HTTP = {"daily_report", "expire_credits", "publish_events", "reconcile"}


def imports_of(path: Path) -> Iterator[str]:
    """The dotted name of everything that a file imports: `from a.b import c` is a.b.c."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers_of(package: str) -> set[str]:
    """The files of the package and of the functions that import `package`."""
    sources = [*PACKAGE.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    found = [path for path in sources if any(name.split(".")[0] == package for name in imports_of(path))]
    return {str(path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT)) for path in found}


def test_nothing_imports_boto3():
    assert importers_of("boto3") == set(), "runtime/aws.py makes the clients without it, for a shorter cold start"


def test_only_the_store_and_the_runtime_import_botocore():
    assert importers_of("botocore") == {
        "runtime/attribute_values.py",
        "runtime/aws.py",
        "runtime/chaos.py",
        "runtime/connections.py",
        "runtime/event_bus.py",
        "runtime/parameter_store.py",
        "runtime/signing.py",
        "store/client.py",
        "store/orders.py",
        "store/credits.py",
        "store/receipts.py",
    }


def test_only_the_gateway_imports_stripe():
    assert importers_of("stripe") == {
        "stripe_gateway/client.py",
        "stripe_gateway/http_client.py",
        "stripe_gateway/in_time.py",
        "stripe_gateway/stripe_errors.py",
    }


def test_tokens_are_verified_by_the_one_import_of_pyjwt():
    assert importers_of("jwt") == {"api/token_library.py"}, "it keeps cryptography from being loaded"


def test_only_events_import_pydantic_and_bodies_its_validator():
    # No function imports api/bodies.py: bodies.json is made from it.
    assert importers_of("pydantic") == {"api/bodies.py", "api/event_schemas.py"}
    assert importers_of("pydantic_core") == {"api/requests.py"}


def test_the_domain_imports_the_standard_library_alone():
    for path in (PACKAGE / "domain").glob("*.py"):
        for name in imports_of(path):
            root = name.split(".")[0]
            assert name.startswith("topup.domain") or root in sys.stdlib_module_names, f"{path.name} imports {name}"


# ------------------------------------------------------------------------------------------------------- the contracts


@cache
def graph() -> ImportGraph:
    """What imports what, in all of our Python but the functions'."""
    session = read_configuration(str(ROOT / "pyproject.toml"))["session_options"]
    first, *others = session["root_packages"]
    return grimp.build_graph(
        first, *others, include_external_packages=session["include_external_packages"] == "True", cache_dir=None
    )


def broken_contracts(imports: ImportGraph) -> list[str]:
    """The names of the contracts that these imports break."""
    configuration = read_configuration(str(ROOT / "pyproject.toml"))
    broken = []
    for options in configuration["contracts_options"]:
        contract = CONTRACT_TYPES[options["type"]](options["name"], configuration["session_options"], options)
        if not contract.check(deepcopy(imports), verbose=False).kept:
            broken.append(options["name"])
    return broken


def test_the_code_keeps_every_contract():
    assert broken_contracts(graph()) == []


@pytest.mark.parametrize(
    ("importer", "imported", "contract"), FORBIDDEN_IMPORTS, ids=[f"{a} -> {b}" for a, b, _ in FORBIDDEN_IMPORTS]
)
def test_a_forbidden_import_breaks_its_contract(importer: str, imported: str, contract: str):
    planted = deepcopy(graph())
    assert {importer, imported} <= planted.modules, "one of the modules has another name now"
    planted.add_import(importer=importer, imported=imported)

    assert contract in broken_contracts(planted)


def test_every_contract_is_shown_to_fail():
    options = read_configuration(str(ROOT / "pyproject.toml"))["contracts_options"]

    assert {contract for _, _, contract in FORBIDDEN_IMPORTS} == {option["name"] for option in options}


def test_a_new_module_of_the_package_must_get_a_layer():
    planted = deepcopy(graph())
    planted.add_module("topup.holds")

    assert broken_contracts(planted) == [INSIDE]


# ------------------------------------------------------------------------------------------------------- the functions


def test_a_handler_uses_the_edge_and_one_flow():
    used: dict[str, set[str]] = {}
    for path in (ROOT / "functions").glob("*/app.py"):
        names = [name.split(".")[1:] for name in imports_of(path) if name.startswith("topup.")]
        rooms = {".".join(name[:2]) if name[0] in ("domain", "runtime") else name[0] for name in names}
        assert ("api" in rooms) == (path.parent.name not in WITHOUT_HTTP), path
        used[path.parent.name] = rooms - {"api"}

    assert used == USED_BY_FUNCTIONS


@pytest.mark.parametrize("function", sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py")))
def test_a_function_loads_only_the_libraries_that_it_uses(function: str):
    """As on Lambda with tokens by a shared secret; in a fresh interpreter, because this one has loaded everything."""
    code = f"""
import runpy, sys
runpy.run_path("functions/{function}/app.py")
chaos = "topup.runtime.chaos"
libraries = {{chaos, "stripe", "pydantic", "pydantic_core", "boto3", "botocore.session", "jwt", "cryptography"}}
print(*sorted(sys.modules.keys() & libraries))
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            "PYTHONPATH": "layers/topup",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    reads = {"botocore.session", "jwt"}
    assert set(run.stdout.split()) == {
        "list_packages": set(),
        "no_route": set(),
        "console": set(),
        "create_checkout": reads | {"pydantic_core", "stripe"},
        "quote_refund": reads | {"pydantic_core"},
        "cancel_checkout": reads | {"stripe"},
        "refund_payment": reads | {"pydantic_core", "stripe"},
        "release_payment": reads | {"pydantic_core", "stripe"},
        "spend_credits": {"botocore.session", "pydantic_core"},
        "spend_batch": {"botocore.session", "pydantic_core"},
        "open_hold": {"botocore.session", "pydantic_core"},
        "capture_hold": {"botocore.session", "pydantic_core"},
        "extend_hold": {"botocore.session", "pydantic_core"},
        "release_hold": {"botocore.session"},
        "reverse_spend": reads | {"pydantic_core"},
        "grant_credits": reads | {"pydantic_core"},
        "adjust_credits": reads | {"pydantic_core"},
        "stripe_webhook": {"botocore.session"},
        "reconcile": {"botocore.session"},
        "expire_credits": {"botocore.session"},
        "publish_events": {"botocore.session", "pydantic", "pydantic_core"},
        "daily_report": {"botocore.session", "pydantic", "pydantic_core"},
    }.get(function, reads)


def test_the_line_is_loaded_by_the_first_spend_that_meets_another_one():
    code = """
import runpy, sys
runpy.run_path("functions/spend_credits/app.py")
print(*[name for name in sys.modules if name.startswith("topup.") and "line" in name.rpartition(".")[2]])
"""
    environment = {"PYTHONPATH": "layers/topup", "AWS_DEFAULT_REGION": "us-east-1"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["topup.runtime.deadline"]


def test_functions_and_modules_stay_readable():
    rooms = [PACKAGE, *(ROOT / name for name in ("functions", "kit", "local", "ops", "tools"))]
    written = [path for room in rooms for path in room.rglob("*.py")]
    for path in [*written, *(ROOT / "clients/python/topup_client").glob("*.py")]:
        text = path.read_text()
        assert len(text.splitlines()) <= LONGEST_MODULE, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                limit = LONGEST_LITERAL if path.is_relative_to(ROOT / "local") else LONGEST_FUNCTION
                assert length <= limit, f"{path}: {node.name} has {length} lines"
