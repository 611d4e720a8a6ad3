"""A series as arrays that all processes share: one file, mapped into memory, derived from the parts and disposable.

The file holds int64 open times and then float64 open, high, low, close and volume, each column whole. Processes that
open it share the pages the kernel keeps: fifty assets are in memory once, however many workers breed on them. It is made
when it is asked for and the parts are not those it was made from, and it may be deleted at any time.
"""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from organism.errors import BadInput
from organism.lake import parts
from organism.lake.candles import F64, I64, VALUES, Candles
from organism.lake.names import Series, path_of
from organism.lake.store import LOCK, Lake

FOLDER = "columns"
_FORMAT = 1
_HEADER = 4_096  # bytes: a page, so that columns begin on one
_ROW = 8 * (1 + len(VALUES))
_TRIES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Candles whose arrays are views of a mapped file: they cannot be written, and cost nothing to hand on.

    path    of the file; it may be replaced meanwhile, and this view stays what it was
    built   whether the file had to be made for this opening
    """

    candles: Candles
    path: Path
    built: bool


def opened(lake: Lake, series: Series, start_us: int | None = None, end_us: int | None = None) -> Columns:
    """Map the latest revisions of a series, all of it or candles that open from start until before end.

    The file is made first where there is none, or where the parts changed since. Raises `BadInput` for events, for a
    damaged part, and where there is no room for the file.
    """
    if not series.bar_us:
        raise BadInput(f"{series.text} holds events; only candles are opened as columns.")
    path = lake.root / FOLDER / path_of(series).with_suffix(".columns")
    for _ in range(_TRIES):
        files = lake.files(series)
        if not files:
            return Columns(Candles.empty(), path, built=False)
        made_of = _fingerprint(files)
        if made_of and (found := _mapped(path, made_of)) is not None:
            return Columns(found.between(start_us, end_us), path, built=False)
        if not made_of:
            continue
        with _building(path):  # who waited for another finds it made
            found = _mapped(path, made_of)
            built = found is None
            if found is None:
                found = _built(lake, series, path, files, made_of)
        if found is not None:
            return Columns(found.between(start_us, end_us), path, built=built)
    raise BadInput(f"{series.text} changed each time it was read; try again when what writes it has ended.")


@contextlib.contextmanager
def _building(path: Path) -> Iterator[None]:
    """One at a time makes columns of a symbol; the kernel lets go of the lock when its process ends."""
    try:
        parts.made(path.parent)
        descriptor = os.open(path.parent / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadInput(
            f"{path.parent} cannot be written ({error.strerror}), where the columns of this series are kept. "
            "Make it writable, or name another folder with --lake."
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        parts.cleaned(path.parent)
        yield
    finally:
        os.close(descriptor)


def _fingerprint(files: tuple[Path, ...]) -> str:
    """Which files these are, and in which state; empty where one was just replaced. A part is never edited in place."""
    digest = hashlib.sha256()
    try:
        for file in files:
            stat = file.stat()
            digest.update(f"{file.name} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}\n".encode())
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def _mapped(path: Path, made_of: str) -> Candles | None:
    """What the file holds; None where it is absent, of other parts, of another format, or cut short."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(_HEADER).rstrip(b"\0") or b"{}")
            rows = header.get("rows")
            if (
                header.get("format") != _FORMAT
                or header.get("made_of") != made_of
                or not isinstance(rows, int)
            ):
                return None
            if os.fstat(file.fileno()).st_size != _HEADER + rows * _ROW:
                return None
            whole = np.memmap(file, np.uint8, mode="r", offset=0)
    except (OSError, ValueError, AttributeError):
        return None
    return _views(whole, rows)


def _views(whole: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], rows: int) -> Candles:
    # A plain view: whatever computes with it gives plain arrays, and not more maps of nothing.
    plain = whole.view(np.ndarray)[_HEADER:]
    opens: I64 = plain[: rows * 8].view(np.int64)
    columns: list[F64] = [
        plain[n * rows * 8 : (n + 1) * rows * 8].view(np.float64) for n in range(1, 1 + len(VALUES))
    ]
    return Candles(opens, *columns)


def _built(lake: Lake, series: Series, path: Path, files: tuple[Path, ...], made_of: str) -> Candles | None:
    """Write the file month by month and put it in place; None where the parts changed meanwhile. Under the lock."""
    fresh = path.with_name(f".{path.name}{parts.UNFINISHED}")
    rows = 0
    try:
        rows = sum(fact.rows for fact in parts.facts(lake.connection(), files))
        with fresh.open("wb") as file:
            header = json.dumps({"format": _FORMAT, "rows": rows, "made_of": made_of}).encode()
            file.write(header.ljust(_HEADER, b"\0"))
            done = 0
            for part in files:
                month = np.datetime64(part.name.removesuffix(parts.ENDING), "M")
                begin, end = ((month + n).astype("datetime64[us]").astype(np.int64) for n in (0, 1))
                candles = lake.read(series, int(begin), int(end)).candles
                if done + len(candles) > rows:
                    return None
                for place, column in enumerate((candles.open_us, *candles.values())):
                    file.seek(_HEADER + (place * rows + done) * 8)
                    file.write(np.ascontiguousarray(column).data)
                done += len(candles)
            file.flush()
            os.fsync(file.fileno())
        if done != rows or _fingerprint(lake.files(series)) != made_of:
            return None
        fresh.replace(path)
    except OSError as error:
        raise BadInput(
            f"{path} could not be written ({error.strerror}); history itself is unharmed. Free some disk "
            f"({_HEADER + rows * _ROW:,} bytes are needed), or name another folder with --lake."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
    return _mapped(path, made_of)
