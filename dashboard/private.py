"""Files that hold what only their owner may read: looser ones are refused, never repaired."""

import os
import stat
from pathlib import Path

MODE = 0o600


class NotPrivate(Exception):
    """Says which file, what it was, and what to do."""


def read(path: Path, most: int) -> bytes | None:
    """The first `most` bytes; None where there is no such file. Raises `NotPrivate`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotPrivate(f"{path.name} could not be opened: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        mode = stat.S_IMODE(found.st_mode)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or mode & 0o077:
            raise NotPrivate(f"{path.name} had mode {mode:03o}; it must be yours alone: chmod 600 it")
        return file.read(most)


def write(path: Path, content: bytes, *, fresh: bool = False) -> None:
    """Write it whole or not at all, for its owner alone. fresh: raises `FileExistsError` where there is one already."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), MODE)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if fresh:
            os.link(part, path)  # fails where another was quicker, which a rename would not
        else:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
