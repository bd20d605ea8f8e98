"""List the packages of a built layer in a CycloneDX document, and keep what scanners and licences need of each.

    python3 tools/build/sbom.py ARTIFACTS_FOLDER PIP_REPORT

The document is sbom.cdx.json in the layer's folder, so it lies beside each build and is deployed with it. It is written
here rather than by a library because it runs inside `sam build`, where only the standard library is there.
"""

import json
import re
import shutil
import sys
import uuid
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

DOCUMENT = "sbom.cdx.json"
LICENCES = re.compile(
    r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE
)  # names of files; many licences ask for them
LONGEST_NAME = 64  # characters; a longer License field is the licence's whole text

Json = dict[str, Any]


def main() -> None:
    artifacts, report = Path(sys.argv[1]), Path(sys.argv[2])
    installed = json.loads(report.read_text(encoding="utf-8"))["install"]
    folders = sorted((artifacts / "python").glob("*.dist-info"))
    for folder in folders:
        reduce(folder)
    document = bom([metadata_of(folder) for folder in folders], digests_of(installed))
    (artifacts / DOCUMENT).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def reduce(folder: Path) -> None:
    """Keep the fields of METADATA, without the description below them, and the licences."""
    for path in list(folder.iterdir()):
        if path.name == "METADATA":
            fields, _, _ = path.read_text(encoding="utf-8").partition("\n\n")
            path.write_text(fields + "\n", encoding="utf-8")
        elif not LICENCES.match(path.name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def metadata_of(folder: Path) -> Message:
    """The package's metadata (PyPA, Core metadata specifications)."""
    return HeaderParser().parsestr((folder / "METADATA").read_text(encoding="utf-8"))


def digests_of(installed: list[Json]) -> dict[str, str]:
    """The SHA-256 of each package's wheel, by the package's name."""
    return {
        normal(one["metadata"]["name"]): one["download_info"]["archive_info"]["hashes"]["sha256"] for one in installed
    }


def normal(name: str) -> str:
    """As PyPI writes a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def bom(packages: list[Message], digests: dict[str, str]) -> Json:
    """The document (CycloneDX 1.6). The same packages give the same one: it has no time, and a name-based number."""
    components = [component(package, digests) for package in packages]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(components))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "topup", "name": "topup"}},
        "components": components,
        "dependencies": [{"ref": "topup", "dependsOn": [one["bom-ref"] for one in components]}],
    }


def component(package: Message, digests: dict[str, str]) -> Json:
    name, version = normal(str(package["Name"])), str(package["Version"])
    address = f"pkg:pypi/{name}@{version}"
    return {
        "type": "library",
        "bom-ref": address,
        "name": name,
        "version": version,
        "purl": address,
        "hashes": [{"alg": "SHA-256", "content": digests[name]}],
        "licenses": licences(package),
    }


def licences(package: Message) -> list[Json]:
    """An SPDX expression where the package states one, else the licence's name."""
    if expression := package["License-Expression"]:
        return [{"expression": str(expression)}]
    stated = str(package["License"] or "")
    if stated and len(stated) <= LONGEST_NAME and "\n" not in stated:
        return [{"license": {"name": stated}}]
    classified = [text.rpartition(" :: ")[2] for text in package.get_all("Classifier", []) if "License ::" in text]
    return [{"license": {"name": name}} for name in classified]


if __name__ == "__main__":
    main()
