"""A bad line: a proxy on loopback between a client and a server, which does to messages what it is told to.

One thread and no library: it listens on a Unix socket or a TCP port of loopback, connects to the server for every
client, and asks `decide` about each whole message. What it did is counted when it was done, never when it was ordered.
"""

import contextlib
import os
import random
import selectors
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from organism.chaos.sockets import Address, connected, listening, torn
from organism.chaos.strikes import (
    Decide,
    Delay,
    Drip,
    Drop,
    Duplicate,
    Framing,
    Freeze,
    HalfOpen,
    Reorder,
    Reset,
    Rewrite,
    Strike,
    Truncate,
    Way,
    pieces,
)

_PIECE = 65_536
_IDLE_S = 0.5  # longest sleep: commands of other threads wake it
_RETRY_S = 0.002  # a reader that is full is tried again after so long


@dataclass(slots=True)
class _Parcel:
    """Bytes to be sent at `due_s`; `n` of them at a time, every `pause_s`.

    done   called after the last; of what drips, after the second piece
    """

    due_s: float
    data: bytes
    n: int = 0
    pause_s: float = 0.0
    done: Callable[[], None] | None = None
    lost: Callable[[], None] | None = None  # the peer gave up before it was sent
    has_dripped: bool = False


@dataclass(slots=True)
class _Flow:
    """One direction of a connection."""

    way: Way
    source: socket.socket
    sink: socket.socket
    buffer: bytearray = field(default_factory=bytearray)
    queue: deque[_Parcel] = field(default_factory=deque)
    swapped: tuple[bytes, Strike] | None = None
    is_frozen: bool = False
    has_ended: bool = False
    is_shut: bool = False
    is_dead: bool = False


@dataclass(slots=True)
class _Link:
    """A client and its connection to the server."""

    flows: tuple[_Flow, _Flow]
    is_open: bool = True


class Proxy:
    """Between `listen` and `target`, until closed.

    listen     where clients come: a path, or (host, port) with port 0 for any free one
    framing    how messages are told apart; without one every piece read counts as a message
    seed       of the jitter
    seen       how often each strike happened, by its name
    n_accepted, n_messages   connections, and messages by direction, since the start
    """

    def __init__(
        self,
        listen: Address,
        target: Address,
        *,
        decide: Decide = lambda _way, _message: None,
        framing: Framing = pieces,
        seed: int = 1,
    ) -> None:
        self.decide = decide
        self.seen: Counter[str] = Counter()
        self.n_accepted = 0
        self.n_messages: Counter[Way] = Counter()
        self._target = target
        self._framing = framing
        self._chance = random.Random(f"jitter-{seed}")
        self._path = listen if isinstance(listen, Path) else None
        self._listener = listening(listen)
        self.address: Address = listen if isinstance(listen, Path) else self._listener.getsockname()[:2]
        self._links: list[_Link] = []
        self._changed = threading.Condition()
        self._is_down = self._is_stopped = self._thaws = False
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    # -------------------------------------------------------------- from other threads

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def down(self, *, is_down: bool = True) -> None:
        """Refuse every client from now on (counted as "down"); those that are connected stay so."""
        self._is_down = is_down
        self._wake()

    def thaw(self) -> None:
        """Let go of everything that was frozen."""
        self._thaws = True
        self._wake()

    def wait_seen(self, name: str, n: int = 1, deadline_s: float = 10.0) -> bool:
        """Wait until a strike has happened n times; False if it did not within the deadline."""
        with self._changed:
            return self._changed.wait_for(lambda: self.seen[name] >= n, deadline_s)

    def close(self) -> None:
        """Hang up on everybody."""
        self._is_stopped = True
        self._wake()
        self._thread.join(5.0)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake_write, b".")

    # -------------------------------------------------------------- the thread

    def _run(self) -> None:
        try:
            while not self._is_stopped:
                for key, _ in self._selector.select(self._sleep_s()):
                    self._turn(key)
                if self._thaws:
                    self._thaws = False
                    for link in self._links:
                        for flow in link.flows:
                            flow.is_frozen = False
                            self._frames(link, flow)
                for link in tuple(self._links):
                    self._pump(link)
        finally:
            for link in tuple(self._links):
                self._end(link)
            self._selector.close()
            self._listener.close()
            if self._path is not None:
                self._path.unlink(missing_ok=True)
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _sleep_s(self) -> float:
        due = [f.queue[0].due_s for link in self._links for f in link.flows if f.queue]
        return max(0.0, min(_IDLE_S, min(due, default=float("inf")) - time.monotonic()))

    def _turn(self, key: selectors.SelectorKey) -> None:
        if key.fileobj is self._listener:
            self._accept()
        elif key.data is None:
            os.read(self._wake_read, _PIECE)
        else:
            link, flow = key.data
            self._hear(link, flow)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        self.n_accepted += 1
        if self._is_down:
            torn(client)
            self._saw("down")
            return
        try:
            server = connected(self._target)
        except OSError:
            torn(client)
            self._saw("no server")
            return
        link = _Link((_Flow(Way.UP, client, server), _Flow(Way.DOWN, server, client)))
        for flow in link.flows:
            flow.source.settimeout(0.0)
            self._selector.register(flow.source, selectors.EVENT_READ, (link, flow))
        self._links.append(link)

    def _hear(self, link: _Link, flow: _Flow) -> None:
        if not link.is_open:
            return
        try:
            piece = flow.source.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._selector.unregister(flow.source)
            flow.has_ended = True
            return
        flow.buffer += piece
        self._frames(link, flow)

    def _frames(self, link: _Link, flow: _Flow) -> None:
        while link.is_open and not flow.is_frozen:
            message = self._framing(flow.buffer)
            if message is None:
                return
            self.n_messages[flow.way] += 1
            self._befall(link, flow, message, self.decide(flow.way, message))

    def _befall(self, link: _Link, flow: _Flow, message: bytes, strike: Strike | None) -> None:
        """Do to a message what was decided."""
        if strike is None:
            self._forward(flow, message)
            return
        name, behaviour = strike.name, strike.behaviour
        match behaviour:
            case Delay(fixed_s, jitter_s):
                late_s = fixed_s + jitter_s * self._chance.random()
                self._forward(flow, message, late_s=late_s, told=name)
            case Drip(pause_s, n_bytes):
                self._forward(flow, message, drip=(n_bytes, pause_s), told=name)
            case Drop():
                self._saw(name)
            case Reset():
                self._end(link, tear=True)
                self._saw(name)
            case HalfOpen():
                self._abandon(link)
                self._saw(name)
            case Truncate(n_bytes):
                self._forward(flow, message[:n_bytes])
                self._pump(link)
                self._end(link)
                self._saw(name)
            case Duplicate():
                self._forward(flow, message)
                self._forward(flow, message, told=name)
            case Reorder():
                self._swap(flow, message, strike)
            case Freeze():
                flow.is_frozen = True
                flow.buffer[:0] = message
                self.n_messages[flow.way] -= 1  # it is met again after the thaw
                self._saw(name)
            case Rewrite(change):
                self._forward(flow, change(message), told=name)

    def _swap(self, flow: _Flow, message: bytes, strike: Strike) -> None:
        if flow.swapped is not None:  # one at a time: the first goes out as it should have
            self._forward(flow, flow.swapped[0])
        flow.swapped = (message, strike)

    def _forward(
        self,
        flow: _Flow,
        data: bytes,
        *,
        late_s: float = 0.0,
        drip: tuple[int, float] = (0, 0.0),
        told: str = "",
    ) -> None:
        earliest = flow.queue[-1].due_s if flow.queue else 0.0
        saw = (lambda: self._saw(told)) if told else None
        due_s = max(time.monotonic() + late_s, earliest)
        flow.queue.append(_Parcel(due_s, data, drip[0], drip[1], saw, saw if late_s or drip[0] else None))
        if flow.swapped is not None:
            (message, strike), flow.swapped = flow.swapped, None
            flow.queue.append(_Parcel(due_s, message, done=lambda: self._saw(strike.name)))

    def _pump(self, link: _Link) -> None:
        """Send what is due, and pass on that an end has said its last."""
        for flow in link.flows:
            if not link.is_open:
                return
            while flow.queue and self._sent(flow):
                pass
            if flow.has_ended and not flow.is_shut and not flow.is_frozen:
                if flow.swapped is not None:  # nothing follows any more that it could come after
                    flow.queue.append(_Parcel(0.0, flow.swapped[0]))
                    flow.swapped = None
                elif not flow.queue:
                    flow.is_shut = True
                    with contextlib.suppress(OSError):
                        flow.sink.shutdown(socket.SHUT_WR)
        if link.is_open and all(flow.is_shut or flow.is_dead for flow in link.flows):
            self._end(link)

    def _sent(self, flow: _Flow) -> bool:
        """Send of the first parcel what may be sent now; whether the next may be looked at."""
        parcel = flow.queue[0]
        now_s = time.monotonic()
        if parcel.due_s > now_s:
            return False
        try:
            n = flow.sink.send(parcel.data[: parcel.n or len(parcel.data)]) if parcel.data else 0
        except BlockingIOError:
            parcel.due_s = now_s + _RETRY_S
            return False
        except OSError:  # this end is gone; what the other one said may still be on its way
            self._lose(flow)
            return False
        parcel.data = parcel.data[n:]
        parcel.due_s = now_s + parcel.pause_s
        if parcel.n and parcel.has_dripped and parcel.done is not None:
            parcel.done()
            parcel.done = parcel.lost = None
        parcel.has_dripped = True
        if not parcel.data:
            flow.queue.popleft()
            if parcel.done is not None:
                parcel.done()
        return True

    def _lose(self, flow: _Flow) -> None:
        """Nobody reads there any more: what was late or dripping was lost by that, and counts as seen."""
        flow.is_dead = True
        lost = [parcel.lost for parcel in flow.queue if parcel.lost is not None]
        flow.queue.clear()
        for told in lost:
            told()

    def _abandon(self, link: _Link) -> None:
        """Neither read nor written any more; both ends stay open until the proxy is closed."""
        for flow in link.flows:
            self._forget(flow.source)
            flow.queue.clear()
        link.is_open = False

    def _end(self, link: _Link, *, tear: bool = False) -> None:
        link.is_open = False
        for flow in link.flows:
            self._forget(flow.source)
            self._lose(flow)
            if tear:
                torn(flow.source)
            else:
                flow.source.close()
        if link in self._links:
            self._links.remove(link)

    def _forget(self, channel: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(channel)

    def _saw(self, name: str) -> None:
        with self._changed:
            self.seen[name] += 1
            self._changed.notify_all()
