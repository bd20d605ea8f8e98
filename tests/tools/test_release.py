"""`make release`: what must be so before, and files that are the same wherever they are made."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from datetime import date
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from local import ROOT
from local.aws.intrinsics import read_yaml
from ops import stages
from tools.build import import_graph, layer, sbom
from tools.generate import clients
from tools.release import __main__ as command
from tools.release import archive, bundle, changelog, checks, packages, versions

CHANGELOG = """# Changelog

## [Unreleased]

### Added

- A thing.

## [0.1.0] - 2026-11-26

The first release.
"""
RELEASED = CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n## [0.2.0] - 2026-12-01\n")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository whose one commit is version 0.2.0."""
    folder = tmp_path / "checkout"
    for name in (*versions.PLACES, "clients/openapi.sha256"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    versions.write(folder, "0.2.0")
    (folder / "CHANGELOG.md").write_text(RELEASED)
    git(folder, "init", "--quiet")
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@shop.example", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Release")


def rewrite(checkout: Path, name: str, old: str, new: str) -> None:
    path = checkout / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    commit(checkout)


# ------------------------------------------------------------------------------------------------------ checks


def test_a_commit_that_is_the_version_can_be_released(checkout: Path):
    assert checks.to_release(checkout, "0.2.0") == []


@pytest.mark.parametrize("version", ["", "0.2", "v0.2.0", "0.02.0", "0.2.0-rc1"])
def test_what_is_no_version_is_refused(checkout: Path, version: str):
    assert checks.to_release(checkout, version) == [
        f"VERSION={version} is no version: use three numbers, such as VERSION=0.2.0"
    ]


def test_a_checkout_with_changes_is_refused(checkout: Path):
    (checkout / "CHANGELOG.md").write_text(RELEASED + "\n")
    (checkout / "new.py").touch()

    [problem] = checks.to_release(checkout, "0.2.0")

    assert problem == "the checkout has changes that are not committed: CHANGELOG.md, new.py"


@pytest.mark.parametrize("name", list(versions.PLACES))
def test_a_file_with_another_version_is_named(checkout: Path, name: str):
    rewrite(checkout, name, '"0.2.0"', '"0.1.0"')

    [problem] = checks.to_release(checkout, "0.2.0")

    assert problem.startswith(f"{name} says version 0.1.0, not 0.2.0: ")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("## [0.2.0] - 2026-12-01\n", "", "CHANGELOG.md has no section 0.2.0"),
        ("- A thing.\n", "", "CHANGELOG.md says nothing in its section 0.2.0"),
        ("2026-12-01", "soon", "CHANGELOG.md dates its section 0.2.0 by 'soon'"),
        ("## [0.1.0]", "## [0.3.0]", "0.2.0 is not newer than 0.3.0, the last one"),
    ],
)
def test_a_changelog_that_does_not_tell_of_the_version_is_refused(checkout: Path, old: str, new: str, says: str):
    rewrite(checkout, "CHANGELOG.md", old, new)

    [problem] = checks.to_release(checkout, "0.2.0")

    assert problem.startswith(says)


def test_a_version_that_was_released_stays_the_commit_that_it_was(checkout: Path):
    git(checkout, "tag", "-a", "v0.2.0", "-m", "0.2.0")
    assert checks.to_release(checkout, "0.2.0") == []
    commit(checkout)

    [problem] = checks.to_release(checkout, "0.2.0")

    assert problem.startswith("the tag v0.2.0 is on the commit ")


def test_a_tag_counts_as_a_version_too(checkout: Path):
    git(checkout, "tag", "v0.10.0")

    assert checks.to_release(checkout, "0.2.0") == ["0.2.0 is not newer than 0.10.0, the last one"]


def test_a_release_without_the_npm_package_has_to_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layer, "find_lambda_python", lambda: sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))

    [problem] = checks.of_this_machine(tmp_path, is_npm_needed=True)

    assert "WITHOUT_NPM=1" in problem
    assert checks.of_this_machine(tmp_path, is_npm_needed=False) == []


def test_layers_without_bytecode_are_not_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layer, "find_lambda_python", lambda: None)

    [problem] = checks.of_this_machine(tmp_path, is_npm_needed=False)

    assert problem.startswith("there is no Python 3.13")


def test_nothing_is_built_of_what_cannot_be_released(checkout: Path, capsys: pytest.CaptureFixture[str]):
    (checkout / "new.py").touch()

    assert command.main(["--version", "0.2.0"], checkout) == 1

    assert "\n  the checkout has changes that are not committed: new.py\n" in capsys.readouterr().err
    assert not (checkout / "release").exists()


# ----------------------------------------------------------------------------------------------------- prepare


def test_a_version_that_is_prepared_and_committed_can_be_released(checkout: Path):
    (checkout / "CHANGELOG.md").write_text(RELEASED.replace("[Unreleased]\n", "[Unreleased]\n\n- Another thing.\n"))

    assert command.main(["--version", "0.3.0", "--prepare"], checkout) == 0
    commit(checkout)

    assert checks.to_release(checkout, "0.3.0") == []
    made_from = (checkout / clients.MADE_FROM.relative_to(ROOT)).read_text()
    assert made_from == clients.digest(checkout / clients.DOCUMENT.relative_to(ROOT))


def test_what_is_unreleased_becomes_a_section_below_an_empty_one():
    text = changelog.released(CHANGELOG, "0.2.0", date(2026, 12, 1))

    assert text == RELEASED
    assert [(one.version, one.day) for one in changelog.sections(text)] == [
        ("Unreleased", ""),
        ("0.2.0", "2026-12-01"),
        ("0.1.0", "2026-11-26"),
    ]


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("0.2.0", "CHANGELOG.md has a section 0.2.0 already"),
        ("0.3.0", "CHANGELOG.md has nothing under Unreleased"),
        ("0.1.5", "0.1.5 is not newer than 0.2.0"),
        ("next", "VERSION=next is no version"),
    ],
)
def test_what_cannot_be_prepared_changes_nothing(
    checkout: Path, capsys: pytest.CaptureFixture[str], version: str, says: str
):
    assert command.main(["--version", version, "--prepare"], checkout) == 1

    assert says in capsys.readouterr().err
    assert (checkout / "CHANGELOG.md").read_text() == RELEASED
    assert set(versions.of(checkout).values()) == {"0.2.0"}


def test_every_file_of_this_checkout_says_the_same_version():
    assert len(set(versions.of(ROOT).values())) == 1


# ------------------------------------------------------------------------------------------------------- files


def test_the_checksums_are_those_that_sha256sum_makes(tmp_path: Path):
    (tmp_path / "b.txt").write_text("b")
    (tmp_path / "a.txt").write_text("a")

    sums = archive.write_sums(tmp_path).read_text()

    assert sums.splitlines()[0] == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a.txt"
    check = ["sha256sum", "--check", "--strict", archive.SUMS]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "b.txt").write_text("changed")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_an_archive_depends_on_nothing_but_content(tmp_path: Path):
    made = []
    for place, mode in (("one", 0o644), ("two", 0o600)):
        folder = tmp_path / place / "topup"
        (folder / "bin").mkdir(parents=True)
        for name, bits in (("bin/run", mode | 0o100), ("text", mode)):
            (folder / name).write_text(name)
            (folder / name).chmod(bits)
        archive.pack(folder, tmp_path / f"{place}.tar.gz", 1_800_000_000)
        made.append((tmp_path / f"{place}.tar.gz").read_bytes())

    assert made[0] == made[1]
    with tarfile.open(tmp_path / "one.tar.gz") as files:
        assert {member.name: member.mode for member in files} == {
            "topup": 0o755,
            "topup/bin": 0o755,
            "topup/bin/run": 0o755,
            "topup/text": 0o644,
        }
        assert {member.mtime for member in files} == {1_800_000_000}


def test_what_is_packed_does_not_depend_on_the_umask(tmp_path: Path):
    before = os.umask(0o077)
    try:
        packages._run([sys.executable, "-c", "open('made.js', 'w')"], tmp_path)
    finally:
        os.umask(before)

    assert (tmp_path / "made.js").stat().st_mode & 0o777 == 0o644


def test_a_package_that_cannot_be_made_is_named_with_what_its_tool_says(tmp_path: Path):
    with pytest.raises(packages.PackingError, match="cannot be packed: no such thing"):
        packages._run([sys.executable, "-c", "exit('no such thing')"], tmp_path)


def test_a_release_has_the_files_of_its_commit_alone(checkout: Path, tmp_path: Path):
    rewrite(checkout, "CHANGELOG.md", "A thing", "This thing")
    (checkout / "untracked.txt").touch()

    moment = command.export(checkout, tmp_path / "source")

    assert (tmp_path / "source/CHANGELOG.md").read_text() == (checkout / "CHANGELOG.md").read_text()
    assert not (tmp_path / "source/untracked.txt").exists()
    assert moment > 1_700_000_000


def test_the_notes_say_what_has_changed_and_what_each_file_is_for(checkout: Path, tmp_path: Path):
    for name in ("topup-0.2.0-arm64.tar.gz", "topup_client-0.2.0-py3-none-any.whl", "openapi.json"):
        (tmp_path / name).touch()

    notes = command.notes(checkout, tmp_path, "0.2.0")

    assert notes.startswith("# Topup 0.2.0, 2026-12-01\n")
    assert re.findall(r"^\| `([^`]+)`", notes, re.MULTILINE) == [
        "topup-0.2.0-*.tar.gz",
        "topup_client-0.2.0-*.whl",
        "openapi.json",
    ]
    assert notes.endswith("### Added\n\n- A thing.\n")


# ------------------------------------------------------------------------------------------------------ bundle


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an operator unpacks, without the layers."""
    folder = tmp_path_factory.mktemp("away") / "topup"
    bundle.copy(ROOT, folder, "9.9.9", "x86_64")
    return folder


def test_its_template_takes_its_own_processor_alone_and_its_code_lies_beside_it(unpacked: Path):
    template = read_yaml(unpacked / "template.yaml")
    checkouts = read_yaml(ROOT / "template.yaml")

    architecture = template["Parameters"]["Architecture"]
    assert (architecture["Default"], architecture["AllowedValues"]) == ("x86_64", ["x86_64"])
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            assert (unpacked / resource["Properties"]["CodeUri"] / "app.py").exists(), name
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            assert "Metadata" not in resource, "SAM would build it again"
            assert resource["Properties"]["ContentUri"].strip("/") == f"layers/{bundle.LAYERS[name]}"
    assert {**template["Resources"], "TopupLayer": 0, "DependenciesLayer": 0} == {
        **checkouts["Resources"],
        "TopupLayer": 0,
        "DependenciesLayer": 0,
    }


def test_its_stages_are_those_of_the_checkout_and_deploy_the_template_beside_them(unpacked: Path):
    there, here = stages.every(unpacked), stages.every(ROOT)

    assert [(one.name, one.stack, one.tracked) for one in there] == [(one.name, one.stack, one.tracked) for one in here]
    assert {one.template for one in there} == {unpacked / "template.yaml"}
    assert {one.template for one in here} == {ROOT / ".aws-sam/build/template.yaml"}


def test_its_commands_write_nothing_into_the_layers_which_are_deployed(unpacked: Path):
    makefile = (unpacked / "Makefile").read_text(encoding="utf-8")

    assert "\nexport PYTHONPATH := layers/topup/python\nexport PYTHONDONTWRITEBYTECODE := 1\n" in makefile


def test_its_makefile_has_the_operators_targets_and_each_finds_its_module(unpacked: Path):
    makefile = (unpacked / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))

    assert {"audit", "books", "deploy", "doctor", "find", "help", "import", "outputs", "secrets", "token"} <= targets
    assert not targets & {"run", "demo", "test", "build", "release", "bench-cold", "lint"}
    assert set(re.findall(r"\.PHONY: (.*)", makefile)[0].split()) == targets
    for target in sorted(targets):
        done = subprocess.run(
            ["make", "--dry-run", target],
            cwd=unpacked,
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": "/bin:/usr/bin"},
        )
        for module in re.findall(r"-m ([a-z.]+)", done.stdout):
            path = unpacked / module.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    recipes = subprocess.run(["make", "--dry-run", "audit"], cwd=unpacked, capture_output=True, text=True, check=True)
    assert "requirements-ops.txt" in recipes.stdout


def test_its_readme_speaks_of_what_is_there(unpacked: Path):
    text = (unpacked / "README.md").read_text(encoding="utf-8")
    makefile = (unpacked / "Makefile").read_text(encoding="utf-8")

    assert text.startswith("# Topup 9.9.9, for x86_64\n")
    for target in re.findall(r"\bmake ([a-z-]+)(?= [A-Z]+=)", text):
        assert f"\n{target}:" in makefile, target
    for path in re.findall(r"\]\(([^)#]+)", text):
        assert (unpacked / path).exists(), path
    block = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
    assert block
    deployment = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    for line in block[1].splitlines():
        assert f"\n{line}\n" in deployment, line


def test_whatever_operators_commands_import_is_there_or_in_their_lock(unpacked: Path):
    lock = (unpacked / "requirements-ops.txt").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    folders = {path.name: path for path in unpacked.iterdir() if path.name in bundle.CODE}
    code = {
        f"{top}.{name}".rstrip("."): path
        for top, folder in folders.items()
        for name, path in import_graph.modules_in(folder).items()
    }
    code |= import_graph.modules_in(ROOT / "layers/topup")
    owners = packages_distributions()
    modules = {**dict.fromkeys(owners, Path()), **code}

    for name in code:
        needed = {sbom.normal(owners[one][0]) for one in import_graph.imported_by(name, modules) - set(code)}
        assert needed <= locked, f"{name} imports what requirements-ops.txt does not have: run `make lock`"


def test_the_operators_packages_are_those_that_are_tested():
    pins = {
        name: set(re.findall(r"^([a-z0-9-]+==[^ ;]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements-ops.txt", "requirements-dev.txt")
    }

    assert pins["requirements-ops.txt"] <= pins["requirements-dev.txt"], "run `make lock`"


def test_a_template_that_has_changed_ends_the_release_instead_of_passing_unnoticed(tmp_path: Path):
    (tmp_path / "template.yaml").write_text("Parameters: {}\n")

    with pytest.raises(bundle.OutOfDateError, match=r"template\.yaml does not have '    Metadata"):
        bundle.template_for(tmp_path / "template.yaml", "arm64")
