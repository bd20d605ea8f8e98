"""What tests of several commands need."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from local import ROOT
from tests.ops.terminal import Operator


@pytest.fixture
def operator(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    (tmp_path / "samconfig.toml").write_text((ROOT / "samconfig.toml").read_text())
    with mock_aws():
        yield Operator(tmp_path, capsys, monkeypatch)
