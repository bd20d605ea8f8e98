"""The layers hold what every function needs, nothing that is not read, and the same bytes on every build."""

import hashlib
import json
import marshal
import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import packages_distributions
from pathlib import Path

import pydantic
import pytest

from local.aws.intrinsics import read_yaml
from tools.bench import layers
from tools.build import ca_roots, import_graph, sbom, typing_names
from tools.build import layer as builder

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
LARGEST = 250 * 1024 * 1024  # bytes: a function and its layers, unpacked (AWS Lambda quotas)
UNCHECKED_HASH = b"\x01\x00\x00\x00"  # a .pyc's second word (PEP 552)


# ------------------------------------------------------------------------------------------- what is included


def test_an_unknown_processor_is_rejected(tmp_path: Path):
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
    """Build both layers for x86_64: Topup's and the dependencies'."""
    for layer, source in (("TopupLayer", "topup"), ("DependenciesLayer", "dependencies")):
        run = make(layer, source, target / layer, "x86_64")
        if "could not be installed" in run.stderr:
            pytest.skip(f"the packages cannot be fetched: {run.stderr.splitlines()[-2:]}")
        assert run.returncode == 0, run.stderr
        assert "is not prepared" not in run.stderr
    return target / "TopupLayer", target / "DependenciesLayer"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return built(tmp_path_factory.mktemp("layers"))


@pytest.fixture(scope="module")
def opt(both: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both layers in one folder, as a function finds them."""
    return layers.unpack(both, tmp_path_factory.mktemp("opt"))


@pytest.fixture(scope="module")
def lambda_python() -> str:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("this layer is for Linux on x86_64")
    return builder.find_lambda_python() or pytest.skip(f"there is no Python {builder.PYTHON_VERSION}")


def run_with(opt: Path, python: str, code: str) -> str:
    """Run code in a fresh interpreter with the layers, as on Lambda, and nothing of this environment."""
    environment = {
        "PYTHONPATH": str(opt),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }
    run = subprocess.run([python, "-S", "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_can_be_imported(function: str, opt: Path, lambda_python: str):
    run_with(opt, lambda_python, f"import runpy; runpy.run_path({str(ROOT / 'functions' / function / 'app.py')!r})")


def test_every_client_can_be_created(opt: Path, lambda_python: str):
    code = """
from topup.runtime import event_bus, parameter_store
from topup.store.client import client
from topup.stripe_gateway.client import http_client

client()
event_bus.client()
parameter_store._client()
http_client()
"""
    run_with(opt, lambda_python, code)


def test_making_clients_loads_nothing_that_only_documents(opt: Path, lambda_python: str):
    code = """
import sys
from topup.store.client import client
made = client()
print({"html.parser", "importlib.metadata", "zipfile"} & set(sys.modules), made.get_item.__doc__)
"""
    assert run_with(opt, lambda_python, code).strip() == "set()"


def test_aws_is_checked_against_amazons_authorities_alone_and_stripe_against_its_librarys(
    opt: Path, lambda_python: str
):
    code = """
import ssl
import stripe
from botocore.httpsession import get_cert_path
for bundle in (get_cert_path(True), stripe.ca_bundle_path):
    print(len(ssl.create_default_context(cafile=bundle).get_ca_certs()))
"""
    aws, of_stripe = map(int, run_with(opt, lambda_python, code).split())

    assert aws == len(ca_roots.AMAZONS)
    assert of_stripe > aws


def test_most_of_a_start_is_imported_from_bundles(opt: Path, lambda_python: str):
    code = f"""
import sys
import topup.store
below = lambda module: (getattr(module, "__file__", None) or "").startswith({str(opt)!r})
loaded = {{name: type(module.__loader__).__module__ for name, module in sys.modules.items() if below(module)}}
print(len(loaded), *sorted(name for name, found in loaded.items() if "." in name and found != "topup.runtime.bundles"))
"""
    number, *others = run_with(opt, lambda_python, code).split()

    assert int(number) > 150
    assert others == ["topup.runtime", "topup.runtime.bundles"]


@pytest.mark.parametrize("function", ["get_credits", "cancel_checkout", "spend_credits"])
def test_a_start_loads_no_types_for_older_pythons_and_no_search_in_answers(
    function: str, opt: Path, lambda_python: str
):
    app = str(ROOT / "functions" / function / "app.py")
    code = f"""
import runpy, sys
runpy.run_path({app!r})
print({{"typing_extensions", "jmespath.parser"}} & set(sys.modules))
"""
    assert run_with(opt, lambda_python, code).strip() == "set()"


def test_lambdas_python_has_the_names_that_packages_import_from_it(opt: Path, lambda_python: str):
    code = f"""
import importlib
import typing_extensions
for name, home in {dict(typing_names.HOMES)}.items():
    if getattr(importlib.import_module(home), name) is not getattr(typing_extensions, name):
        print(name)
"""
    # These are there in the form of a later Python; the layer's packages use none of what is new.
    assert run_with(opt, lambda_python, code).split() == ["Protocol", "TypedDict", "deprecated"]


def test_what_is_imported_late_is_there(opt: Path, lambda_python: str):
    # cryptography finds the compiled half of cffi itself.
    run_with(opt, lambda_python, "from cryptography.hazmat.primitives.serialization import load_pem_public_key")
    run_with(opt, lambda_python, "from cryptography.hazmat.bindings.openssl.binding import Binding; Binding.lib")


# Imports of what is left out, by the modules that make them, and why no function comes to such a line.
NEVER_MADE = {
    ("aws_lambda_powertools.shared.functions", "aws_lambda_powertools.event_handler"): (
        "writes a pydantic model into a log; our logger writes its own JSON"
    ),
    ("aws_lambda_powertools.utilities.data_classes.code_pipeline_job_event", "boto3"): (
        "reads the artifacts of a CodePipeline"
    ),
    ("stripe._http_client", "requests"): "its own client, if requests is there; ours is stripe_gateway/http_client.py",
    ("botocore.httpsession", "certifi"): "without it botocore takes its own bundle of certificate authorities",
    ("urllib3.util.url", "idna"): "for addresses with letters beyond ASCII; AWS and Stripe have none",
    ("botocore.httpsession", "urllib3.contrib"): "another TLS, if its package is there; Python's own has all it needs",
    ("dateutil.tz.tz", "dateutil.tz"): "time zones of Windows, if this is Windows",
    ("pydantic._internal._generate_schema", "pydantic.v1"): "recognizes a type that was written for pydantic 1",
}


def test_nothing_that_is_left_imports_what_is_left_out(opt: Path):
    ours = {
        name
        for name, owners in packages_distributions().items()
        if {sbom.normal(one) for one in owners} & locked().keys()
    }
    installed = import_graph.modules_in(Path(pydantic.__file__).parents[1])
    complete = {name: path for name, path in installed.items() if name.split(".")[0] in ours}
    left = {**import_graph.modules_in(opt), **import_graph.modules_in(ROOT / "functions")}

    gone = {
        (module, ".".join(name.split(".")[:2]))
        for module in left
        for name in import_graph.imported_by(module, {**complete, **left}) - set(left)
    }

    assert set(complete) - set(left)
    assert gone - set(NEVER_MADE) == set(), "keep it, or say in NEVER_MADE why no function imports it"
    assert set(NEVER_MADE) - gone == set(), "nothing imports this any more"


def test_every_source_has_bytecode_that_holds_no_time(opt: Path, lambda_python: str):
    tag = run_with(opt, lambda_python, "import sys; print(sys.implementation.cache_tag)").strip()
    sources = set(opt.rglob("*.py"))

    compiled = [path.parent.parent / f"{path.name.removesuffix(f'.{tag}.pyc')}.py" for path in opt.rglob("*.pyc")]
    bundles = [marshal.loads(path.read_bytes()) for path in opt.glob(f"*.{tag}.bundle")]
    bundled = [opt / path for bundle in bundles for path, _ in bundle.values()]

    assert sorted(compiled + bundled) == sorted(sources)
    assert all(path.read_bytes()[4:8] == UNCHECKED_HASH for path in opt.rglob("*.pyc"))


def test_files_that_nothing_reads_are_left_out(opt: Path):
    assert sorted(path.name for path in (opt / "botocore" / "data").iterdir() if path.is_dir()) == [
        "dynamodb",
        "events",
        "ssm",
    ]
    for pattern in ("bin", "pip", "**/tests", "**/*.pyi", "**/py.typed", "*.dist-info/RECORD"):
        assert not list(opt.glob(pattern)), pattern


def locked() -> dict[str, str]:
    """The versions of the layer's packages, by their names on PyPI."""
    text = (ROOT / "layers/dependencies/requirements.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ;]+)", text, re.MULTILINE))


def test_scanners_find_every_package_by_its_metadata_and_in_the_bill_of_materials(both: tuple[Path, Path]):
    _, dependencies = both
    document = json.loads((dependencies / sbom.DOCUMENT).read_text())
    found = {
        sbom.normal(sbom.metadata_of(folder)["Name"]): sbom.metadata_of(folder)["Version"]
        for folder in (dependencies / "python").glob("*.dist-info")
    }

    assert found
    assert found.items() <= locked().items()
    assert {one["name"]: one["version"] for one in document["components"]} == found
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    lock = (ROOT / "layers/dependencies/requirements.txt").read_text()
    for one in document["components"]:
        assert one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}"
        assert f"--hash=sha256:{one['hashes'][0]['content']}" in lock, one["name"]
        assert one["licenses"], one["name"]


def test_no_cold_start_searches_the_metadata_for_plugins():
    variables = read_yaml(ROOT / "template.yaml")["Globals"]["Function"]["Environment"]["Variables"]

    assert variables["PYDANTIC_DISABLE_PLUGINS"] == "true"


def test_licences_are_deployed_with_what_they_license(opt: Path):
    with_text = {path.relative_to(opt).parts[0] for path in opt.glob("*.dist-info/**/*") if path.name != "METADATA"}

    assert len(with_text) > len(list(opt.glob("*.dist-info"))) / 2
    assert sum(path.stat().st_size for path in opt.glob("*.dist-info/METADATA")) < 100_000  # fields, no descriptions


def test_the_layers_fit_in_lambda(both: tuple[Path, Path]):
    assert sum(layers.size(layer).unzipped for layer in both) < LARGEST / 3


def test_two_builds_give_the_same_bytes(both: tuple[Path, Path], tmp_path: Path):
    again = built(tmp_path)

    for one, other in zip(both, again, strict=True):
        assert listing(one) == listing(other)
        assert digest_of_zip(one) == digest_of_zip(other)


def listing(layer: Path) -> list[tuple[str, int, float, str]]:
    """Every file with its mode, time and content."""
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


def test_a_catalogue_that_the_functions_would_refuse_ends_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # What a developer tries on the local stack is not what is deployed.
    monkeypatch.setenv("CATALOGUE_FILE", str(ROOT / "local" / "example_catalogue.json"))
    source = tmp_path / "source"
    shutil.copytree(ROOT / "layers" / "topup" / "topup", source / "topup")
    catalogue = source / "topup" / "catalogue.json"
    catalogue.write_text(catalogue.read_text(encoding="utf-8").replace("1100,", '"1100",'), encoding="utf-8")

    with pytest.raises(SystemExit) as ended:
        builder.build_topup(source, tmp_path / "artifacts")

    says = "The catalogue cannot be deployed: catalogue.json: packages.standard.credits: must be a whole number"
    assert str(ended.value).startswith(says)


def test_without_lambdas_python_the_build_warns_and_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(builder, "find_lambda_python", lambda: None)

    builder.build_topup(ROOT / "layers" / "topup", tmp_path)

    assert (tmp_path / "python" / "topup" / "runtime" / "config.py").exists()
    assert not list(tmp_path.rglob("*.pyc"))
    assert capsys.readouterr().err.count("\n") == 1
