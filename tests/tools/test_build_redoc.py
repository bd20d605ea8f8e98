"""Redoc, which draws the page of the API, as it is kept here: of the version that is named, and with our edits."""

import json

import pytest

from local import reference
from tools.build import redoc

ORIGINAL = " | ".join(before for before, _ in redoc.EDITS)
KEPT = (reference.STATIC / "redoc.js").read_text(encoding="utf-8")


def test_the_edits_take_out_what_would_be_loaded_from_elsewhere():
    edited = redoc.edited(ORIGINAL)

    assert not [before for before, _ in redoc.EDITS if before in edited]


@pytest.mark.parametrize(
    "source", [ORIGINAL + ORIGINAL, ORIGINAL.removeprefix(redoc.EDITS[0][0])], ids=["twice", "not"]
)
def test_a_version_that_is_written_differently_is_refused(source: str):
    with pytest.raises(redoc.NotAsExpectedError):
        redoc.edited(source)


def test_what_is_kept_is_the_named_version_with_the_edits_and_its_licence():
    assert f"Version: {redoc.VERSION}" in KEPT[:500]
    assert [KEPT.count(before) for before, _ in redoc.EDITS] == [0] * len(redoc.EDITS)
    assert "MIT License" in (reference.STATIC / redoc.LICENSE).read_text(encoding="utf-8")


def test_the_page_gets_the_document_as_it_is_or_with_another_server():
    prefix, kept = "const openapi = ", json.loads(reference.DOCUMENT.read_text(encoding="utf-8"))

    moved = json.loads(reference.data("http://localhost:8123").removeprefix(prefix).rstrip(";\n"))

    assert json.loads(reference.data().removeprefix(prefix).rstrip(";\n")) == kept
    assert moved["servers"][0]["variables"]["base_url"]["default"] == "http://localhost:8123"
    assert moved["paths"] == kept["paths"]
