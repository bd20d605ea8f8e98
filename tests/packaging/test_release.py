"""The archive of a release, unpacked where there is no repository: its README's lines deploy a stack that sells."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import ROOT
from tests.support.clone import lend_environments
from tests.support.operator import IN_FRONT, Operator, at_work
from tools.deploy_local import emulator, sam, workarounds
from tools.release import archive, bundle

VERSION = "9.9.9"
MOMENT = 1_800_000_000  # seconds since 1970
CATALOGUE = Path("layers/topup/python/topup/catalogue.json")
DEPLOY = "make deploy STAGE=staging FRONTEND=https://shop.example ALERT=you@shop.example"

missing = emulator.missing()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an operator has: the archive for this machine's processor, in a folder of its own."""
    made, away = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("away")
    folder = made / f"topup-{VERSION}"
    bundle.make(ROOT, folder, VERSION, sam.architecture())
    archive.pack(folder, made / "topup.tar.gz", MOMENT)
    with tarfile.open(made / "topup.tar.gz") as files:
        files.extractall(away, filter="data")
    return away / folder.name


@pytest.fixture(scope="module")
def operator(unpacked: Path) -> Iterator[Operator]:
    """Has edited the catalogue, and followed the README."""
    page = (unpacked / "README.md").read_text(encoding="utf-8") + (unpacked / "docs/deploy.md").read_text("utf-8")
    lend_environments(unpacked)
    workarounds.replace_metric_math(unpacked / "template.yaml")
    catalogue = json.loads((unpacked / CATALOGUE).read_text(encoding="utf-8"))
    catalogue["packages"]["of-this-shop"] = catalogue["packages"]["standard"]
    (unpacked / CATALOGUE).write_text(json.dumps(catalogue), encoding="utf-8")
    with at_work("staging", unpacked, page) as operator:
        operator.pastes("make secrets STAGE=staging", answers=f"{operator.stripe_key}\n\n\n")
        operator.pastes(DEPLOY)
        workarounds.allow_every_parameter(operator.stack)
        # The README's line would name AWS's own address of the webhook, which the emulator does not have.
        operator.pastes(f"make stripe-webhook URL={IN_FRONT} PREFIX=/topup/staging APPLY=1")
        yield operator


def test_it_holds_nothing_of_the_repository_but_what_its_readme_is_about(unpacked: Path):
    assert not [path for path in unpacked.rglob("*") if path.suffix in (".pyc", ".zip") and "layers" not in path.parts]
    assert {path.name for path in unpacked.iterdir() if not path.name.startswith(".")} == {
        *("README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md", "Makefile", "samconfig.toml", "template.yaml"),
        *("dashboard.yaml", "docs", "functions", "layers", "local", "ops", "requirements-ops.txt"),
        *("requirements-sam.txt", "tools"),
    }


def test_the_deployed_stack_sells_what_the_edited_catalogue_has(operator: Operator):
    operator.sells(operator.stored())

    assert "1 users, 1 entries, 1 lots, 1 payments: no violations" in operator.pastes("make audit STACK=topup-staging")
    listed = operator.stack.invoke(operator.stack.physical_id("ListPackagesFunction"), {})
    assert "of-this-shop" in json.loads(listed["body"])["packages"]


def test_doctor_finds_nothing_but_what_the_emulator_lacks(operator: Operator):
    assert operator.problems() == []


def test_a_wrong_catalogue_is_not_deployed(operator: Operator):
    path = operator.folder / CATALOGUE
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("1100", '"1100"'), encoding="utf-8")
    try:
        refused = operator.refused("make deploy STAGE=staging")
    finally:
        path.write_text(before, encoding="utf-8")

    assert "the catalogue cannot be deployed: catalogue.json: packages.standard.credits" in refused


def test_the_other_processor_is_refused(operator: Operator):
    other = "arm64" if sam.architecture() == "x86_64" else "x86_64"

    assert f"Architecture: '{other}' is none of" in operator.refused(
        f"make deploy STAGE=staging SET=Architecture={other}"
    )
