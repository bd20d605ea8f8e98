"""The wheel's version and what it needs, from the repository's pyproject.toml (Hatchling, "Custom metadata hook")."""

import re
import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# Of these the stack uses more than what they promise, so it needs the very versions that it is tested with.
EXACT = ("boto3", "ministack", "moto")


class FromRepository(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        declared = tomllib.loads((Path(self.root).parent / "pyproject.toml").read_text(encoding="utf-8"))
        metadata["version"] = declared["project"]["version"]
        metadata["dependencies"] = [
            accepted(pinned) for pinned in declared["project"]["dependencies"] + declared["dependency-groups"]["local"]
        ]


def accepted(pinned: str) -> str:
    """The versions that may be installed beside the tested service's own: the pinned one, or a later compatible one."""
    name, version = pinned.split("==")
    if re.split(r"\W", name)[0] in EXACT:
        return pinned
    major, minor, *_ = version.split(".")
    following = f"0.{int(minor) + 1}" if major == "0" else str(int(major) + 1)
    return f"{name}>={version},<{following}"
