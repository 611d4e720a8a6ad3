"""How the paper venue is spoken to from another process: frames on a Unix socket, msgpack in them."""

import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import msgspec

from organism.effects import VenueAdvance, VenueCancel, VenueQuery, VenueReport, VenueSubmit
from organism.errors import BadInput
from organism.market import Instrument
from organism.messages import CancelAnswered, QueryAnswered, ReportAnswered, SubmitAnswered, VenueAdvanced
from organism.settings import PaperSettings

SOCKET = "paper_venue.sock"
BOOK = "paper_venue.db"
LENGTH = struct.Struct(">I")
MAX_FRAME = 64 * 1024 * 1024
_MAX_PATH = 100  # bytes; the kernel's limit for a socket's path is 108


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue is told at its start."""

    settings: PaperSettings
    instruments: tuple[Instrument, ...]
    seed: int = 1
    durability: str = "full"


class Asked(msgspec.Struct, frozen=True):
    """A request. `number` comes back with the answer; `sent_ns` is monotonic, shared by one machine's processes."""

    number: int
    sent_ns: int
    effect: VenueAdvance | VenueSubmit | VenueCancel | VenueQuery | VenueReport


class Answered(msgspec.Struct, frozen=True):
    """The answer to request `number`."""

    number: int
    message: VenueAdvanced | SubmitAnswered | CancelAnswered | QueryAnswered | ReportAnswered


_encode = msgspec.msgpack.Encoder().encode
decode_asked = msgspec.msgpack.Decoder(Asked).decode
decode_answered = msgspec.msgpack.Decoder(Answered).decode


def frame(message: Asked | Answered) -> bytes:
    """Length, then content."""
    content = _encode(message)
    return LENGTH.pack(len(content)) + content


def split(buffer: bytearray) -> bytes | None:
    """Take one frame off the front of a buffer, if it is whole. Raises `ValueError` for an absurd length."""
    if len(buffer) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack_from(buffer)
    if size > MAX_FRAME:
        raise ValueError(f"a frame of {size} bytes is longer than the limit of {MAX_FRAME}")
    end = LENGTH.size + size
    if len(buffer) < end:
        return None
    content = bytes(buffer[LENGTH.size : end])
    del buffer[:end]
    return content


def connect(state: Path, timeout_s: float) -> socket.socket:
    """Connect to the venue of a state folder. Raises `OSError` when it is not there."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.settimeout(timeout_s)
    try:
        _at(state, channel.connect)
    except BaseException:
        channel.close()
        raise
    return channel


def listen(state: Path) -> socket.socket:
    """Listen in a state folder. Refused while another venue answers there."""
    try:
        connect(state, 1.0).close()
    except OSError:
        (state / SOCKET).unlink(missing_ok=True)
    else:
        raise BadInput(f"Another paper venue serves {state}. Stop it first.")
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _at(state, channel.bind)
        (state / SOCKET).chmod(0o600)
        channel.listen(8)
    except BaseException:
        channel.close()
        raise
    return channel


def _at(state: Path, use: Callable[[str], None]) -> None:
    """Use the socket's path, through the folder's descriptor when the path is too long for the kernel."""
    path = state / SOCKET
    if len(os.fsencode(path)) <= _MAX_PATH:
        use(os.fspath(path))
        return
    folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    try:
        use(f"/proc/self/fd/{folder}/{SOCKET}")
    finally:
        os.close(folder)
