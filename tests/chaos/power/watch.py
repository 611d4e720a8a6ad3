"""Watching everything that reaches a folder: through SQLite (an apsw VFS) and through `os`.

Bytes go to the real file system, which shows what readers see; the notes say what it promised. `complete` compares the
two, so a write that went past the watcher cannot stay unseen.
"""

import contextlib
import errno
import itertools
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import apsw

from tests.chaos.power.adapter import Adapted, flags_of, path_of
from tests.chaos.power.disk import (
    Acknowledged,
    Disk,
    FileSynced,
    FolderSynced,
    Named,
    Operation,
    Resized,
    SyncFailed,
    Written,
)

_n_watchers = itertools.count(1)
_NEW_LOG = (
    apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL
)  # SQLite syncs the folder of these with their first sync, when it may create them


def as_written(sql: str) -> str:
    """Change nothing."""
    return sql


class Watcher:
    """Notes of one folder.

    rewrite            changes each statement: sabotage
    strike             asked with (operation, path) before each one; 0, or the error number of a bad disk
    blind_to_folders   a disk that never promises names: sabotage
    n_before           numbers that earlier lives have used up
    """

    def __init__(
        self,
        root: Path,
        *,
        rewrite: Callable[[str], str] = as_written,
        strike: Callable[[str, str], int] = lambda kind, path: 0,
        blind_to_folders: bool = False,
        n_before: int = 0,
    ) -> None:
        self.root = str(root)
        self.operations: list[Operation] = []
        self.rewrite = rewrite
        self.strike = strike
        self.vfs = f"watched-{next(_n_watchers)}"
        self._numbers = itertools.count(1)
        self._blind = blind_to_folders
        self._inodes: dict[str, int] = {}
        self._handles: dict[int, str | int] = {}  # a folder's path, or a file's inode
        self._paths: dict[int, str] = {}
        self._at: dict[int, int] = {}
        self.n_before = n_before
        self._adopt()
        self.n_adopted = len(self.operations)

    def _adopt(self) -> None:
        """What lies there already is promised."""
        for folder, folders, files in os.walk(self.root):
            for name in folders:
                self._name(f"{folder}/{name}", 0)
            for name in files:
                path = f"{folder}/{name}"
                if self.seen(path) is not None:
                    inode = self._name(path)
                    self.operations.append(Written(inode, 0, Path(path).read_bytes()))
                    self.operations.append(FileSynced(inode))
            self.operations.append(FolderSynced(self._relative(folder)))

    def acknowledge(self, what: str, value: object) -> None:
        """Somebody was told."""
        self.operations.append(Acknowledged(what, value))

    def complete(self) -> None:
        """Prove that the notes tell all: with nothing lost, they give the folder as it is."""
        really = {}
        for folder, folders, files in os.walk(self.root):
            really.update({self._relative(f"{folder}/{name}"): None for name in folders})
            for name in files:
                path = f"{folder}/{name}"
                if self.seen(path) is not None:
                    really[self._relative(path)] = Path(path).read_bytes()
        noted = Disk(self.operations).now()
        different = [p for p in really.keys() | noted.keys() if really.get(p, 0) != noted.get(p, 0)]
        assert not different, f"written past the watcher: {sorted(different)}"

    # -------------------------------------------------------------- what is noted

    def seen(self, path: Any) -> str | None:
        """The path when it is ours; SQLite's shared memory is no part of what is promised."""
        if isinstance(path, int) or path is None:
            return None
        text = _absolute(path)
        return text if text.startswith(self.root + "/") and not text.endswith("-shm") else None

    def inode(self, path: str) -> int:
        """Number of the file with this name; a new one when there is none."""
        found = self._inodes.get(path)
        return self._name(path) if found is None else found

    def wrote(self, inode: int, offset: int, data: bytes) -> None:
        """Note bytes."""
        self.operations.append(Written(inode, offset, bytes(data)))

    def resized(self, inode: int, size: int) -> None:
        """Note a size."""
        self.operations.append(Resized(inode, size))

    def synced(self, inode: int) -> None:
        """Note a promise."""
        self.operations.append(FileSynced(inode))

    def sync_failed(self, inode: int) -> None:
        """Note a promise that was refused."""
        self.operations.append(SyncFailed(inode))

    def synced_folder(self, path: str) -> None:
        """Note a promise about names."""
        if not self._blind:
            self.operations.append(FolderSynced(self._relative(path)))

    def gone(self, path: str) -> None:
        """Note that a name went."""
        if self._inodes.pop(path, None) is not None:
            self.operations.append(Named(None, 0, self._relative(path)))

    def _name(self, path: str, inode: int | None = None) -> int:
        number = next(self._numbers) if inode is None else inode
        self._inodes[path] = number
        if number:
            self._paths[number] = path
        self.operations.append(Named(self._relative(path), number))
        return number

    def _relative(self, path: str) -> str:
        return path[len(self.root) + 1 :]

    # -------------------------------------------------------------- os

    def _fail(self, kind: str, path: str) -> None:
        number = self.strike(kind, path)
        if number:
            raise OSError(number, os.strerror(number), path)

    def _open(self, real: Any, path: Any, flags: int, *rest: Any, **more: Any) -> int:
        ours = self.seen(path)
        if ours is not None and not Path(ours).is_dir() and flags & (os.O_WRONLY | os.O_RDWR):
            self._fail("open", ours)
        handle: int = real(path, flags, *rest, **more)
        if ours is not None:
            if Path(ours).is_dir():
                self._handles[handle] = ours
            else:
                inode = self._handles[handle] = self.inode(ours)
                self._at[handle] = 0
                if flags & os.O_TRUNC:
                    self.resized(inode, 0)
        elif _absolute(path) == self.root:
            self._handles[handle] = self.root
        return handle

    def _write(self, real: Any, handle: int, data: Any) -> int:
        inode = self._handles.get(handle)
        if inode is None:
            return int(real(handle, data))
        assert isinstance(inode, int)
        self._fail("write", self._paths[inode])
        n = int(real(handle, data))
        self.wrote(inode, self._at[handle], data[:n])
        self._at[handle] += n
        return n

    def _fsync(self, real: Any, handle: int) -> None:
        what = self._handles.get(handle)
        if isinstance(what, int):
            number = self.strike("sync", self._paths[what])
            if number:
                self.sync_failed(what)
                raise OSError(number, os.strerror(number))
            self.synced(what)
        elif what is not None:
            self._fail("sync", what)
            self.synced_folder(what)
        else:
            real(handle)

    def _close(self, real: Any, handle: int) -> None:
        self._handles.pop(handle, None)
        real(handle)

    def _rename(self, real: Any, source: Any, target: Any, **more: Any) -> None:
        ours, there = self.seen(source), self.seen(target)
        if ours is not None:
            self._fail("rename", ours)
        real(source, target, **more)
        if ours is not None and there is not None:
            inode = self._inodes.pop(ours)
            self._inodes[there] = inode
            self._paths[inode] = there
            self.operations.append(Named(self._relative(there), inode, self._relative(ours)))

    def _link(self, real: Any, source: Any, target: Any, **more: Any) -> None:
        real(source, target, **more)
        ours, there = self.seen(source), self.seen(target)
        if ours is not None and there is not None:
            self._name(there, self._inodes[ours])

    def _unlink(self, real: Any, path: Any, **more: Any) -> None:
        real(path, **more)
        ours = self.seen(path)
        if ours is not None:
            self.gone(ours)

    def _mkdir(self, real: Any, path: Any, *rest: Any, **more: Any) -> None:
        real(path, *rest, **more)
        ours = self.seen(path)
        if ours is not None:
            self._name(ours, 0)

    # -------------------------------------------------------------- sqlite3

    def connect(self, real: Any, database: Any, timeout: float = 5.0, **options: Any) -> Any:
        """As `sqlite3.connect`."""
        uri = bool(options.get("uri"))
        if self.seen(path_of(database, uri=uri)) is None:
            return real(database, timeout, **options)
        return Adapted(
            os.fspath(database), flags_of(uri), self.vfs, timeout, options.get("isolation_level", ""), self.rewrite
        )  # fmt: skip

    @contextlib.contextmanager
    def watching(self, *, clock: bool = True) -> Iterator["Watcher"]:
        """Watch; with `clock`, time counts looks at it, so that the same seed does the same twice."""
        vfs = _Vfs(self)
        with contextlib.ExitStack() as stack:
            for name, method in (
                ("open", self._open), ("write", self._write), ("fsync", self._fsync), ("fdatasync", self._fsync),
                ("close", self._close), ("rename", self._rename), ("link", self._link), ("replace", self._rename),
                ("unlink", self._unlink), ("remove", self._unlink), ("mkdir", self._mkdir),
            ):  # fmt: skip
                stack.enter_context(mock.patch.object(os, name, _through(method, getattr(os, name))))
            stack.enter_context(
                mock.patch.object(sqlite3, "connect", _through(self.connect, sqlite3.connect))
            )
            if clock:
                looks = itertools.count(1)
                for name, per_look in (("monotonic", 1e-3), ("time_ns", 10**6)):
                    stack.enter_context(mock.patch.object(time, name, _counting(looks, per_look)))
            yield self
        vfs.unregister()


def _counting(looks: Iterator[int], per_look: float) -> Callable[[], float]:
    return lambda: next(looks) * per_look


def _absolute(path: Any) -> str:
    return str(Path(os.fspath(path)).absolute())


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _through(method: Callable[..., Any], real: Callable[..., Any]) -> Callable[..., Any]:
    def patched(*arguments: Any, **options: Any) -> Any:
        return method(real, *arguments, **options)

    return patched


class _Vfs(apsw.VFS):
    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        super().__init__(watcher.vfs, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(name, flags, self._watcher)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        ours = self._watcher.seen(filename)
        super().xDelete(filename, syncdir)
        if ours is not None:
            self._watcher.gone(ours)
            if syncdir:
                self._watcher.synced_folder(_folder(ours))


class _File(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], watcher: Watcher) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._ours = watcher.seen(path)
        self._watcher = watcher
        self._syncs_folder = bool(flags[0] & apsw.SQLITE_OPEN_CREATE) and bool(flags[0] & _NEW_LOG)
        if self._ours is not None and flags[0] & apsw.SQLITE_OPEN_READWRITE:
            _fail(watcher.strike("open", self._ours), apsw.CantOpenError, apsw.SQLITE_CANTOPEN)
        super().__init__("", name, flags)
        self._inode = watcher.inode(self._ours) if self._ours is not None else 0

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        number = self._watcher.strike("write", self._ours) if self._ours is not None else 0
        if number:
            data = data[: len(data) // 2]  # a full disk takes what still fits
        super().xWrite(data, offset)
        if self._ours is not None:
            self._watcher.wrote(self._inode, offset, data)
            _fail(number, apsw.IOError, apsw.SQLITE_IOERR_WRITE)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        if self._ours is not None:
            _fail(self._watcher.strike("truncate", self._ours), apsw.IOError, apsw.SQLITE_IOERR_TRUNCATE)
        super().xTruncate(newsize)
        if self._ours is not None:
            self._watcher.resized(self._inode, newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self._ours is None:
            super().xSync(flags)
            return
        number = self._watcher.strike(
            "sync", self._ours
        )  # nothing is really synced: the notes are what counts
        if number:
            self._watcher.sync_failed(self._inode)
            _fail(number, apsw.IOError, apsw.SQLITE_IOERR_FSYNC)
        self._watcher.synced(self._inode)
        if self._syncs_folder:
            self._watcher.synced_folder(_folder(self._ours))
            self._syncs_folder = False


def _fail(number: int, kind: type[apsw.Error], extended: int) -> None:
    """Raise what SQLite makes of an error number."""
    if number:
        is_full = number == errno.ENOSPC
        error = apsw.FullError("database or disk is full") if is_full else kind(os.strerror(number))
        error.extendedresult = apsw.SQLITE_FULL if is_full else extended
        raise error
