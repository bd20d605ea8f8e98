"""Leave in Stripe's library what our calls use: a tenth of it, 20 MB less.

The library has a module for every service, every object and every parameter of Stripe's API, and loads them by name.
"""

import ast
from collections.abc import Iterator, Set
from pathlib import Path

from tools.build import import_graph

# What is called below `StripeClient.v1`; tests/tools/test_build_stripe_library.py fails if one is missing or too many.
SERVICES = (
    "accounts",
    "charges",
    "checkout.sessions",
    "disputes",
    "events",
    "payment_intents",
    "radar.early_fraud_warnings",
    "refunds",
)
CLIENT, V1 = "stripe._stripe_client", "stripe._v1_services"
# It handles events of Stripe's second kind by 350 methods. The client imports it to make one; our code asks for none.
HANDLER = "stripe._event_notification_handler"
OBJECT_CLASSES = Path("stripe/_object_classes.py")  # which class stands for an object of Stripe's, by its kind


def keep_what_is_called(python: Path) -> None:
    """Remove the modules that neither the client nor one of the services imports.

    The classes of most objects go with them. The library makes a plain StripeObject of an object that its table does
    not list, with the same content, so they leave that table, too.
    """
    modules = import_graph.modules_in(python)
    if HANDLER not in modules:
        raise SystemExit(f"Stripe's library has no {HANDLER} any more: see tools/build/{Path(__file__).name}")
    modules[HANDLER].write_text(_names_alone(modules[CLIENT]), encoding="utf-8")
    services = {module for service in SERVICES for module in modules_of(service, modules)}
    kept = import_graph.reached_from({CLIENT, *services}, modules)
    table = python / OBJECT_CLASSES
    table.write_text(_without_absent_classes(table.read_text(encoding="utf-8"), kept), encoding="utf-8")
    for module, path in modules.items():
        if module.split(".")[0] == "stripe" and module not in kept:
            path.unlink()
    for folder in sorted((python / "stripe").rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _names_alone(client: Path) -> str:
    """What the client imports of HANDLER, for the types of its methods."""
    imports = [node for node in ast.walk(ast.parse(client.read_bytes())) if isinstance(node, ast.ImportFrom)]
    names = sorted({alias.name for node in imports if node.module == HANDLER for alias in node.names})
    classes = "".join(f"\n\nclass {name}:\n    pass\n" for name in names)
    return f'"""Emptied by Topup\'s build: no function handles such events by the library."""\n{classes}'


def modules_of(service: str, modules: import_graph.Modules) -> Iterator[str]:
    """The modules that the library loads for `checkout.sessions`, found as it finds them."""
    module = V1
    for part in service.split("."):
        module = _subservices(modules[module])[part][0]
        yield module


def _subservices(path: Path) -> dict[str, list[str]]:
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_subservices":
            found: dict[str, list[str]] = ast.literal_eval(node.value)
            return found
    raise LookupError(f"{path} has no table of services: Stripe's library is made in another way now")


def _without_absent_classes(source: str, kept: Set[str]) -> str:
    """The module of the table, without the lines of classes whose modules are not kept."""
    absent: set[int] = set()
    for table in ast.walk(ast.parse(source)):
        for key, value in zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ():
            if key and ast.literal_eval(value)[0] not in kept:
                absent |= {*range(key.lineno, (value.end_lineno or value.lineno) + 1)}
    lines = source.splitlines(keepends=True)
    return "".join(line for number, line in enumerate(lines, 1) if number not in absent)
