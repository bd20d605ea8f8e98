"""What the layers' build leaves of botocore's handlers is what the clients of our services call."""

import importlib.util
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore
import botocore.session
import pytest
from botocore import handlers
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.hooks import EventAliaser, HierarchicalEmitter

from tools.build import client_events
from tools.build.service_models import OPERATIONS

BOTOCORE = Path(botocore.__file__).parent
DOCUMENTING = "docs."  # events that the layers' clients do not emit: see tools/build/documentation.py
EMPTY: Mapping[str, Any] = {"string": "orders", "map": {}, "list": []}  # by the type of a parameter


@pytest.fixture
def reduced(tmp_path: Path) -> Mapping[str, ModuleType]:
    """The modules that the build changes, after the change."""
    for name in ("handlers", "utils"):
        shutil.copy(BOTOCORE / f"{name}.py", tmp_path)
    client_events.keep_what_is_emitted(tmp_path)
    return {name: loaded(tmp_path / f"{name}.py") for name in ("handlers", "utils")}


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"reduced_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def events_of_our_clients(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all events while our services' clients are made, and ask and are answered."""
    emitted: dict[str, None] = {}
    for method in ("emit", "emit_until_response"):
        emit = getattr(EventAliaser, method)

        def noted(self: EventAliaser, event_name: str, _emit: Any = emit, **given: Any) -> Any:
            emitted[event_name] = None
            return _emit(self, event_name, **given)

        monkeypatch.setattr(EventAliaser, method, noted)
    session = botocore.session.get_session()
    session.set_credentials("AKIA", "secret")
    for service, operations in OPERATIONS.items():
        config = botocore.config.Config(parameter_validation=False)
        client: Any = session.create_client(service, region_name="eu-west-1", config=config)
        client.meta.events.register("before-send", answer)
        for operation in operations:
            wanted = client.meta.service_model.operation_model(operation).input_shape
            client._make_api_call(
                operation, {name: EMPTY[wanted.members[name].type_name] for name in wanted.required_members}
            )
    return list(emitted)


def answer(request: Any, **_: Any) -> AWSResponse:
    class Raw:
        def stream(self, **_: Any) -> Iterable[bytes]:
            return [b"{}"]

    return AWSResponse(request.url, 200, HTTPHeaders(), Raw())


def registered(module: ModuleType, aliases: Mapping[str, str]) -> EventAliaser:
    """The handlers of a new session, as it registers them."""
    emitter = EventAliaser(HierarchicalEmitter(), aliases)
    register = {module.REGISTER_FIRST: emitter.register_first, module.REGISTER_LAST: emitter.register_last}
    for event, handler, *where in module.BUILTIN_HANDLERS:
        (register[where[0]] if where else emitter.register)(event, handler)
    return emitter


def called(emitter: Any, event: str) -> list[str]:
    found = emitter._emitter._handlers.prefix_search(emitter._alias_event_name(event))
    of_the_library = [
        handler for handler in found if handler.__module__.startswith(("botocore.", "reduced_"))
    ]  # not moto
    return [getattr(handler, "__qualname__", repr(handler)) for handler in of_the_library]


def test_every_event_of_our_clients_has_the_handlers_of_the_complete_library(
    reduced: Mapping[str, ModuleType], monkeypatch: pytest.MonkeyPatch
):
    events = events_of_our_clients(monkeypatch)
    left = registered(reduced["handlers"], reduced["utils"].EVENT_ALIASES)
    complete = registered(handlers, botocore.utils.EVENT_ALIASES)

    ours = [event for event in events if not event.startswith(DOCUMENTING)]

    assert {event.split(".")[1] for event in ours if "." in event} >= {"dynamodb", "eventbridge", "ssm"}
    assert {event: called(left, event) for event in ours} == {event: called(complete, event) for event in ours}
    assert any(called(left, event) for event in ours)


def test_what_is_for_other_services_is_left_out(reduced: Mapping[str, ModuleType]):
    assert reduced["utils"].EVENT_ALIASES == {"events": "eventbridge"}
    assert len(reduced["handlers"].BUILTIN_HANDLERS) < 12


@pytest.mark.parametrize(("module", "name"), [("handlers", "BUILTIN_HANDLERS"), ("utils", "EVENT_ALIASES")])
def test_a_list_that_the_package_no_longer_has_ends_the_build(tmp_path: Path, module: str, name: str):
    for copied in ("handlers", "utils"):
        shutil.copy(BOTOCORE / f"{copied}.py", tmp_path)
    path = tmp_path / f"{module}.py"
    path.write_text(path.read_text().replace(f"{name} =", "OTHER ="))

    with pytest.raises(SystemExit, match=rf"botocore/{module}\.py has no {name} any more"):
        client_events.keep_what_is_emitted(tmp_path)


def test_a_handler_that_is_listed_in_another_way_ends_the_build(tmp_path: Path):
    (tmp_path / "handlers.py").write_text("BUILTIN_HANDLERS = [*OF_OTHER_MODULES]")

    with pytest.raises(SystemExit, match=r"botocore lists \*OF_OTHER_MODULES among its handlers"):
        client_events.keep_what_is_emitted(tmp_path)
