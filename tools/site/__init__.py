"""The site that `make docs` makes of the documents: by MkDocs and its packages, which only hook.py imports."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("*.md", "docs/**/*.md", "clients/*/*.md", "kit/*.md")
MODULES = ROOT / ".cache" / "npm" / "node_modules"
# What the theme would load from elsewhere if mkdocs.yml did not name it; `make docs` installs it.
SCRIPTS = {
    "mermaid.js": MODULES / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js",
    "iframe-worker.js": MODULES / "iframe-worker" / "shim" / "index.js",
}


def documents() -> set[Path]:
    """The Markdown files that become pages."""
    return {path for pattern in DOCUMENTS for path in ROOT.glob(pattern)}
