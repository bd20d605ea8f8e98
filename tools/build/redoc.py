"""`python -m tools.build.redoc`: write local/reference/static/redoc.js again, the library that draws the API page.

It is Redoc as its npm package holds it, but for two edits (EDITS): the page loads nothing from elsewhere, and it also
works where it is opened as a file. Run it after changing VERSION; it needs npm, and nothing else does.
"""

import subprocess
import tarfile
import tempfile
from pathlib import Path

VERSION = "3.0.1"
STATIC = Path(__file__).parents[2] / "local" / "reference" / "static"
LICENSE = "redoc.LICENSE.txt"

_NAME = (
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='48' height='14'>"
    "<text y='11' font-family='sans-serif' font-size='11' fill='%232467f2'>Redocly</text></svg>"
)
EDITS = (
    # The maker's logo would come from the maker's server: its name stands there instead.
    ("https://cdn.redoc.ly/redoc/logo-mini-full.svg", _NAME),
    ("https://cdn.redoc.ly/redoc/logo-mini.svg", _NAME),
    # Browsers load no module from a file: make it a plain script, which gives the page `init`.
    ("export{RedocStandalone,hydrate,init};", ""),
    ("import.meta.dirname+`/node/node.mjs`", "``"),  # of its search, in workers, which it does not use here
    (":import.meta.url.replace(", ":document.baseURI.replace("),
)


class NotAsExpectedError(Exception):
    """This version of Redoc is written differently: look at what EDITS should be for it."""


def edited(source: str) -> str:
    """Redoc's script with our edits. Raises NotAsExpectedError if one of them does not fit exactly once."""
    for before, after in EDITS:
        if source.count(before) != 1:
            raise NotAsExpectedError(before)
        source = source.replace(before, after)
    return source


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"redoc@{VERSION}"], cwd=folder, check=True)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
        package = Path(folder) / "package"
        script = (package / "bundles" / "redoc.standalone.js").read_text(encoding="utf-8")
        (STATIC / "redoc.js").write_text(edited(script), encoding="utf-8")
        (STATIC / LICENSE).write_bytes((package / "LICENSE").read_bytes())


if __name__ == "__main__":
    main()
