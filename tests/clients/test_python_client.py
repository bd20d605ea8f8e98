"""The Python client, clients/python: made from the document, it works against a running stack and can be installed."""

import re
import zipfile
from filecmp import dircmp
from pathlib import Path

from local import ROOT
from tests.clients.programs import DOCUMENT, PACKAGE, PYTHON, needs, run
from tools.generate import clients

README = (PACKAGE / "README.md").read_text(encoding="utf-8")


def differences(compared: "dircmp[str]") -> list[str]:
    found = [*compared.left_only, *compared.right_only, *compared.diff_files, *compared.funny_files]
    return [*found, *(name for inner in compared.subdirs.values() for name in differences(inner))]


@needs(PYTHON / "openapi-python-client")
def test_the_generated_code_is_that_of_the_document(tmp_path: Path):
    made = tmp_path / "generated"
    clients.generate_python(made)

    assert differences(dircmp(made, clients.PYTHON_CODE)) == [], f"{DOCUMENT.name} has changed: run `make clients`"


@needs(PYTHON / "pytest")
def test_its_own_tests_pass():
    output = run(PYTHON / "python", "-m", "pytest", "-p", "no:cacheprovider", "tests", cwd=PACKAGE)

    assert re.search(r"\d+ passed", output)
    assert "skipped" not in output


@needs(PYTHON / "mypy")
def test_its_types_are_right(tmp_path: Path):
    assert "Success" in run(PYTHON / "mypy", "--cache-dir", tmp_path, cwd=PACKAGE)


@needs(PYTHON / "pytest")
def test_it_works_against_a_running_stack(environment: dict[str, str]):
    output = run(PYTHON / "python", "-m", "pytest", "-p", "no:cacheprovider", "running", cwd=PACKAGE, **environment)

    assert re.search(r"\d+ passed", output)
    assert "skipped" not in output


@needs(PYTHON / "python")
def test_the_example_of_its_readme_prints_what_the_readme_says(tmp_path: Path, environment: dict[str, str]):
    [program] = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[:1]
    [printed] = re.findall(r"^```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[:1]
    example = tmp_path / "example.py"
    example.write_text(program, encoding="utf-8")
    variables = {"PROXY_API_KEY": environment["API_KEY"], "TOPUP_URL": environment["API_URL"]}
    variables |= {"USER_ID": environment["USER_ID"], "PYTHONPATH": str(PACKAGE)}

    assert run(PYTHON / "python", example, cwd=tmp_path, **variables) == printed


@needs(PYTHON / "hatchling")
def test_its_wheel_has_all_that_it_imports(tmp_path: Path):
    run(PYTHON / "hatchling", "build", "--target", "wheel", "--directory", tmp_path, cwd=PACKAGE)

    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "topup_client/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith("tests") for name in names)
    run(PYTHON / "python", "-c", "import topup_client", cwd=tmp_path, PYTHONPATH=str(wheel))


def test_its_licence_is_ours():
    assert (PACKAGE / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
