"""The newest row's number and digest, kept outside the journal: a journal older than its tip was rolled back."""

import hashlib
import os
from pathlib import Path

import msgspec

from organism.errors import JournalDamaged

FILE = "journal.tip"


class Tip(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was durable when this was written. `digest` is hexadecimal.

    file   `fingerprint` of the current segment when it was closed in order, "" while it is in use
    """

    namespace: str
    seq: int
    digest: str
    file: str = ""


def read_tip(folder: Path) -> Tip | None:
    """The tip on disk, None when there is none."""
    try:
        data = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(data, type=Tip)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JournalDamaged(
            f"{FILE} could not be read ({error}), so nothing proves that the journal was not rolled back. "
            f"Run `organism verify`; `organism verify --quarantine SEQ` goes on from the row before SEQ."
        ) from error


def write_tip(folder: Path, tip: Tip, *, sync: bool) -> None:
    """Replace the tip on disk; a reader sees the old one or the new one."""
    write_atomically(folder / FILE, msgspec.json.encode(tip), sync=sync)


def write_atomically(path: Path, data: bytes, *, sync: bool) -> None:
    """Write a small private file (0600) whole or not at all. `sync` makes its content survive a power cut."""
    temporary = path.with_name(path.name + ".tmp")
    handle = os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        written = 0
        while written < len(data):
            written += os.write(handle, data[written:])
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)
    temporary.replace(path)


def fingerprint(path: Path) -> str:
    """SHA-256 over every byte of a file that changes no more, hexadecimal.

    It finds what no row can tell of: a changed byte in a page's free space, in a header, in a table beside the rows.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_new_folder(folder: Path) -> None:
    """Make a folder's own name survive a power cut, and the names of those above it, which may be as new."""
    for parent in folder.absolute().parents:
        try:
            sync_folder(parent)
        except PermissionError:  # whoever may not look into it did not make anything in it just now
            return


def sync_file(path: Path) -> None:
    """Make a file's bytes and size survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make names in a folder (created, renamed, removed) survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
