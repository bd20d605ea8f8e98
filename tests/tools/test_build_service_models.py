"""What the layers' build leaves of botocore's data: what our code calls, and what botocore reads for that."""

import ast
import gzip
import json
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import pytest
from botocore import xform_name

from local import ROOT
from tools.build import service_models
from tools.build.service_models import OPERATIONS

DATA = Path(botocore.__file__).with_name("data")
# Calls that create a client; the service is their first argument.
MAKERS = {"client", "resource", "create_client"}
# Powertools creates clients for these services.
PROVIDERS = {
    "SSMProvider": "ssm",
    "SecretsProvider": "secretsmanager",
    "DynamoDBProvider": "dynamodb",
    "AppConfigProvider": "appconfigdata",
    "DynamoDBPersistenceLayer": "dynamodb",
}
# Methods of a client that read more of a service's data than its model.
READ_MORE = {"get_paginator", "can_paginate", "get_waiter"}
OF_BOTOCORE = {"create_endpoint"}  # runtime/aws.py; EventBridge has an operation of this name


def sources() -> list[str]:
    """Everything that is deployed and our own."""
    paths = [*(ROOT / "layers" / "topup").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    return [path.read_text() for path in paths]


def services_of(source: str) -> Iterator[str]:
    """The AWS services for which the code creates clients."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0] if node.args else None
        if name in MAKERS and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value
        if name in PROVIDERS:
            yield PROVIDERS[name]


def attributes_of(source: str) -> set[str]:
    """Every name after a dot: among them the methods that are called on clients, whatever the client is called."""
    return {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}


@cache
def complete_model(service: str) -> Mapping[str, Any]:
    newest = max(DATA.glob(f"{service}/*/service-2.json.gz"))
    model: Mapping[str, Any] = json.loads(gzip.decompress(newest.read_bytes()))
    return model


# -------------------------------------------------------------------------------------------- what our code calls


def test_the_layer_keeps_exactly_the_services_that_the_code_uses():
    used = {service for source in sources() for service in services_of(source)}

    missing = used - set(OPERATIONS)
    assert not missing, f"add {sorted(missing)} to OPERATIONS in tools/build/service_models.py: the layer lacks them"
    unused = set(OPERATIONS) - used
    assert not unused, f"nothing uses {sorted(unused)}: remove it from OPERATIONS in tools/build/service_models.py"


@pytest.mark.parametrize(
    "source", ['aws.client("s3", limits)', 'boto3.resource("s3")', 'session.create_client("s3")', 'client("s3")']
)
def test_every_way_to_create_a_client_is_recognized(source: str):
    assert list(services_of(source)) == ["s3"]


def test_a_service_that_powertools_calls_is_recognized():
    assert list(services_of("parameters.SecretsProvider()")) == ["secretsmanager"]


@pytest.mark.parametrize("service", OPERATIONS)
def test_the_layer_keeps_exactly_the_operations_that_the_code_calls(service: str):
    named = {attribute for source in sources() for attribute in attributes_of(source)} - OF_BOTOCORE
    used = {operation for operation in complete_model(service)["operations"] if xform_name(operation) in named}

    missing = used - OPERATIONS[service]
    assert not missing, f"add {sorted(missing)} to OPERATIONS in tools/build/service_models.py: the layer lacks them"
    unused = OPERATIONS[service] - used
    assert not unused, f"nothing calls {sorted(unused)}: remove it from OPERATIONS in tools/build/service_models.py"


def test_an_operation_is_recognized_however_its_client_is_called():
    assert "batch_get_item" in attributes_of("self.tables.batch_get_item(RequestItems={})")


def test_nothing_uses_paginators_and_waiters_whose_data_the_layer_lacks():
    assert not {attribute for source in sources() for attribute in attributes_of(source)} & READ_MORE


# ------------------------------------------------------------------------------------------------ what is left


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """botocore's data, reduced."""
    folder = tmp_path_factory.mktemp("botocore") / "data"
    ours = [folder.name for folder in DATA.iterdir() if folder.is_dir() and folder.name not in OPERATIONS]
    shutil.copytree(DATA, folder, ignore=lambda _, names: [name for name in names if name in ours and name != "s3"])
    service_models.keep_what_is_called(folder)
    return folder


@cache
def session_with(data: Path | None) -> botocore.session.Session:
    """A session that reads this folder alone, or all of botocore's data."""
    session = botocore.session.Session()
    if data:
        session.get_component("data_loader").search_paths[:] = [str(data)]
    session.set_credentials("x", "x")
    return session


@cache
def client_of(service: str, data: Path | None, region: str = "eu-central-1") -> Any:
    return session_with(data).create_client(service, region)


@pytest.mark.parametrize("service", OPERATIONS)
def test_a_client_has_exactly_the_operations_that_are_kept(service: str, data: Path):
    assert set(client_of(service, data).meta.service_model.operation_names) == OPERATIONS[service]


def shape_of(shape: Any, seen: tuple[str, ...] = ()) -> Any:
    """All that botocore knows of a shape, down to its members."""
    if shape is None or shape.name in seen:
        return shape and shape.name
    below = (*seen, shape.name)
    parts: dict[str, Any] = {"members": {}, "member": None, "key": None, "value": None}
    parts["members"] = {name: shape_of(member, below) for name, member in getattr(shape, "members", {}).items()}
    for name in ("member", "key", "value"):
        parts[name] = shape_of(getattr(shape, name, None), below)
    return shape.name, shape.type_name, shape.serialization, shape.metadata, parts


@pytest.mark.parametrize(
    ("service", "operation"), [(service, name) for service, names in OPERATIONS.items() for name in sorted(names)]
)
def test_an_operation_is_sent_and_read_as_by_the_complete_model(service: str, operation: str, data: Path):
    ours, complete = (client_of(service, found).meta.service_model.operation_model(operation) for found in (data, None))

    assert shape_of(ours.input_shape) == shape_of(complete.input_shape)
    assert shape_of(ours.output_shape) == shape_of(complete.output_shape)
    assert [shape_of(error) for error in ours.error_shapes] == [shape_of(error) for error in complete.error_shapes]
    assert (ours.http, ours.auth_type, ours.idempotent_members) == (
        complete.http,
        complete.auth_type,
        complete.idempotent_members,
    )


@pytest.mark.parametrize("service", OPERATIONS)
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"])
def test_a_client_goes_to_the_same_address_as_with_all_data(service: str, region: str, data: Path):
    assert client_of(service, data, region).meta.endpoint_url == client_of(service, None, region).meta.endpoint_url


def test_documentation_is_dropped_but_a_member_of_that_name_is_kept():
    shape = {"documentation": "long", "members": {"documentation": {"shape": "Text", "documentation": "long"}}}

    assert service_models._without(("documentation",), [shape]) == [{"members": {"documentation": {"shape": "Text"}}}]


def test_no_documentation_is_left(data: Path):
    texts = [path.read_text() for path in data.rglob("*.json")]

    assert texts
    assert not [text for text in texts if '"documentation":"' in text]
