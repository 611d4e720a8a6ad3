"""The contract of every organ: one pure function over a frozen state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from organism.effects import Effects
from organism.messages import Message

S = TypeVar("S")


class Now(msgspec.Struct, frozen=True, gc=False):
    """What time it is, on clocks that are never mixed.

    market_ns   time of the market, ns since the epoch UTC; jumps forward bar by bar in a replay
    mono_ns     monotonic clock of this machine; only differences mean anything, and only in one process run
    wall_ns     labels for people, never arithmetic
    step        number of this step in the organ's life, 1, 2, 3 …; never used twice for a durable step
    """

    market_ns: int
    mono_ns: int
    wall_ns: int
    step: int


Step = Callable[[S, Message, Now], tuple[S, Effects]]


@dataclass(frozen=True)
class OrganCore(Generic[S]):
    """An organ without its shell.

    `state_type` must be a frozen msgspec Struct: it is what snapshots hold. `step` must be a pure function:
    same state, message and time give the same next state and effects, byte for byte.
    """

    name: str
    state_type: type[S]
    initial: S
    step: Step[S]
