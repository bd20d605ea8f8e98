"""Archives and checksums that are the same, byte for byte, wherever they are made."""

import gzip
import hashlib
import tarfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

SUMS = "SHA256SUMS"


def pack(folder: Path, archive: Path, moment: int) -> None:
    """A .tar.gz of the folder under its own name. `moment`: the time of every file, in seconds since 1970."""
    with (
        archive.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=moment) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as files,
    ):
        for path in [folder, *sorted(folder.rglob("*"))]:
            name = str(path.relative_to(folder.parent))
            files.add(path, name, recursive=False, filter=partial(_plain, moment=moment))


def _plain(member: tarfile.TarInfo, moment: int) -> tarfile.TarInfo:
    """Nobody's, and of a mode that does not depend on the umask."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = moment
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def write_sums(folder: Path) -> Path:
    """The SHA-256 of every file in the folder, as `sha256sum --check SHA256SUMS` reads them."""
    lines = [f"{digest(path)}  {path.name}\n" for path in sorted(_files(folder))]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")
    return folder / SUMS


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if path.name != SUMS)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
