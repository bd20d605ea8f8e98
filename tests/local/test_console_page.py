"""The console's files: its two languages, and that no data can become markup or code."""

import json
import re

import pytest

from local import ROOT, banner
from local.banner import Access
from local.environment import Addresses
from topup.domain.holds import Overrun

STATIC = ROOT / "functions" / "console" / "static"
TEXTS = ("texts_en.js", "texts_zh.js")
# Keys that are made from values of the API or from kinds of things: `type_` + an entry's type.
PREFIXES = (
    *(
        "type_",
        "state_",
        "source_",
        "overrun_",
        "refund_",
        "role_",
        "dispute_",
        "stripe_",
        "problem_",
        "looked_for_",
        "list_",
        "now_",
        "release_",
        "differs_",
    ),
)


def source(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def scripts() -> list[str]:
    return sorted(file.name for file in STATIC.glob("*.js"))


def table(language: str) -> dict[str, str]:
    return dict(re.findall(r'^  (\w+): "(.*)",$', source(f"texts_{language}.js"), re.MULTILINE))


def test_the_page_has_no_inline_script_or_style_which_its_policy_would_block():
    page = source("index.html")

    assert all(not body.strip() for body in re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL))
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize("name", ["index.html", "style.css", *scripts()])
def test_nothing_is_loaded_from_elsewhere(name: str):
    assert not re.search(r"https?://|url\(|@import", source(name))


@pytest.mark.parametrize("name", scripts())
def test_no_script_turns_data_into_markup_or_code(name: str):
    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|setAttribute\(.style"
    assert not re.search(banned, source(name))


@pytest.mark.parametrize("name", scripts())
def test_modules_stay_small(name: str):
    lines = source(name).splitlines()

    assert lines[0].startswith("// ")  # what it is for
    assert len(lines) <= (400 if name in TEXTS else 150)


def test_the_page_loads_all_modules_at_once():
    loaded = re.findall(r'<link rel="modulepreload" href="/console/(.+)">', source("index.html"))

    assert loaded == [name for name in scripts() if name != "app.js"]


def test_every_file_is_used():
    everything = "\n".join(source(name) for name in ["index.html", *scripts()])
    everything = re.sub("<link rel=.modulepreload.*", "", everything)

    for file in STATIC.iterdir():
        assert file.name == "index.html" or re.search(rf'["/]{re.escape(file.name)}"', everything), file.name


def test_both_languages_have_the_same_texts_with_the_same_placeholders():
    english, chinese = table("en"), table("zh")

    assert len(english) > 50
    assert len(english) == len(re.findall(r"^  \w", source("texts_en.js"), re.MULTILINE))
    assert list(english) == list(chinese)
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", chinese[key])), key


def test_no_english_text_is_left_in_the_chinese_table():
    english = table("en")

    for key, text in table("zh").items():
        assert re.search(r"[\u4e00-\u9fff]", text), key
        assert text != english[key], key


def test_every_text_that_is_used_exists_and_every_text_is_used():
    code = "\n".join(source(name) for name in ["index.html", *scripts()] if name not in TEXTS)
    called = {key for arguments in re.findall(r"\bt\(([^()]*)", code) for key in re.findall(r'"(\w+)"', arguments)}
    made = {key for key in table("en") if key.startswith(PREFIXES)}
    named = {key for key in table("en") if f'"{key}"' in code}

    assert called <= set(table("en"))
    assert made | named == set(table("en"))


def test_every_value_of_the_api_has_a_text():
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    values = {
        "type_": schemas["TransactionType"]["enum"],
        "source_": schemas["Lot"]["properties"]["source"]["enum"],
        "state_": schemas["Payment"]["properties"]["status"]["enum"],
        "refund_": schemas["Refund"]["properties"]["status"]["enum"],
        "overrun_": [one.value for one in Overrun],
    }

    for prefix, expected in values.items():
        assert {f"{prefix}{value}" for value in expected} <= set(table("en"))


def test_the_english_in_the_page_is_that_of_the_table():
    english = table("en")

    for key, text in re.findall(r'data-i18n="(\w+)"[^>]*>([^<]*)<', source("index.html")):
        assert text == english[key], key


def test_the_stack_prints_a_link_that_signs_the_administrator_in():
    addresses = Addresses("http://localhost:8000", "http://localhost:8001", None, "http://localhost:3000", "")

    shown = banner.as_text(Access(addresses, user_token="u", admin_token="a.b.c", api_key="k"), 1.0)

    assert "  console        http://localhost:8000/console#token=a.b.c\n" in shown
