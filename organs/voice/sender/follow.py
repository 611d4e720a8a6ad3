"""Following the log files of all processes as they grow: what is new since the last look, in bounds."""

import contextlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

_NAME = re.compile(r"[A-Za-z][\w-]{0,40}\.jsonl")
_AT_ONCE = 1 << 18  # bytes read of one file in one look
_decode = msgspec.json.Decoder().decode


@dataclass(slots=True)
class _File:
    descriptor: int
    at: int
    rest: bytes = b""


class Follower:
    """Begins at the end of what there is: nobody wants last week's errors once more."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, _File] = {}
        for name in self._names():
            if (file := self._opened(name)) is not None:
                file.at = os.fstat(file.descriptor).st_size
                self._files[name] = file

    def lines(self) -> list[dict[str, Any]]:
        """What was written since, each line once; a file that was moved aside is read to its end first."""
        found: list[dict[str, Any]] = []
        for name in {*self._names(), *self._files}:
            file = self._files.get(name) or self._opened(name)
            if file is None:
                continue
            self._files[name] = file
            new = self._read(file)
            found += new
            if not new and self._is_another(name, file):
                os.close(self._files.pop(name).descriptor)
                if (file := self._opened(name)) is not None:
                    self._files[name] = file
                    found += self._read(file)
        return found

    def close(self) -> None:
        """Let go of the files."""
        while self._files:
            os.close(self._files.popitem()[1].descriptor)

    def _names(self) -> list[str]:
        with contextlib.suppress(OSError):
            return sorted(path.name for path in self._folder.iterdir() if _NAME.fullmatch(path.name))
        return []

    def _opened(self, name: str) -> _File | None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(self._folder / name, flags)
        except OSError:
            return None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        return _File(descriptor, 0)

    def _is_another(self, name: str, file: _File) -> bool:
        try:
            now = (self._folder / name).lstat()
        except OSError:
            return True
        return not os.path.samestat(now, os.fstat(file.descriptor))

    def _read(self, file: _File) -> list[dict[str, Any]]:
        try:
            if os.fstat(file.descriptor).st_size < file.at:  # emptied
                file.at, file.rest = 0, b""
            block = os.pread(file.descriptor, _AT_ONCE, file.at)
        except OSError:
            return []
        file.at += len(block)
        *whole, rest = (file.rest + block).split(b"\n")
        file.rest = rest if len(rest) < _AT_ONCE else b""
        found = []
        for raw in whole:
            with contextlib.suppress(msgspec.DecodeError, RecursionError):
                line = _decode(raw)
                if isinstance(line, dict) and isinstance(line.get("timestamp"), str):
                    found.append(line)
        return found
