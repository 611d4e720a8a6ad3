"""Sockets on this machine: a Unix socket at a path, or a TCP port of loopback."""

import contextlib
import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

from organism.errors import BadInput

Address = Path | tuple[str, int]
_CONNECT_S = 2.0
_AGAIN_S = 0.001
_MAX_PATH = 100  # bytes; the kernel's limit for a socket's path is 108
_LINGER_NOT = struct.pack("ii", 1, 0)


def port_of(at: Address) -> int:
    """The TCP port of an address. Raises `BadInput` for a path."""
    if isinstance(at, Path):
        raise BadInput(f"a Unix socket has no port; was {at}.")
    return at[1]


def listening(at: Address) -> socket.socket:
    """Listen; what was left at a path is taken away first."""
    family = socket.AF_UNIX if isinstance(at, Path) else socket.AF_INET
    channel = socket.socket(family, socket.SOCK_STREAM)
    try:
        if isinstance(at, Path):
            at.unlink(missing_ok=True)
            _at(at, channel.bind)
            at.chmod(0o600)
        else:
            channel.bind(at)
        channel.listen(64)
    except BaseException:
        channel.close()
        raise
    return channel


def connected(to: Address) -> socket.socket:
    """Connect, within two seconds; raises `OSError`."""
    family = socket.AF_UNIX if isinstance(to, Path) else socket.AF_INET
    channel = socket.socket(family, socket.SOCK_STREAM)
    channel.settimeout(_CONNECT_S)
    try:
        if isinstance(to, Path):
            _at(to, lambda path: _patiently(channel, path))
        else:
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            channel.connect(to)
    except BaseException:
        channel.close()
        raise
    return channel


def _patiently(channel: socket.socket, path: str) -> None:
    """Connect to a Unix socket. One whose queue is full refuses at once, whatever the timeout: it is asked again."""
    end = time.monotonic() + _CONNECT_S
    while True:
        try:
            channel.connect(path)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(_AGAIN_S)
        else:
            return


def _at(path: Path, use: Callable[[str], None]) -> None:
    """Use a socket's path, through its folder's descriptor when the path is too long for the kernel."""
    if len(os.fsencode(path)) <= _MAX_PATH:
        use(os.fspath(path))
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        use(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def torn(channel: socket.socket) -> None:
    """Close at once: over TCP the peer gets RST."""
    with contextlib.suppress(OSError):
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    channel.close()
