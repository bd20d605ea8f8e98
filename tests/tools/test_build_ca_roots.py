"""What the layers' build leaves of the bundles of certificate authorities."""

import ssl
from pathlib import Path

import botocore
import pytest

from tools.build import ca_roots

SHIPPED = Path(botocore.__file__).with_name("cacert.pem")


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A layer's folder with the bundle as botocore ships it."""
    (tmp_path / ca_roots.BUNDLE).parent.mkdir()
    (tmp_path / ca_roots.BUNDLE).write_text(SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def names_in(bundle: Path) -> set[str]:
    """The common names of the authorities that a TLS connection with this bundle trusts."""
    context = ssl.create_default_context(cafile=str(bundle))
    subjects = [dict(part[0] for part in one["subject"]) for one in context.get_ca_certs()]  # type: ignore[misc]
    return {subject.get("commonName", "") for subject in subjects}


def test_the_bundle_trusts_exactly_amazons_authorities(python: Path):
    ca_roots.keep_amazons_roots(python)

    assert names_in(python / ca_roots.BUNDLE) == set(ca_roots.AMAZONS)


def test_a_bundle_that_lacks_an_authority_ends_the_build(python: Path):
    ca_roots.keep_amazons_roots(python)
    bundle = python / ca_roots.BUNDLE
    bundle.write_text(bundle.read_text().partition("# Amazon Root CA 4")[0])

    with pytest.raises(SystemExit, match=r"lacks Amazon Root CA 4, Starfield Services"):
        ca_roots.keep_amazons_roots(python)


def test_a_certificate_is_known_by_its_digest_not_by_the_name_above_it(python: Path):
    ca_roots.keep_amazons_roots(python)
    bundle = (python / ca_roots.BUNDLE).read_text()
    first = bundle.partition("# Amazon Root CA 2")[0]
    of_another_root = first.replace("Amazon Root CA 1", "Amazon Root CA 2")

    with pytest.raises(SystemExit, match="lacks Amazon Root CA 2"):
        ca_roots.amazons_of(first + of_another_root)


def test_all_authorities_stay_where_the_build_is_told_so(python: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LAMBDA_ROOTS", "all")

    ca_roots.keep_amazons_roots(python)

    assert (python / ca_roots.BUNDLE).read_text(encoding="utf-8") == SHIPPED.read_text(encoding="utf-8")


def test_another_choice_ends_the_build(python: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LAMBDA_ROOTS", "amazn")

    with pytest.raises(SystemExit, match="LAMBDA_ROOTS=amazn"):
        ca_roots.keep_amazons_roots(python)
