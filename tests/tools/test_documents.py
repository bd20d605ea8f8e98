"""What the pages quote is there: commands, log messages, codes, alarms, links, files and names of the code."""

import ast
import json
import os
import re
import shlex
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from local import ROOT
from topup.api import problems
from topup.domain.checkout_options import CheckoutOptions

PAGES = [ROOT / "docs" / name for name in ("deploy.md", "troubleshooting.md", "cost.md")]
LINKED = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *(ROOT / "clients").glob("*/README.md")]
PACKAGE = ROOT / "layers" / "topup" / "topup"
SUFFIXES = ("py", "json", "md", "toml", "yaml")
SOURCES = "".join(
    path.read_text() for folder in ("layers/topup", "functions") for path in (ROOT / folder).rglob("*.py")
)
TEMPLATE = (ROOT / "template.yaml").read_text()


def quoted(pattern: str) -> set[str]:
    return {found for page in PAGES for found in re.findall(pattern, page.read_text(encoding="utf-8"))}


def anchors(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    named = re.findall(r'<a id="([^"]+)"></a>', text)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles} | set(named)


def code_of(page: Path) -> str:
    """The blocks of code of a page and the code within its lines, one below the other."""
    text = page.read_text(encoding="utf-8")
    blocks = r"^ *```\w*\n(.*?)^ *```$"
    within = re.findall(r"`([^`]+)`", re.sub(blocks, "", text, flags=re.MULTILINE | re.DOTALL))
    return "\n".join([*re.findall(blocks, text, re.MULTILINE | re.DOTALL), *(" ".join(one.split()) for one in within)])


def make_commands() -> set[tuple[str, str]]:
    """Each command of make that a page has: the target, and its variables as a shell reads them."""
    pattern = r"""(?:^|[&("] ?|[A-Z_]+=\S+ )make(?: -s)? ([a-z-]+)((?: [A-Z_]+=(?:"[^"\n]*"|[^\s")]+))*)(?=[\s")]|$)"""
    return {found for page in LINKED for found in re.findall(pattern, code_of(page), re.MULTILINE)}


def recipe(target: str, *variables: str) -> str:
    """What make would run. The environments, and what npm installs, count as they are."""
    command = ["make", "--dry-run", "--always-make", target, *variables]
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_every_make_command_is_a_target_that_reads_its_variables():
    commands = make_commands()

    assert len(commands) > 70
    for target, text in sorted(commands):
        variables = shlex.split(text)
        whole = recipe(target, *variables)
        for one in variables:
            without = recipe(target, *(other for other in variables if other != one))
            assert without != whole, f"make {target}{text}: {one} changes nothing"


def test_every_log_message_is_logged():
    messages = quoted(r'message = "([^"]+)"') | quoted(r"[Ll]og (?:line )?`([^`]+)`")
    listed = [re.findall(r'"([^"]+)"', found) for found in quoted(r"message in \[([^\]]+)\]")]
    for message in messages.union(*listed):
        assert f'"{message}"' in SOURCES, message


def test_every_error_code_exists():
    codes = {error.code for error in problems.STATUS_OF} | {"internal_error"}

    assert quoted(r"(?:40\d|50\d|42\d) `([a-z_]+)`") | quoted(r'code = "([a-z_]+)"') <= codes


def test_every_alarm_is_in_the_template():
    for alarm in quoted(r"`(\w+Alarm)`"):
        assert f"  {alarm}:" in TEMPLATE, alarm


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path):
    for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"


def names_of(path: Path) -> set[str]:
    """Everything that a module defines or imports, the members of its classes too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.ImportFrom(names=names):
                found |= {alias.asname or alias.name for alias in names}
    return found


def test_every_file_and_name_of_the_glossary_is_in_the_code():
    rows = [
        row for row in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines() if row.startswith("| **")
    ]
    cited = [quoted for row in rows for quoted in re.findall(r"`([^`]+)`", row.rsplit("|", 2)[1])]
    assert len(cited) >= len(rows)
    for path, _, name in (citation.partition(":") for citation in cited):
        file = next((folder / path for folder in (PACKAGE, ROOT) if (folder / path).exists()), None)
        assert file, path
        assert not name or name in names_of(file), f"{path}:{name}"


def test_every_name_of_the_architecture_is_in_the_code():
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    cited = [pair for pair in re.findall(r"`(\w+)\.(\w+)`", page) if pair[1] not in SUFFIXES]
    assert cited
    for module, name in cited:
        files = [*PACKAGE.rglob(f"{module}.py"), *PACKAGE.glob(f"{module}/__init__.py")]
        assert any(name in names_of(file) for file in files), f"{module}.{name}"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_every_file_that_a_page_names_exists(page: str):
    text = (ROOT / page).read_text(encoding="utf-8")
    for path in re.findall(rf"`([\w./]+(?:/|\.(?:{'|'.join(SUFFIXES)})))`", text):
        assert (PACKAGE / path).exists() or (ROOT / path).exists(), path


def test_the_index_lists_every_decision_with_its_title_date_and_status():
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    for record in sorted((ROOT / "docs/decisions").glob("[0-9]*.md")):
        text = record.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 40, record.name
        head = re.match(r"# (\d+)\. (.+)\n\n\*\*Status\.\*\* (.+), (\d{4}-\d\d-\d\d)\.\n", text)
        assert head, record.name
        number, title, status, date = head.groups()
        assert f"| {number} | [{title}]({record.name}) | {date} | {status.lower()} |\n" in index, record.name


def test_the_page_of_the_catalogue_has_every_option_of_checkout_with_its_default():
    text = (ROOT / "docs/catalogue.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", text, re.MULTILINE))

    assert {name: json.loads(default) for name, default in rows.items()} == asdict(CheckoutOptions())


def test_no_variable_that_a_command_takes_is_one_that_the_makefile_sets() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    taken = set(re.findall(r"\$\((?:if|or) \$\((\w+)\)", text))
    assert {"STACK", "CLIENTS", "SEEDS"} <= taken

    assert taken & set(re.findall(r"^(?:export )?(\w+) :?=", text, re.MULTILINE)) == set()
