"""What the layers hold: enough for every function, nothing twice, and the same bytes whoever builds them."""

import ast
import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.bench import layers
from tools.build import layer as builder

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
LARGEST = 250 * 1024 * 1024  # bytes: a function and its layers, unpacked (AWS Lambda quotas)
UNCHECKED_HASH = b"\x01\x00\x00\x00"  # a .pyc's second word (PEP 552)
# Makers of clients: the service is their first argument.
MAKERS = {"client", "resource", "create_client"}
# Powertools makes clients of its own for these.
PROVIDERS = {
    "SSMProvider": "ssm",
    "SecretsProvider": "secretsmanager",
    "DynamoDBProvider": "dynamodb",
    "AppConfigProvider": "appconfigdata",
    "DynamoDBPersistenceLayer": "dynamodb",
}


# ------------------------------------------------------------------------------------------- what is taken along


def services_of(source: str) -> Iterator[str]:
    """The AWS services for which some code makes clients."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0] if node.args else None
        if name in MAKERS and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value
        if name in PROVIDERS:
            yield PROVIDERS[name]


def test_every_service_that_the_code_uses_is_kept():
    sources = [*(ROOT / "layers" / "topup").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    used = {service for path in sources for service in services_of(path.read_text())}

    missing = used - set(builder.SERVICES)
    assert not missing, f"add {sorted(missing)} to SERVICES in tools/build/layer.py: the layer lacks their models"
    unused = set(builder.SERVICES) - used
    assert not unused, f"nothing uses {sorted(unused)}: take it from SERVICES in tools/build/layer.py"


@pytest.mark.parametrize(
    "source", ['aws.client("s3", limits)', 'boto3.resource("s3")', 'session.create_client("s3")', 'client("s3")']
)
def test_a_client_is_found_however_it_is_made(source: str):
    assert list(services_of(source)) == ["s3"]


def test_a_service_that_powertools_uses_for_us_is_found():
    assert list(services_of("parameters.SecretsProvider()")) == ["secretsmanager"]


def test_a_models_texts_go_and_its_members_stay():
    shape = {"documentation": "long", "members": {"documentation": {"shape": "Text", "documentation": "long"}}}

    model = json.loads(json.dumps(shape), object_hook=builder._without_documentation)

    assert model == {"members": {"documentation": {"shape": "Text"}}}


def test_an_unknown_processor_is_refused(tmp_path: Path):
    built = make("DependenciesLayer", "dependencies", tmp_path, "riscv")

    assert built.returncode != 0
    assert "arm64 or x86_64" in built.stderr


# ------------------------------------------------------------------------------------------------ what is built


def make(layer: str, source: str, artifacts: Path, arch: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["make", "--silent", f"build-{layer}"],
        cwd=ROOT / "layers" / source,
        env=os.environ | {"LAMBDA_ARCH": arch, "ARTIFACTS_DIR": str(artifacts)},
        capture_output=True,
        text=True,
        check=False,
    )


def built(target: Path) -> tuple[Path, Path]:
    """Both layers for x86_64: Topup's and the dependencies'."""
    for layer, source in (("TopupLayer", "topup"), ("DependenciesLayer", "dependencies")):
        run = make(layer, source, target / layer, "x86_64")
        if "could not be installed" in run.stderr:
            pytest.skip(f"the packages cannot be fetched: {run.stderr.splitlines()[-2:]}")
        assert run.returncode == 0, run.stderr
    return target / "TopupLayer", target / "DependenciesLayer"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return built(tmp_path_factory.mktemp("layers"))


@pytest.fixture(scope="module")
def opt(both: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both layers where a function finds them."""
    return layers.unpack(both, tmp_path_factory.mktemp("opt"))


@pytest.fixture(scope="module")
def lambdas_python() -> str:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("the layer built here is for Linux on x86_64")
    return builder.lambdas_python() or pytest.skip(f"there is no Python {builder.PYTHON_VERSION}")


def run_with(opt: Path, python: str, code: str) -> str:
    """Run code in a fresh interpreter that has the layers, and nothing of this environment."""
    environment = {"PYTHONPATH": str(opt), "PYTHONDONTWRITEBYTECODE": "1", "AWS_DEFAULT_REGION": "us-east-1"}
    run = subprocess.run([python, "-S", "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_can_be_imported(function: str, opt: Path, lambdas_python: str):
    run_with(opt, lambdas_python, f"import runpy; runpy.run_path({str(ROOT / 'functions' / function / 'app.py')!r})")


def test_every_client_can_be_made(opt: Path, lambdas_python: str):
    code = """
from topup.runtime import parameter_store
from topup.store.client import client
from topup.stripe_gateway.client import http_client

client().get_paginator("query")
parameter_store._client()
http_client()
"""
    run_with(opt, lambdas_python, code)


def test_what_is_loaded_on_occasion_is_there(opt: Path, lambdas_python: str):
    run_with(opt, lambdas_python, "from cryptography.hazmat.primitives.serialization import load_pem_public_key")


def test_every_source_has_its_bytecode_once_and_it_names_no_time(opt: Path, lambdas_python: str):
    tag = run_with(opt, lambdas_python, "import sys; print(sys.implementation.cache_tag)").strip()
    sources = set(opt.rglob("*.py"))

    compiled = {path.parent.parent / f"{path.name.removesuffix(f'.{tag}.pyc')}.py" for path in opt.rglob("*.pyc")}

    assert compiled == sources
    assert all(path.read_bytes()[4:8] == UNCHECKED_HASH for path in opt.rglob("*.pyc"))


def test_nothing_is_taken_along_that_nothing_reads(opt: Path):
    assert sorted(path.name for path in (opt / "botocore" / "data").iterdir() if path.is_dir()) == ["dynamodb", "ssm"]
    for pattern in ("bin", "pip", "**/tests", "**/*.pyi", "**/py.typed", "*.dist-info"):
        assert not list(opt.glob(pattern)), pattern


def test_the_layers_fit_in_lambda(both: tuple[Path, Path]):
    assert sum(layers.size(layer).unzipped for layer in both) < LARGEST / 3


def test_two_builds_are_the_same_byte_for_byte(both: tuple[Path, Path], tmp_path: Path):
    again = built(tmp_path)

    for one, other in zip(both, again, strict=True):
        assert listing(one) == listing(other)
        assert digest_of_zip(one) == digest_of_zip(other)


def listing(layer: Path) -> list[tuple[str, int, float, str]]:
    """Every file with its mode, its time and its content."""
    return [
        (
            str(path.relative_to(layer)),
            path.stat().st_mode,
            path.stat().st_mtime,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(layer.rglob("*"))
    ]


def digest_of_zip(layer: Path) -> str:
    archive = layer.with_suffix(".zip")
    layers.zip_up(layer, archive)
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def test_without_lambdas_python_the_build_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(builder, "lambdas_python", lambda: None)

    builder.build_topup(ROOT / "layers" / "topup", tmp_path)

    assert (tmp_path / "python" / "topup" / "runtime" / "config.py").exists()
    assert not list(tmp_path.rglob("*.pyc"))
    assert capsys.readouterr().err.count("\n") == 1
