"""What may befall a message on its way, and who decides which message it befalls. Pure: no socket, no clock.

A strike names a behaviour, the direction it strikes in and which messages it wants. `Armed` strikes what it was told
to, so often as it was told; `Seeded` draws by seed, so that the same traffic meets the same fate.
"""

import enum
import random
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from organism.errors import BadInput


class Way(enum.Enum):
    """Direction of a message."""

    UP = "client to server"
    DOWN = "server to client"


@dataclass(frozen=True, slots=True)
class Delay:
    """It comes `fixed_s` plus up to `jitter_s` late; what follows waits behind it."""

    fixed_s: float
    jitter_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Drip:
    """It comes in pieces of `n_bytes`, one every `pause_s`."""

    pause_s: float
    n_bytes: int = 1


@dataclass(frozen=True, slots=True)
class Drop:
    """It never comes; what follows does."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is torn down towards both ends instead (RST; a Unix socket only hangs up)."""


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """The peer is gone without a word: from this message on nothing is read or written, nor closed."""


@dataclass(frozen=True, slots=True)
class Truncate:
    """Its first bytes come, then the connection is closed in order."""

    n_bytes: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """It comes twice."""


@dataclass(frozen=True, slots=True)
class Reorder:
    """It comes after the message that follows it."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """It and whatever follows waits until `Proxy.thaw`, as if the peer had been stopped."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Something else comes in its place; `b""` nothing."""

    change: Callable[[bytes], bytes]


Behaviour = (
    Delay | Drip | Drop | Reset | HalfOpen | Truncate | Duplicate | Reorder | Freeze | Rewrite
)  # fmt: skip


def _any(_message: bytes) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Strike:
    """name: what it is counted under. wants: which whole messages (or pieces, without framing) it may befall."""

    name: str
    way: Way
    behaviour: Behaviour
    wants: Callable[[bytes], bool] = _any


Decide = Callable[[Way, bytes], Strike | None]


class Armed:
    """Strikes what it was told to, in the order of arming, each strike `times` times (None: until disarmed)."""

    def __init__(self) -> None:
        self._armed: list[tuple[Strike, int | None]] = []
        self._lock = threading.Lock()

    def arm(self, strike: Strike, times: int | None = 1) -> None:
        """Strike the next messages that it wants."""
        if times is not None and times < 1:
            raise BadInput(f"a strike must be armed at least once; times was {times}.")
        with self._lock:
            self._armed = [*self._armed, (strike, times)]

    def disarm(self, name: str | None = None) -> None:
        """Strike no more: those of one name, or none at all."""
        with self._lock:
            self._armed = [one for one in self._armed if name is not None and one[0].name != name]

    def __call__(self, way: Way, message: bytes) -> Strike | None:
        """Decide about one message."""
        with self._lock:
            return self._decided(way, message)

    def _decided(self, way: Way, message: bytes) -> Strike | None:
        for n, (strike, times) in enumerate(self._armed):
            if strike.way is way and strike.wants(message):
                left = None if times is None else times - 1
                after = [(strike, left)] if left is None or left > 0 else []
                self._armed = [*self._armed[:n], *after, *self._armed[n + 1 :]]
                return strike
        return None


class Seeded:
    """Draws for each message that some strike wants: with probability `share` one of them, all alike."""

    def __init__(self, seed: int, strikes: Iterable[Strike], share: float) -> None:
        if not 0.0 <= share <= 1.0:
            raise BadInput(f"the share of messages to strike must be within 0 and 1; was {share}.")
        self._strikes = tuple(strikes)
        self._share = share
        self._chance = random.Random(f"strikes-{seed}")
        self._is_stopped = False

    def stop(self) -> None:
        """Strike no more."""
        self._is_stopped = True

    def __call__(self, way: Way, message: bytes) -> Strike | None:
        """Decide about one message."""
        wanting = [s for s in self._strikes if s.way is way and s.wants(message)]
        if self._is_stopped or not wanting or self._chance.random() >= self._share:
            return None
        return self._chance.choice(wanting)


Framing = Callable[[bytearray], bytes | None]
"""Takes one whole message off the front of a buffer, its header included; None until one is whole."""


def pieces(buffer: bytearray) -> bytes | None:
    """Whatever is there, as it came: for streams whose messages do not matter.

    >>> pieces(bytearray(b"ab")), pieces(bytearray())
    (b'ab', None)
    """
    if not buffer:
        return None
    piece = bytes(buffer)
    buffer.clear()
    return piece


_LENGTH = struct.Struct(">I")


def lengths(buffer: bytearray) -> bytes | None:
    r"""Messages that begin with their length: four bytes, the most significant first.

    >>> buffer = bytearray(b"\0\0\0\2ab\0\0")
    >>> lengths(buffer), lengths(buffer), bytes(buffer)
    (b'\x00\x00\x00\x02ab', None, b'\x00\x00')
    """
    if len(buffer) < _LENGTH.size:
        return None
    end = _LENGTH.size + int(_LENGTH.unpack_from(buffer)[0])
    if len(buffer) < end:
        return None
    message = bytes(buffer[:end])
    del buffer[:end]
    return message
