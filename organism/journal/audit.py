"""Proving a journal, and, on a person's word, setting what is damaged aside."""

import contextlib
import secrets
import sqlite3
import time
from pathlib import Path

import msgspec

from organism.errors import BadInput
from organism.journal.auditor import Auditor, AuditReport
from organism.journal.rows import GENESIS, Run
from organism.journal.schema import COLUMNS, open_reader, open_writer
from organism.journal.segments import (
    CURRENT,
    Meta,
    Segment,
    build,
    forget_companions,
    insert_run,
    last_of,
    read_last,
    read_meta,
    read_runs,
    segments,
)
from organism.journal.snapshots import FOLDER as SNAPSHOTS
from organism.journal.snapshots import seq_of
from organism.journal.tip import Tip, sync_folder, write_tip

QUARANTINE = "quarantine"
N_TRIES = 3  # a segment may be sealed while a living journal is audited
N_COPIED = 4_000  # rows copied at once
SKIPPED = 1_000  # incarnations left free: the damaged file may have known newer ones
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM rows WHERE seq > ? AND seq < ? ORDER BY seq LIMIT ?"  # noqa: S608
_INSERT = f"INSERT INTO rows VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608


def audit(folder: Path) -> AuditReport:
    """Check every row of the journal in a state folder, and its tip. Damage is reported, never raised."""
    for remaining in reversed(range(N_TRIES)):
        files = segments(folder)
        report = Auditor(folder).report(files)
        if report.ok or not remaining or segments(folder) == files:
            return report
    raise AssertionError("unreachable: the last try returns")


def quarantine(folder: Path, at_seq: int) -> str:
    """Set the file that holds row `at_seq` and all later ones aside, and go on from the row before it.

    Nothing is deleted. The sound rows of the damaged file are copied; snapshots that know later rows are set
    aside with it. The journal gets a new namespace, so that order ids of the lost rows are never given again.
    For a person, while no body runs. Returns what was done, in sentences.
    """
    files = segments(folder)
    auditor = Auditor(folder)
    report = auditor.report(files)
    if not files:
        raise BadInput(f"{folder} holds no journal; there is nothing to set aside.")
    _refuse_senseless(report, at_seq)
    good_files, damaged = _divide(files, at_seq)
    meta = _meta_of(good_files, damaged, at_seq)
    numbers = {organ: number + SKIPPED for organ, number in auditor.incarnations.items()}
    fresh = build(
        folder,
        msgspec.structs.replace(meta, namespace=secrets.token_hex(8)),
        numbers,
        _newest_run(good_files),
        durability="full",
    )
    seq, digest, namespace = _salvage(fresh, damaged[0], at_seq)
    place = _new_place(folder)
    n_snapshots = _set_snapshots_aside(folder, place, seq)
    _exchange(folder, place, damaged, fresh)
    write_tip(folder, Tip(namespace, seq, digest.hex()), sync=True)
    sync_folder(folder)
    lost = max(0, report.tip_seq - seq)
    return (
        f"Set {', '.join(s.path.name for s in damaged)} and {n_snapshots} snapshots aside in {place}. "
        f"The journal goes on from row {seq}; {lost} later rows are no longer part of it. "
        f"Compare positions with the venue before trading: the next start reconciles first."
    )


def _new_place(folder: Path) -> Path:
    """A new folder for what is set aside, which a power cut leaves in place."""
    stem = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    names = (stem, *(f"{stem}-{n}" for n in range(2, 1_000)))
    place = next(p for p in (folder / QUARANTINE / name for name in names) if not p.exists())
    place.mkdir(mode=0o700, parents=True)
    sync_folder(place.parent)
    sync_folder(folder)
    return place


def _exchange(folder: Path, place: Path, damaged: list[Segment], fresh: Path) -> None:
    """Put the fresh segment where the damaged ones were, in steps of which each may be the last before a power cut.

    The damaged files get a second name first and lose the first one last, so that in every moment somebody has every
    row, and whoever begins again comes to the same end.
    """
    for segment in damaged:
        for suffix in ("", "-wal"):
            path = segment.path.with_name(segment.path.name + suffix)
            if path.exists():
                (place / path.name).hardlink_to(path)
    sync_folder(place)
    for segment in damaged:
        forget_companions(segment.path)
    forget_companions(fresh)
    fresh.rename(folder / CURRENT)
    sync_folder(folder)
    for segment in reversed(
        damaged
    ):  # the damaged row itself last: it tells whoever begins again where to begin
        if segment.path != folder / CURRENT:
            segment.path.unlink()
            sync_folder(segment.path.parent)


def _refuse_senseless(report: AuditReport, at_seq: int) -> None:
    if not 1 <= at_seq <= report.tip_seq + 1:
        raise BadInput(
            f"--quarantine wants the number of the first damaged row, 1 to {report.tip_seq + 1}; was {at_seq}."
        )
    if report.first_bad_seq is not None and report.first_bad_seq < at_seq:
        raise BadInput(
            f"row {report.first_bad_seq} is damaged, too, and comes before row {at_seq}. "
            f"Use --quarantine {report.first_bad_seq}."
        )


def _divide(files: list[Segment], at_seq: int) -> tuple[list[Segment], list[Segment]]:
    """Files that lie wholly before a row, and the others, of which the first may hold rows before it."""
    for index, segment in enumerate(files):
        try:
            with contextlib.closing(open_reader(segment.path, sealed=segment.sealed)) as connection:
                last = read_last(connection, read_meta(connection))[0]
        except sqlite3.Error:
            return files[:index], files[index:]
        if last >= at_seq or index == len(files) - 1:
            return files[:index], files[index:]
    raise AssertionError("unreachable: there is a last file")


def _meta_of(good: list[Segment], damaged: list[Segment], at_seq: int) -> Meta:
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(open_reader(damaged[0].path, sealed=damaged[0].sealed)) as connection,
    ):
        meta = read_meta(connection)
        if meta.previous_seq < at_seq:
            return meta
    if not good:
        return Meta("", 1, 0, GENESIS)
    seq, digest = last_of(good[-1])
    return Meta("", good[-1].number + 1, seq, digest)


def _newest_run(good: list[Segment]) -> dict[int, Run]:
    """The run that was going on when the last sound file ended, so that run numbers go on from it."""
    if not good:
        return {}
    with contextlib.closing(open_reader(good[-1].path, sealed=good[-1].sealed)) as connection:
        runs = read_runs(connection)
    return {run: runs[run] for run in sorted(runs)[-1:]}


def _salvage(fresh: Path, damaged: Segment, at_seq: int) -> tuple[int, bytes, str]:
    """Copy sound rows; return the last one's number and digest, and the new namespace."""
    target = open_writer(fresh)
    with contextlib.closing(target):
        meta = read_meta(target)
        position = meta.previous_seq
        target.execute("BEGIN IMMEDIATE")
        if position + 1 < at_seq:
            with contextlib.closing(open_reader(damaged.path, sealed=damaged.sealed)) as source:
                known = read_runs(target)
                for number, run in read_runs(source).items():
                    if number not in known:
                        insert_run(target, run)
                while rows := source.execute(_SELECT, (position, at_seq, N_COPIED)).fetchall():
                    target.executemany(_INSERT, rows)
                    position = rows[-1][0]
        target.execute("COMMIT")
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        seq, digest = read_last(target, meta)
    return seq, digest, meta.namespace


def _set_snapshots_aside(folder: Path, place: Path, last_seq: int) -> int:
    n = 0
    for path in sorted((folder / SNAPSHOTS).glob("*.snap")):
        seq = seq_of(path)
        if seq is None or seq > last_seq:
            path.rename(place / path.name)
            n += 1
    return n
