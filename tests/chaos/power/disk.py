"""What a disk has promised, and what a power cut leaves of the rest. Pure: operations in, files out.

A file's bytes are promised by syncing the file, its name by syncing the folder. Everything else may have reached the
disk or not: each sector in any state it had since, each size, each name. Source: Pillai et al., "All File Systems Are
Not Created Equal" (OSDI 2014), with one mercy: a rename is atomic, as on every journalling file system.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

SECTORS = (512, 4096)  # bytes that a device writes whole


@dataclass(frozen=True, slots=True)
class Named:
    """A folder's entry came, went or changed. `path` None: only `gone` went; `inode` 0: a folder."""

    path: str | None
    inode: int
    gone: str | None = None

    @property
    def folders(self) -> set[str]:
        """Folders that must be synced before it is promised; one of them is enough, as it is one transaction."""
        return {p.rpartition("/")[0] for p in (self.path, self.gone) if p is not None}


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes were written at an offset."""

    inode: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """A file was cut or stretched to a size."""

    inode: int
    size: int


@dataclass(frozen=True, slots=True)
class FileSynced:
    """A file's bytes and size are promised from here on."""

    inode: int


@dataclass(frozen=True, slots=True)
class SyncFailed:
    """A sync failed: the system takes the bytes for written, and they never reach the disk by a later sync.

    Readers still see them. Source: Rebello et al., "Can Applications Recover from fsync Failures?" (ATC 2020).
    """

    inode: int


@dataclass(frozen=True, slots=True)
class FolderSynced:
    """A folder's entries are promised from here on."""

    path: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody was told that something is durable. The judge holds the body to it."""

    what: str
    value: object


Operation = Named | Written | Resized | FileSynced | SyncFailed | FolderSynced | Acknowledged


@dataclass(frozen=True, slots=True)
class Weather:
    """How a cut treats what was not promised.

    sector   bytes that survive or not as one
    kept     chance that a change reached the disk anyway
    ordered  names survive in order, up to some moment; otherwise any of them
    debris   what a stretched file shows where nothing was written: zeros, or what lay there before
    flushed  the system had written each file back at some moment, as it does by itself after a while
    """

    sector: int
    kept: float
    ordered: bool
    debris: bool
    flushed: bool

    @classmethod
    def of(cls, chance: random.Random) -> "Weather":
        """Every extreme as often as the middle."""
        return cls(
            sector=chance.choice(SECTORS),
            kept=chance.choice((0.0, 0.1, 0.5, 0.9, 1.0)),
            ordered=chance.random() < 0.5,
            debris=chance.random() < 0.5,
            flushed=chance.random() < 0.5,
        )


@dataclass
class _File:
    durable: bytes = b""
    pending: list[Written | Resized] = field(default_factory=list)
    seen: bytes | None = (
        None  # by readers, where it differs from what pending changes make of the durable bytes
    )

    def now(self) -> bytes:
        """As every reader sees it."""
        return _changed(self.durable if self.seen is None else self.seen, self.pending)

    def sync(self) -> None:
        if self.seen is not None:
            self.seen = _changed(self.seen, self.pending)
        self.durable = _changed(self.durable, self.pending)
        self.pending.clear()

    def fail(self) -> None:
        self.seen = self.now()
        self.pending.clear()

    def torn(self, weather: Weather, chance: random.Random) -> bytes:
        """What is left after a cut."""
        if not self.pending:
            return self.durable
        sector, content = weather.sector, bytearray(self.durable)
        n_flushed = chance.randint(0, len(self.pending)) if weather.flushed else 0
        for change in self.pending[:n_flushed]:
            _apply(content, change)
        left, sizes = bytearray(content), [len(content)]
        states: dict[int, list[bytes]] = {}
        for change in self.pending[n_flushed:]:
            before = len(content)
            begin = change.offset if isinstance(change, Written) else min(before, change.size)
            end = begin + len(change.data) if isinstance(change, Written) else max(before, change.size)
            first, last = min(begin, before) // sector, (max(begin, end - 1)) // sector
            touched = range(first if begin > before else begin // sector, last + 1)
            for at in touched:
                states.setdefault(at, [bytes(content[at * sector : (at + 1) * sector])])
            _apply(content, change)
            for at in touched:
                states[at].append(bytes(content[at * sector : (at + 1) * sector]))
            sizes.append(len(content))
        size = sizes[-1] if chance.random() < weather.kept else chance.choice(sizes)
        del left[size:]
        left += chance.randbytes(size - len(left)) if weather.debris else bytes(size - len(left))
        for at, seen in states.items():
            chosen = seen[-1] if chance.random() < weather.kept else chance.choice(seen)
            start = at * sector
            left[start : start + len(chosen)] = chosen[: max(0, size - start)]
        return bytes(left[:size])


class Disk:
    """A disk that operations were applied to, in order."""

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        self._files: dict[int, _File] = {}
        self._names: dict[str, int] = {}
        self._renamed: list[Named] = []
        for operation in operations:
            self.apply(operation)

    def apply(self, operation: Operation) -> None:
        """Let one operation happen."""
        match operation:
            case Named():
                self._renamed.append(operation)
            case Written(inode=inode) | Resized(inode=inode):
                self._file(inode).pending.append(operation)
            case FileSynced(inode=inode):
                self._file(inode).sync()
            case SyncFailed(inode=inode):
                self._file(inode).fail()
            case FolderSynced(path=path):
                for change in [n for n in self._renamed if path in n.folders]:
                    _rename(self._names, change)
                    self._renamed.remove(change)
            case Acknowledged():
                pass

    def now(self) -> dict[str, bytes | None]:
        """Every file as readers see it, by path; None for a folder."""
        names = dict(self._names)
        for change in self._renamed:
            _rename(names, change)
        return {path: self._file(inode).now() if inode else None for path, inode in names.items()}

    def unpromised(self) -> set[str]:
        """Paths of which a cut could take something: bytes, a size, a name."""
        names = {path: inode for path, inode in self._names.items() if self._file(inode).pending}
        return set(names) | {
            p for change in self._renamed for p in (change.path, change.gone) if p is not None
        }

    def cut(self, chance: random.Random) -> dict[str, bytes | None]:
        """Files that a power cut leaves, by path; None for a folder."""
        weather, names = Weather.of(chance), dict(self._names)
        waiting = self._renamed
        if weather.ordered:
            n = len(waiting) if chance.random() < weather.kept else chance.randint(0, len(waiting))
            survived = waiting[:n]
        else:
            survived = [change for change in waiting if chance.random() < weather.kept]
        for change in survived:
            _rename(names, change)
        left: dict[str, bytes | None] = {}
        for path, inode in sorted(names.items()):
            folder = path.rpartition("/")[0]
            if not folder or (folder in left and left[folder] is None):  # what lay in a lost folder is lost
                left[path] = self._file(inode).torn(weather, chance) if inode else None
        return left

    def _file(self, inode: int) -> _File:
        return self._files.setdefault(inode, _File())


def acknowledged(operations: Iterable[Operation]) -> Mapping[str, list[object]]:
    """Everything that somebody was told, by what it is about, oldest first."""
    told: dict[str, list[object]] = {}
    for operation in operations:
        if isinstance(operation, Acknowledged):
            told.setdefault(operation.what, []).append(operation.value)
    return told


def _changed(content: bytes, changes: Iterable[Written | Resized]) -> bytes:
    left = bytearray(content)
    for change in changes:
        _apply(left, change)
    return bytes(left)


def _apply(content: bytearray, change: Written | Resized) -> None:
    if isinstance(change, Resized):
        content[change.size :] = bytes(max(0, change.size - len(content)))
        return
    if len(content) < change.offset:
        content += bytes(change.offset - len(content))
    content[change.offset : change.offset + len(change.data)] = change.data


def _rename(names: dict[str, int], change: Named) -> None:
    if change.gone is not None:
        names.pop(change.gone, None)
    if change.path is not None:
        names[change.path] = change.inode
