"""The fixtures for pytest. The stack starts with the first test that asks for it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from topup_local.topup import Topup


@pytest.fixture(scope="session")
def topup_settings() -> Mapping[str, str]:
    """The stack's settings, as in .env.example; a conftest.py may have a fixture of this name with others."""
    return {}


@pytest.fixture(scope="session")
def topup_stack(topup_settings: Mapping[str, str]) -> "Iterator[Topup]":
    """One stack for all tests of this run, or of this worker of pytest-xdist; `topup` makes it quiet again."""
    import topup_local  # noqa: PLC0415 - not in runs that do not use it

    with topup_local.running(**topup_settings) as started:
        yield started


@pytest.fixture
def topup(topup_stack: "Topup") -> "Iterator[Topup]":
    """The stack, without another test's faults. Its clock goes on from where it is: take a new user for each test."""
    yield topup_stack
    topup_stack.calm()
