"""Leave Amazon's own certificate authorities in the bundle that botocore checks AWS's certificates against.

Reading the 120 to 130 authorities of a browser takes 18 ms of CPU time, and Amazon's five take 2. A cold start reads
them once (topup/runtime/connections.py); botocore would for every new connection.

Only botocore reads this bundle. Stripe's library brings its own, and the keys of an identity provider are fetched by
Python's urllib, which uses the system's. AWS_CA_BUNDLE names another file for botocore, as ever.
"""

import base64
import hashlib
import os
import re
import sys
from pathlib import Path

# SHA-256 of each certificate. Amazon recommends these five to whoever keeps a list of its own
# (https://www.amazontrust.com/repository). They expire between 2037 and 2040. The EU Sovereign Cloud's own authorities
# are signed by them. AWS does not say which authorities sign in China: `make deploy` sets LAMBDA_ROOTS=all there.
AMAZONS = {
    "Amazon Root CA 1": "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
    "Amazon Root CA 2": "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
    "Amazon Root CA 3": "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
    "Amazon Root CA 4": "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
    "Starfield Services Root Certificate Authority - G2": (
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5"
    ),
}
BUNDLE = Path("botocore/cacert.pem")  # botocore would read certifi's if that were in the layer

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n(.+?)-----END CERTIFICATE-----\n", re.DOTALL)


def keep_amazons_roots(python: Path) -> None:
    """Reduce the bundle in the folder of the packages, unless LAMBDA_ROOTS is `all`."""
    wanted = os.environ.get("LAMBDA_ROOTS") or "amazon"
    if wanted not in ("amazon", "all"):
        sys.exit(f"LAMBDA_ROOTS={wanted} is neither amazon, Amazon's own authorities (the default), nor all")
    if wanted == "amazon":
        bundle = python / BUNDLE
        bundle.write_text(amazons_of(bundle.read_text(encoding="utf-8")), encoding="utf-8")


def amazons_of(bundle: str) -> str:
    """Amazon's certificates from a bundle in PEM, under their names; ends the build if one is missing."""
    by_digest = {_digest(found[1]): found[0] for found in _CERTIFICATE.finditer(bundle)}
    if missing := [name for name, digest in AMAZONS.items() if digest not in by_digest]:
        sys.exit(f"The bundle of certificate authorities lacks {', '.join(missing)}: see {Path(__file__).name}")
    return "\n".join(f"# {name}\n{by_digest[digest]}" for name, digest in AMAZONS.items())


def _digest(encoded: str) -> str:
    return hashlib.sha256(base64.b64decode(encoded)).hexdigest()
