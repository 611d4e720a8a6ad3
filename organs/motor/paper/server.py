"""The paper venue as a process of its own: `python -m organs.motor.paper.server --state DIR --setup JSON`.

It outlives the body that talks to it, as a real exchange would. One thread, one request at a time; what a request
changed is durable before it is answered. With `--with-parent` it ends when its standard input closes.
"""

import argparse
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import msgspec

from organism.errors import BadInput, OrganismError
from organs.motor.paper.port import Local
from organs.motor.paper.wire import BOOK, SOCKET, Answered, Setup, decode_asked, frame, listen, split

_PIECE = 65_536
_SEND_S = 2.0  # a client that does not read for so long is hung up on; a guardian is patient for longer
_TURN_S = 0.25  # longest wait for a request: a guardian wants to hear of an idle venue, too


def server_command(state: Path, setup: Setup, *, with_parent: bool = True) -> list[str]:
    """The command line that starts a venue; `with_parent` ends it with whoever holds its standard input."""
    command = [sys.executable, "-m", "organs.motor.paper.server", "--state", os.fspath(state)]
    command += ["--setup", msgspec.json.encode(setup).decode()]
    return [*command, "--with-parent"] if with_parent else command


class Server:
    """Accepts connections and answers requests until told to stop."""

    def __init__(self, state: Path, setup: Setup) -> None:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._listener = listen(state)
        self._socket = state / SOCKET
        self._venue = Local(
            setup.settings, setup.instruments, state / BOOK, setup.seed, durability=setup.durability
        )
        self._buffers: dict[socket.socket, bytearray] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._parent: TextIO | None = None
        self._running = True

    def follow(self, parent: TextIO) -> None:
        """End when this closes."""
        self._parent = parent
        self._selector.register(parent, selectors.EVENT_READ)

    def stop(self) -> None:
        """End after the request in hand."""
        self._running = False

    def run(self, beat: Callable[[], None] = lambda: None) -> None:
        """Serve; `beat` is called between requests, at least four times a second."""
        try:
            while self._running:
                beat()
                for key, _ in self._selector.select(timeout=_TURN_S):
                    beat()
                    self._turn(key.fileobj)
        finally:
            self._socket.unlink(missing_ok=True)
            self._selector.close()
            for channel in (self._listener, *self._buffers):
                channel.close()
            self._venue.close()

    def _turn(self, source: object) -> None:
        if source is self._listener:
            channel, _ = self._listener.accept()
            channel.settimeout(_SEND_S)
            self._buffers[channel] = bytearray()
            self._selector.register(channel, selectors.EVENT_READ)
        elif isinstance(source, socket.socket):
            self._hear(source)
        elif self._parent is not None and not os.read(self._parent.fileno(), _PIECE):
            self._running = False

    def _hear(self, channel: socket.socket) -> None:
        try:
            piece = channel.recv(_PIECE)
            if not piece:
                raise ConnectionError("the client hung up")
            buffer = self._buffers[channel]
            buffer += piece
            while (content := split(buffer)) is not None:
                self._answer(channel, content)
        except (
            OSError,
            ValueError,
        ):  # a broken client must not end the venue; msgspec's errors are ValueErrors
            self._selector.unregister(channel)
            del self._buffers[channel]
            channel.close()

    def _answer(self, channel: socket.socket, content: bytes) -> None:
        asked = decode_asked(content)
        message = self._venue.handle(asked.effect, asked.sent_ns)
        channel.sendall(frame(Answered(asked.number, message)))  # type: ignore[arg-type]


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped; 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m organs.motor.paper.server", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="state folder, for example state/")
    parser.add_argument("--setup", required=True, help="settings and instruments, as JSON")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes")
    options = parser.parse_args(arguments)
    try:
        setup = _setup(options.setup)
        server = Server(options.state, setup)
    except OrganismError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    signal.signal(signal.SIGINT, lambda *_: server.stop())
    if options.with_parent:
        server.follow(sys.stdin)
    server.run()
    return 0


def _setup(text: str) -> Setup:
    try:
        return msgspec.json.decode(text, type=Setup)
    except msgspec.DecodeError as error:
        raise BadInput(f"The setup of the paper venue cannot be used: {error}.") from error


if __name__ == "__main__":
    sys.exit(main())
