"""The API page: docs/openapi.json drawn by Redoc. It is static: `make run` serves it, and `make docs` copies it.

Uses the standard library alone, as `make docs` has none of our packages.
"""

import json
from pathlib import Path

from local import ROOT

STATIC = Path(__file__).with_name("static")
DOCUMENT = ROOT / "docs" / "openapi.json"
DATA = "openapi.js"  # beside the files of STATIC


def data(api_url: str | None = None) -> str:
    """The script that gives the page its document. It names this API as the server, or else the document's default."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    if api_url is not None:
        document["servers"][0]["variables"]["base_url"]["default"] = api_url
    return f"const openapi = {json.dumps(document, ensure_ascii=False)};\n"
