"""What tests of several commands need."""

import json
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from local import ROOT
from local.in_process.shop import Shop
from ops import cli, opened
from ops.audit.tables import Now
from tests.ops.terminal import Operator


@pytest.fixture
def operator(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    (tmp_path / "samconfig.toml").write_text((ROOT / "samconfig.toml").read_text())
    with mock_aws():
        yield Operator(tmp_path, capsys, monkeypatch)


class Terminal:
    """Runs commands on the shop; `out` and `err` are what the last one printed, `code` its exit code."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.code, self.out, self.err = 0, "", ""

    def run(self, *arguments: str) -> int:
        self._capsys.readouterr()  # what the shop has logged
        self.code = cli.main([*arguments])
        self.out, self.err = self._capsys.readouterr()
        return self.code

    def json(self, *arguments: str) -> Any:
        """What the command prints with --json."""
        self.run(*arguments, "--json")
        return json.loads(self.out)


@pytest.fixture
def terminal(shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """The shop stands for the stack that the command line names."""

    @contextmanager
    def stack(_options: Namespace, *, with_stripe: bool = True) -> Iterator[Now]:
        with opened.logs_on_stderr():
            yield lambda: shop.now

    monkeypatch.setattr(opened, "stack", stack)
    return Terminal(capsys)
