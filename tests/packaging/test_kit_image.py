"""The test kit's image: built from kit/Dockerfile, started, and used through its published ports."""

import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import httpx
import pytest

from local import ROOT, settings
from local.client import Client, document, poll
from tests.support import wheel

# On this machine there may be no network, so the image is built on Lambda's, with the packages that are installed here.
LAMBDA = "public.ecr.aws/lambda/python:3.13"
BASE, IMAGE = "topup-local-test-base", "topup-local-test"
PORTS = (8000, 12111)


def missing() -> str | None:
    """What the image needs and this machine lacks; None if nothing."""
    if wheel.MISSING:
        return wheel.MISSING
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "no Docker engine"
    if subprocess.run(["docker", "image", "inspect", LAMBDA], capture_output=True, check=False).returncode:
        return f"no image {LAMBDA}"
    return None


pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def docker(*arguments: object) -> str:
    command = ["docker", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def copy_of_packages(names: set[str], folder: Path) -> None:
    """The files of these distributions, as they are installed here."""
    for name in names:
        for file in metadata.files(name) or []:
            target = folder / file
            if ".." not in file.parts and file.suffix != ".pyc":
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), target)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make kit` leaves in kit/, and the base image."""
    folder = tmp_path_factory.mktemp("kit")
    shutil.copy(ROOT / "kit/Dockerfile", folder)
    built = wheel.build(folder / "dist")
    base = tmp_path_factory.mktemp("base")
    copy_of_packages(wheel.with_what_they_need(wheel.requirements(built)) | {"pip"}, base / "packages")
    site = "/var/lang/lib/python3.13/site-packages"
    (base / "Dockerfile").write_text(
        f"FROM {LAMBDA}\nCOPY packages {site}\nENV PIP_NO_INDEX=1 LD_LIBRARY_PATH=/var/lang/lib\n", encoding="utf-8"
    )
    docker("build", "-q", "-t", BASE, base)
    return folder


@pytest.fixture(scope="module")
def addresses(context: Path) -> Iterator[dict[int, str]]:
    """Where a container of the image is reached, by its own ports."""
    docker("build", "-q", "-t", IMAGE, "--build-arg", f"PYTHON_IMAGE={BASE}", context)
    container = docker("run", "-d", *(f"-p127.0.0.1::{port}" for port in PORTS), IMAGE)
    try:
        yield {port: f"http://{docker('port', container, port).splitlines()[0]}" for port in PORTS}
        docker("stop", container)
        assert docker("inspect", "-f", "{{.State.ExitCode}}", container) == "0"
    finally:
        docker("rm", "-f", "-v", container)
        docker("image", "rm", "-f", IMAGE, BASE)


def is_ready(api: str) -> bool:
    try:
        return httpx.get(f"{api}/api/payments/packages", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def test_credits_are_bought_in_the_container(addresses: dict[int, str]):
    api, stripe = (addresses[port] for port in PORTS)
    poll(lambda: is_ready(api), bool, "the container serves the API", seconds=60, every=0.2)
    with httpx.Client(trust_env=False, timeout=30) as http:
        client = Client(api, stripe, settings.load(ROOT, {}, dotenv=False).values, http.request)
        payment = document(client.api.create("user-1", key="order-1"))
        client.stripe.pay(payment)
        poll(lambda: document(client.api.credits("user-1"))["balance"], bool, "the credits arrive")

        assert document(client.api.credits("user-1"))["balance"] == 1100
