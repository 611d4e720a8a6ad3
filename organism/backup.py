"""A copy of a state folder that is itself a state folder: taken while the organism lives or while nothing runs.

It is as if the organism had been killed at one moment: an order is recorded before it is sent, so the journal of that
moment knows of everything in the venue's book of that moment. Databases are copied by SQLite itself, each in one read
transaction; a plain copy of one that is in use would be half of this and half of that. A venue that is no file of ours
does not go back with us: whoever goes on from an old copy is reconciled with it first.

What is read of something is copied before it: checkpoints of evolution before the journal whose bars they are bred on, and
before the store that counts their trials. So a copy may know of a look that its checkpoint does not, never the reverse.
"""

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from organism.errors import BadInput, OrganismError
from organism.journal.audit import audit
from organism.journal.segments import ARCHIVE, CURRENT, segments
from organism.journal.tip import read_tip, sync_file, sync_folder, write_tip
from organism.lake.names import FOLDER, Kind

SNAPSHOTS, SETTINGS, SETTINGS_FILE = "snapshots", "settings", "organism.toml"
VENUE = "paper_venue.db"
AFTER_JOURNAL = ("commands.db", "genome.db", "deliveries.db")
REPORTS = "reports"
EVOLUTION, OF_EVOLUTION = "evolution", ("*.npz", "round.json")
DERIVED = "columns"
TRIES = 5  # a journal that seals a segment in between is copied again
BUSY_S = 10.0


class BackedUp(NamedTuple):
    """What a copy holds: rows of the journal (the last one's number), files, bytes; and bytes of the lake left out."""

    folder: Path
    last_seq: int
    n_files: int
    n_bytes: int
    left_bytes: int


def default_name(wall_s: float) -> str:
    """Name of a backup's folder.

    >>> default_name(1_709_164_800.0)
    'backup-20240229T000000Z'
    """
    return time.strftime("backup-%Y%m%dT%H%M%SZ", time.gmtime(wall_s))


def back_up(state: Path, target: Path, *, with_lake: bool = False) -> BackedUp:
    """Copy what cannot be made again, and prove the copy by reading its journal whole, and what its lake says of itself.

    with_lake   also the candles, marks and trades of the lake, which may be large and can mostly be fetched again

    Left out are the page's view and its secret, logs and locks: the next start makes them. Raises `BadInput` when
    `target` is not a new or empty folder outside of `state`, `OrganismError` when the copy is not sound.
    """
    _refuse(state, target)
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy(state, target)
        left_bytes = _copy_lake(state / FOLDER, target / FOLDER, with_large=with_lake)
        for path in (target, *target.rglob("*")):
            sync_folder(path) if path.is_dir() else sync_file(path)
    except (OSError, sqlite3.Error) as error:
        raise BadInput(
            f"{state} could not be copied to {target} ({error}); what is there is no backup: remove it, and try again."
        ) from error
    report = audit(target)
    if not report.ok:
        raise OrganismError(
            f"The copy in {target} is not sound ({'; '.join(report.details[:1])}); look at the original with "
            "`organism verify`, and keep an older backup until it is."
        )
    _prove_lake(target / FOLDER)
    files = [path for path in target.rglob("*") if path.is_file()]
    return BackedUp(
        target, report.tip_seq, len(files), sum(path.stat().st_size for path in files), left_bytes
    )


def _refuse(state: Path, target: Path) -> None:
    if not (state / CURRENT).exists():
        raise BadInput(
            f"{state} holds no journal, so there is nothing to back up; name the right one with --state."
        )
    if target.resolve().is_relative_to(state.resolve()):
        raise BadInput(
            f"{target} lies inside the state folder; name a folder elsewhere, best on another disk."
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadInput(f"{target} exists and is not an empty folder; name a new one.")


def _copy(state: Path, target: Path) -> None:
    for name in (SETTINGS, SNAPSHOTS):
        _copy_files(state / name, target / name)
    _copy_files(state / EVOLUTION, target / EVOLUTION, OF_EVOLUTION)
    _copy_files(state / REPORTS, target / REPORTS, ("*.json",))
    if (state / SETTINGS_FILE).is_file():
        _copy_file(state / SETTINGS_FILE, target / SETTINGS_FILE)
    for _ in range(TRIES):
        if _copy_truth(state, target):
            break
        for path in (*target.glob("journal*"), *(target / ARCHIVE).glob("journal*")):
            path.unlink()
    else:
        raise BadInput(f"the journal in {state} sealed a segment during each of {TRIES} copies; try again.")
    for name in AFTER_JOURNAL:
        if (state / name).exists():
            with _reading(state / name) as old:
                _copy_database(old, target / name)


def _copy_truth(state: Path, target: Path) -> bool:
    """Copy journal and venue as they are at one moment; False when a segment was sealed meanwhile."""
    names = [segment.path.relative_to(state) for segment in segments(state)]
    tip = read_tip(state)
    with _reading(state / CURRENT) as current:
        with _standing_still(state / VENUE):
            current.execute("BEGIN")
            current.execute(
                "SELECT count(*) FROM meta"
            ).fetchone()  # from here on it sees this moment, whatever comes
            if (state / VENUE).exists():
                with _reading(state / VENUE) as book:
                    _copy_database(book, target / VENUE)
        try:
            for name in names:
                (target / name).parent.mkdir(mode=0o700, exist_ok=True)
                if name.name == CURRENT:
                    _copy_database(current, target / name)
                else:
                    _copy_file(state / name, target / name)
        except FileNotFoundError:
            return False  # it was moved to the archive just now
    if tip is not None:  # the copy's bytes are not the original's: only its rows are
        write_tip(target, msgspec.structs.replace(tip, file=""), sync=True)
    return names == [segment.path.relative_to(state) for segment in segments(state)]


@contextlib.contextmanager
def _standing_still(book: Path) -> Iterator[None]:
    """Hold the venue's book for a moment: what it has executed is then in the journal, and what we have heard is in it."""
    if not book.exists():
        yield
        return
    uri = f"{book.absolute().as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            lock.execute("ROLLBACK")


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with contextlib.closing(
        sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)
    ) as connection:
        yield connection


def _copy_database(old: sqlite3.Connection, target: Path) -> None:
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    with contextlib.closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _copy_lake(source: Path, target: Path, *, with_large: bool) -> int:
    """Copy parts as they stand, each of which is replaced whole; bytes of what was left out."""
    left_bytes = 0
    for folder, names, files in os.walk(source):
        here = Path(folder).relative_to(source)
        if here == Path():
            names[:] = [name for name in names if name != DERIVED]
        leave = not with_large and here.parts[:1] in {(str(kind),) for kind in Kind if kind.is_large}
        if not leave:
            (target / here).mkdir(mode=0o700, exist_ok=True)
        for name in sorted(files):
            if name.startswith("."):  # a lock, or what a writer has not done yet
                continue
            with contextlib.suppress(FileNotFoundError):
                if leave:
                    left_bytes += (source / here / name).stat().st_size
                    continue
                _copy_file(source / here / name, target / here / name)
    return left_bytes


def _prove_lake(lake: Path) -> None:
    if not lake.is_dir():
        return
    from organism.lake.store import Lake  # noqa: PLC0415 - numpy and a database: most state folders have no lake

    copied = Lake(lake, now_us=lambda: 0)
    try:
        for series in copied.all():
            copied.span(series)
    except BadInput as error:
        raise OrganismError(
            f"The copy of the lake is not sound ({error}), the rest is; look at the original with `organism data check`, and "
            "keep an older backup until it is."
        ) from None


def _copy_files(source: Path, target: Path, patterns: tuple[str, ...] = ("*",)) -> None:
    if not source.is_dir():
        return
    target.mkdir(mode=0o700, exist_ok=True)
    for path in sorted(path for pattern in patterns for path in source.glob(pattern)):
        if path.is_file() and path.suffix != ".tmp" and not path.name.startswith("."):
            with contextlib.suppress(FileNotFoundError):  # an old snapshot that made room for a newer one
                _copy_file(path, target / path.name)


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as old:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as new:
            shutil.copyfileobj(old, new)
