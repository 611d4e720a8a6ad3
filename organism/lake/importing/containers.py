"""A file, or what is packed in it: zip and gz are unpacked into a folder that is thrown away, within bounds.

A name inside an archive is never a path here: it only says what the file may be called. What is unpacked is counted as
it comes, because the size that an archive declares may be a lie.
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from organism.errors import BadInput

MOST_MEMBERS: Final = 10_000
MOST_BYTES: Final = 16 << 30
MOST_RATIO: Final = 200
"""Text of numbers packs ten to one, a column of zeros sixty to one; a bomb, a thousand to one."""
_FREE_BYTES: Final = 64 << 20
_CHUNK: Final = 1 << 20
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Member:
    """A plain file. name: what it is called, inside its archive too; said: for sentences, as in a.zip/b.csv."""

    path: Path
    name: str
    said: str


def members(path: Path, folder: Path) -> Iterator[Member]:
    """The plain files of a file, one at a time; `folder` is where they are unpacked. Raises `BadInput`."""
    if not path.is_file():
        raise BadInput(f"{path} is not a file; name a file or a folder of files.")
    try:
        with path.open("rb") as file:
            head = file.read(4)
        if head.startswith(b"PK"):
            yield from _zipped(path, folder)
        elif head.startswith(b"\x1f\x8b"):
            inner = path.name.removesuffix(".gz")
            with gzip.open(path, "rb") as packed:
                yield _plain(_copied(packed, folder / "0", path.name, path.stat().st_size), inner, path.name)
        else:
            yield _plain(path, path.name, path.name, folder)
    except (zipfile.BadZipFile, EOFError, zlib.error, gzip.BadGzipFile, NotImplementedError) as error:
        raise BadInput(
            f"{path.name} is damaged and cannot be unpacked: {str(error)[:100]}. Get it again."
        ) from None
    except OSError as error:
        raise BadInput(f"{path.name} cannot be read: {error.strerror or error}.") from None


def _zipped(path: Path, folder: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for one in archive.infolist():
            _harmless(path, one)
        inside = [one for one in archive.infolist() if not one.is_dir() and not _aside(one.filename)]
        if len(inside) > MOST_MEMBERS:
            raise BadInput(
                f"{path.name} holds {len(inside):,} files; at most {MOST_MEMBERS:,} are unpacked. Unpack it by hand."
            )
        if not inside:
            raise BadInput(f"{path.name} is an archive without a file in it.")
        left = MOST_BYTES
        for number, one in enumerate(sorted(inside, key=lambda info: info.filename)):
            with archive.open(one) as packed:
                found = _copied(
                    packed, folder / str(number), f"{path.name}/{one.filename}", one.compress_size, left
                )
            left -= found.stat().st_size
            said = f"{path.name}/{PurePosixPath(one.filename).name}"
            try:
                yield _plain(found, PurePosixPath(one.filename).name, said)
            finally:
                found.unlink(missing_ok=True)


def _aside(name: str) -> bool:
    """What other programs leave in archives."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or (bool(parts) and parts[-1].startswith(".") and parts[-1] != "..")


def _harmless(path: Path, one: zipfile.ZipInfo) -> None:
    parts = PurePosixPath(one.filename.replace("\\", "/")).parts
    if (
        ".." in parts
        or one.filename.startswith(("/", "\\"))
        or ":" in one.filename
        or not one.filename.isprintable()
    ):
        raise BadInput(
            f"{path.name} holds a file named {one.filename[:80]!r}, which points outside the archive; nothing of it was read."
        )
    if one.flag_bits & 1:
        raise BadInput(f"{path.name}/{one.filename[:80]} is encrypted; unpack it with its password first.")


def _copied(
    packed: IO[bytes] | Any, target: Path, said: str, packed_bytes: int, left: int = MOST_BYTES
) -> Path:
    """Unpack into a file of our own naming, no further than the bounds."""
    most = min(left, max(_FREE_BYTES, MOST_RATIO * packed_bytes))
    written = 0
    with target.open("wb") as out:
        while chunk := packed.read(_CHUNK):
            written += len(chunk)
            if written > most:
                target.unlink(missing_ok=True)
                raise BadInput(
                    f"{said[:120]} grows beyond {most / (1 << 20):,.0f} MiB when it is unpacked ({packed_bytes:,} bytes "
                    "packed); that is no file of prices. Unpack it by hand if it is."
                )
            out.write(chunk)
    return target


def _plain(path: Path, name: str, said: str, folder: Path | None = None) -> Member:
    """A file as UTF-8: spreadsheets write UTF-16, which begins with a mark."""
    with path.open("rb") as file:
        if file.read(2) not in _UTF16:
            return Member(path, name, said)
    target = (folder or path.parent) / f"{path.name}.utf8"
    try:
        with (
            path.open(encoding="utf-16", newline="") as text,
            target.open("w", encoding="utf-8", newline="") as out,
        ):
            while part := text.read(_CHUNK):
                out.write(part)
    except UnicodeError:
        raise BadInput(f"{said} begins like UTF-16 text and is none; save it as CSV in UTF-8.") from None
    return Member(target, name, said)
