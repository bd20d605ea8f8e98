"""The files of an export, as DynamoDB writes them: gzipped lines of DynamoDB JSON, and manifests with checksums.

Each table has a folder of its name; below it is AWSDynamoDB/ID/ with manifest-summary.json, manifest-files.json and
data/*.json.gz. Source: DynamoDB Developer Guide, "DynamoDB table export output format".
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import Any

from ops.errors import CannotRunError

TABLES = ("credits", "orders")
SUMMARY = "manifest-summary.json"
FILES = "manifest-files.json"
ITEMS_PER_FILE = 100_000
FASTEST = 1  # gzip's level: half the time of its default, for a fifth more bytes

Item = Mapping[str, Any]  # with typed attributes: {"user_id": {"S": "u1"}}


@dataclass(frozen=True)
class TableExport:
    """One table as it was at a moment: its data files, and how many items they hold."""

    taken_at: datetime
    items: int
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Export:
    """Both tables, as they were at the same moment."""

    credits: TableExport
    orders: TableExport

    @property
    def taken_at(self) -> datetime:
        return self.credits.taken_at


def read(directory: Path) -> Export:
    """The export in a directory, with every checksum compared; raises CannotRunError."""
    found = {table: _read_table(directory / table) for table in TABLES}
    export = Export(**found)
    if export.orders.taken_at != export.credits.taken_at:
        raise CannotRunError(
            f"{directory}: its credits are of {export.credits.taken_at}, its orders of {export.orders.taken_at}: "
            "export both again, as of the same moment"
        )
    return export


def _read_table(folder: Path) -> TableExport:
    summaries = list(folder.glob(f"AWSDynamoDB/*/{SUMMARY}"))
    if len(summaries) != 1:
        advice = "keep one" if summaries else f"make one with `make export OUT={folder.parent}`"
        raise CannotRunError(f"{folder} has {len(summaries) or 'no'} finished exports: {advice}")
    [path] = summaries
    try:
        summary = json.loads(path.read_text())
        listed = [json.loads(line) for line in (path.parent / FILES).read_text().splitlines()]
        files = {data_path(path.parent, one): one["md5Checksum"] for one in listed}
        taken_at = datetime.fromisoformat(summary["exportTime"])
        found = TableExport(taken_at, sum(int(one["itemCount"]) for one in listed), tuple(files))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotRunError(f"{path} and {FILES} beside it cannot be read: {error}") from error
    for file, checksum in files.items():
        if not is_whole(file, checksum):
            raise CannotRunError(f"{file} is not as its manifest says: fetch it again")
    return found


def data_path(folder: Path, listed: Mapping[str, Any]) -> Path:
    """Where a file that the manifest lists is, beside the manifest: it lists keys of the bucket."""
    return folder / "data" / str(listed["dataFileS3Key"]).rpartition("/")[2]


def is_whole(file: Path, checksum: str) -> bool:
    """Whether a file is there and has this MD5, in base64."""
    if not file.exists():
        return False
    with file.open("rb") as content:
        return _base64(hashlib.file_digest(content, _md5)) == checksum


def write(folder: Path, items: Iterable[Item], taken_at: datetime, progress: Callable[[int], None]) -> None:
    """Write one table's items as an export into its folder; `progress` is told how many are written."""
    write_lines(folder, map(line_of, items), taken_at, progress)


def line_of(item: Item) -> bytes:
    """A line of a data file."""
    text = json.dumps({"Item": item}, ensure_ascii=False, separators=(",", ":"), default=_base64_of)
    return text.encode() + b"\n"


def write_lines(folder: Path, lines: Iterable[bytes], taken_at: datetime, progress: Callable[[int], None]) -> None:
    """The same for items that are lines already."""
    export_id = f"{int(taken_at.timestamp() * 1000):014}-00000000"
    home = folder / "AWSDynamoDB" / export_id
    (home / "data").mkdir(parents=True)
    listed: list[dict[str, Any]] = []
    left = iter(lines)
    for number in count():
        path = home / "data" / f"{number:08}.json.gz"
        listed.append(_listed(path, _write_file(path, islice(left, ITEMS_PER_FILE)), folder))
        progress(sum(one["itemCount"] for one in listed))
        if listed[-1]["itemCount"] < ITEMS_PER_FILE:
            break
    (home / FILES).write_text("".join(f"{json.dumps(one)}\n" for one in listed))
    summary = {
        "version": "2020-06-30",
        "exportTime": _timestamp(taken_at),
        "manifestFilesS3Key": f"AWSDynamoDB/{export_id}/{FILES}",
        "itemCount": sum(one["itemCount"] for one in listed),
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }
    # The last one: without it an export is not finished.
    (home / SUMMARY).write_text(json.dumps(summary))


def _write_file(path: Path, lines: Iterable[bytes]) -> int:
    """How many lines were written."""
    written = 0
    with gzip.open(path, "wb", compresslevel=FASTEST) as file:
        for line in lines:
            file.write(line)
            written += 1
    return written


def _listed(path: Path, items: int, folder: Path) -> dict[str, Any]:
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, _md5)
    return {
        "itemCount": items,
        "md5Checksum": _base64(digest),
        "etag": digest.hexdigest(),
        "dataFileS3Key": str(path.relative_to(folder)),
    }


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _base64(digest: Any) -> str:
    return base64.b64encode(digest.digest()).decode()


def _base64_of(value: Any) -> str:
    """A binary attribute, as DynamoDB JSON has it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"Bug! items hold no {type(value).__name__}")


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
