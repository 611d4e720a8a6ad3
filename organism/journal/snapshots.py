"""States of organs on disk, so that recovery need not replay a whole life. Losing them costs only time."""

import hashlib
import re
import typing
from pathlib import Path
from typing import Any

import msgspec

from organism.journal.tip import sync_folder, write_atomically
from organism.timers import Timer

FOLDER = "snapshots"
N_KEPT = 2  # of each organ: the newest, and one to fall back on
_MAGIC = b"organism snapshot 1\n"
_NAME = re.compile(r"(\w+)-(\d+)\.snap")


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """An organ after one of its steps.

    step           number of that step
    seq            journal row of that step; save only when this row is durable
    horizon_seq    every message to this organ in rows up to here was consumed by row `seq`; rows after it may
                   hold messages still pending, and are read again
    state          msgpack of the core's state
    state_version  `state_version` of the core's state type: another one means that the bytes say something else
    code_version   of the organism that saved it, for people
    run            run of the journal that saved it, whose monotonic clock its timers are on; 0: that of row `seq`
    timers         what the organ had scheduled and was still to fire
    seen           ids of envelopes consumed last, oldest first, so that a duplicate is still known as one
    """

    organ: str
    step: int
    seq: int
    horizon_seq: int
    state: bytes
    state_version: str
    code_version: str = ""
    run: int = 0
    timers: tuple[Timer, ...] = ()
    seen: tuple[str, ...] = ()


def state_version(state_type: type) -> str:
    """Digest of a state type's form: names and types of all fields, nested ones included."""
    parts: list[str] = []
    _describe(state_type, parts, set())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _describe(kind: Any, parts: list[str], known: set[Any]) -> None:
    for argument in typing.get_args(kind):
        _describe(argument, parts, known)
    if not isinstance(kind, type) or kind in known:
        return
    known.add(kind)
    if issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            parts.append(f"{kind.__qualname__}.{field.encode_name}: {field.type!r}")
            _describe(field.type, parts, known)


class SnapshotStore:
    """Snapshots in a folder: one file each, written whole or not at all, with a digest inside.

    sync   survive a power cut, too; without it a torn file is found by its digest and the older one is used
    """

    def __init__(self, folder: Path, *, sync: bool = False, keep: int = N_KEPT) -> None:
        self._folder = folder
        self._sync = sync
        self._keep = keep
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def save(self, snapshot: Snapshot) -> Path:
        """Write a snapshot and drop the oldest ones of the same organ."""
        body = msgspec.msgpack.encode(snapshot)
        path = self._folder / f"{snapshot.organ}-{snapshot.seq:015d}.snap"
        write_atomically(path, _MAGIC + hashlib.sha256(body).digest() + body, sync=self._sync)
        if self._sync:
            sync_folder(self._folder)
        for old in self._paths(snapshot.organ)[self._keep :]:
            old.unlink(missing_ok=True)
        return path

    def load(
        self, organ: str, state_type: type | None = None, *, until_seq: int | None = None
    ) -> Snapshot | None:
        """Newest usable snapshot of an organ, None when there is none.

        Broken ones are passed over; so are those of another form of `state_type`, and those of rows after
        `until_seq`, which the journal does not have.
        """
        wanted = None if state_type is None else state_version(state_type)
        for path in self._paths(organ):
            snapshot = read_snapshot(path)
            if snapshot is None or snapshot.organ != organ:
                continue
            if wanted is not None and snapshot.state_version != wanted:
                continue
            if until_seq is not None and snapshot.seq > until_seq:
                continue
            return snapshot
        return None

    def _paths(self, organ: str) -> list[Path]:
        """Files of an organ, newest first."""
        found = [(seq_of(path) or 0, path) for path in self._folder.glob(f"{organ}-*.snap")]
        return [path for _, path in sorted(found, reverse=True)]


def read_snapshot(path: Path) -> Snapshot | None:
    """A snapshot file's content, None when it is not whole."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    start = len(_MAGIC) + 32
    body = data[start:]
    if data[: len(_MAGIC)] != _MAGIC or hashlib.sha256(body).digest() != data[len(_MAGIC) : start]:
        return None
    try:
        return msgspec.msgpack.decode(body, type=Snapshot)
    except msgspec.DecodeError:
        return None


def seq_of(path: Path) -> int | None:
    """Journal row that a snapshot's file name claims."""
    match = _NAME.fullmatch(path.name)
    return int(match[2]) if match else None
