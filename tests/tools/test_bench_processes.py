"""What the benchmarks measure of a process: a small function with a small layer, started as the real ones are."""

import json
import sys
from pathlib import Path

import pytest

from tools.bench.process import Deployed, Start, Warm, count_reads, start_cold
from tools.bench.tls import Authority

APP = """
import ssl
from pathlib import Path
import package

print("a line of the log")
ssl.create_default_context(cafile=package.BUNDLE)


def handler(event, context):
    return {"statusCode": event["status"], "body": package.TEXT}
"""
PACKAGE = """
from pathlib import Path

HERE = Path(__file__).parent
BUNDLE = HERE / "roots.pem"
TEXT = (HERE / "text.txt").read_text() + (HERE / "text.txt").read_text()
"""


@pytest.fixture
def deployed(tmp_path: Path) -> Deployed:
    task, layers = tmp_path / "task", tmp_path / "layers"
    task.mkdir()
    (layers / "package").mkdir(parents=True)
    (task / "app.py").write_text(APP)
    (layers / "package" / "__init__.py").write_text(PACKAGE)
    (layers / "package" / "text.txt").write_text("a text")
    (layers / "package" / "roots.pem").write_text(Authority().root)
    (layers / "package" / "unread.txt").write_text("another text")
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"status": 200}))
    return Deployed(sys.executable, task, layers, event, {})


def test_a_start_tells_the_initialisation_from_the_first_request(deployed: Deployed):
    start = start_cold(deployed)

    assert start.wall > 0
    assert start.init > 0
    assert start.first >= 0
    assert start.cpu == start.init + start.first


def test_on_lambda_only_the_first_request_has_a_part_of_a_processor():
    start = Start(wall=9, init=0.2, first=0.05)

    assert start.on_lambda(memory=1024) == pytest.approx(0.2 + 0.05 / 0.579, rel=0.001)
    assert start.on_lambda(memory=1769) == pytest.approx(0.25)
    assert start.on_lambda(memory=3538) == pytest.approx(0.25), "a second processor does not help one thread"


def test_what_a_start_reads_of_its_layers_counts_once_with_the_bundle_that_openssl_opens(deployed: Deployed):
    package = deployed.layers / "package"

    reads = count_reads(deployed)

    read = [package / name for name in ("__init__.py", "text.txt", "roots.pem")]
    assert (reads.files, reads.bytes) == (3, sum(path.stat().st_size for path in read))


def test_a_response_that_should_not_be_ends_the_command(deployed: Deployed):
    deployed.event.write_text(json.dumps({"status": 409}))

    with pytest.raises(SystemExit, match="rejected the event"):
        start_cold(deployed)


def test_a_warm_process_answers_for_every_number_of_calls(deployed: Deployed):
    process = Warm(deployed)
    try:
        assert [process.call(times) >= 0 for times in (1, 10)] == [True, True]
    finally:
        process.end()
