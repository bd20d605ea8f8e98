"""A root of the benchmark's own, and the certificate of its server: AWS and Stripe answer over TLS, as they do really.

The root is appended to the bundles of roots in the built layers. So each connection loads a bundle that is as long as
the one that is deployed.
"""

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

ADDRESS = ipaddress.ip_address("127.0.0.1")
BUNDLES = (".pem", ".crt")
BEGIN = "-----BEGIN CERTIFICATE-----"
VALID_FOR = datetime.timedelta(days=2)  # of one run; a day before, for clocks that were set


class Authority:
    """A new root, and a server's certificate that it has signed. RSA of 2048 bits, as AWS's own certificates have."""

    def __init__(self) -> None:
        self._root_key, self._key = _new_key(), _new_key()
        self._root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Topup's benchmark")])
        self._root = self._signed(self._root_name, self._root_key, is_root=True)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(ADDRESS))])
        self._certificate = self._signed(name, self._key, is_root=False)

    @property
    def root(self) -> str:
        """The root's certificate, PEM."""
        return self._root.public_bytes(serialization.Encoding.PEM).decode()

    def server_context(self, folder: Path) -> ssl.SSLContext:
        """What a server needs to answer as ADDRESS. Its key is written into `folder`, because Python reads it there."""
        file = folder / "server.pem"
        private = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + self._certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def append_to_bundles(self, folder: Path) -> list[Path]:
        """Make the packages below `folder` trust this root, and return the bundles that did not have it yet."""
        changed = [bundle for bundle in bundles(folder) if self.root not in bundle.read_text()]
        for bundle in changed:
            bundle.write_text(f"{bundle.read_text().rstrip()}\n\n{self.root}")
        return changed

    def _signed(self, name: x509.Name, key: rsa.RSAPrivateKey, *, is_root: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._root_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - VALID_FOR / 2)
            .not_valid_after(now + VALID_FOR / 2)
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            # Python 3.13 refuses a chain without these (VERIFY_X509_STRICT).
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._root_key.public_key()), critical=False
            )
            .add_extension(_usage(is_root=is_root), critical=True)
        )
        if not is_root:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ADDRESS)]), critical=False)
        return builder.sign(self._root_key, hashes.SHA256())


def bundles(folder: Path) -> Iterator[Path]:
    """The files below `folder` that hold roots: botocore's, certifi's, stripe's, whichever there are."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in BUNDLES and path.is_file() and BEGIN in path.read_text():
            yield path


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _usage(*, is_root: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_root,
        key_cert_sign=is_root,
        crl_sign=is_root,
        content_commitment=False,
        key_encipherment=not is_root,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
