"""The helper that all property tests use: a seed draws the same examples, whatever else is loaded."""

import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples


def drawn(seed: int) -> list[int]:
    numbers: list[int] = []

    @examples(200, seed=seed)
    @given(st.integers(1, 10**6))
    def draw(number: int) -> None:
        numbers.append(number)

    draw()
    return numbers


def test_a_seed_draws_the_same_examples_whatever_modules_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    before = drawn(seed=3)
    path = tmp_path / "loaded_later.py"
    path.write_text("".join(f"NUMBER_{number} = {number}\n" for number in range(700_000, 700_050)))
    spec = importlib.util.spec_from_file_location("loaded_later", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "loaded_later", module)
    spec.loader.exec_module(module)

    assert drawn(seed=3) == before
    assert drawn(seed=4) != before
