"""Leave of botocore's handlers of events those that the clients of our services call.

A session registers 127 handlers, of which nine are for every service, and looks each event's name up among 65 names
that services had before.
"""

import ast
from collections.abc import Callable
from pathlib import Path

from tools.build.service_models import OPERATIONS


def keep_what_is_emitted(botocore: Path) -> None:
    """Reduce both lists in the package's sources."""
    handlers = botocore / "handlers.py"
    _replace(handlers, "BUILTIN_HANDLERS", _of_every_service)
    # This adds handlers for three other services.
    _replace(handlers, "_add_parameter_aliases(BUILTIN_HANDLERS)", lambda _: "None")
    _replace(botocore / "utils.py", "EVENT_ALIASES", _of_our_services)


def _of_every_service(handlers: ast.expr) -> str:
    """Those for events whose name has one part: the next part names a service, or begins with `*` in documents."""
    assert isinstance(handlers, ast.List)
    return ast.unparse(ast.List([one for one in handlers.elts if "." not in _event_of(one)]))


def _event_of(handler: ast.expr) -> str:
    match handler:
        case ast.Tuple(elts=[ast.Constant(value=str(event)), *_]):
            return event
    raise SystemExit(f"botocore lists {ast.unparse(handler)} among its handlers: see tools/build/{Path(__file__).name}")


def _of_our_services(aliases: ast.expr) -> str:
    return repr({name: now for name, now in ast.literal_eval(aliases).items() if name in OPERATIONS})


def _replace(path: Path, name: str, reduced: Callable[[ast.expr], str]) -> None:
    """Replace what a module assigns to this name, or the call that reads like it."""
    text = path.read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        named = node.targets[0] if isinstance(node, ast.Assign) else node
        if isinstance(node, ast.Assign | ast.Expr) and ast.unparse(named) == name:
            whole = ast.get_source_segment(text, node.value) or ""
            path.write_text(text.replace(whole, reduced(node.value)), encoding="utf-8")
            return
    raise SystemExit(f"botocore/{path.name} has no {name} any more: see tools/build/{Path(__file__).name}")
