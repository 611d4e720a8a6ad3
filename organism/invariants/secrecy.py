"""I10, no secret in a row: known secrets (canaries) in any spelling, and whatever has the shape of one.

Every text that a step read or said is looked at, except in messages that hold none but names of our own making:
prices, orders, marks. A breach never repeats what it found.
"""

import enum
import functools
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from types import NoneType
from typing import Any

import msgspec

from organism.effects import (
    CancelTimer,
    Effect,
    Publish,
    Schedule,
    VenueAdvance,
    VenueCancel,
    VenueQuery,
    VenueReport,
    VenueSubmit,
)
from organism.invariants.breach import NONE, Breach, Breaches
from organism.invariants.event import Event
from organism.market import Bar
from organism.messages import (
    BarClosed,
    BarsArrived,
    Filled,
    InstantSettled,
    Message,
    OrderApproved,
    OrderDenied,
    OrderProposed,
    PortfolioMarked,
    Recovered,
    TimerFired,
    TradeClosed,
)
from organism.redaction import Redactor

ID = "I10"
# Numbers, symbols of the settings, ids we made. Whatever is not in this list is read, new kinds of messages too.
_WORDLESS: frozenset[type] = frozenset({
    BarsArrived, BarClosed, InstantSettled, PortfolioMarked, TimerFired, OrderProposed, OrderApproved, OrderDenied,
    Filled, TradeClosed, Recovered, Schedule, CancelTimer, VenueAdvance, VenueSubmit, VenueCancel, VenueQuery,
    VenueReport, Publish,
})  # fmt: skip
HEARS: frozenset[type] = frozenset(typing.get_args(Message)) - _WORDLESS
SAID: frozenset[type] = (HEARS | frozenset(typing.get_args(Effect))) - _WORDLESS

_NUMBERS = (int, float, bool, Decimal, NoneType)
_BETWEEN = "\x00"  # no shape of a secret reaches across it


@dataclass(slots=True)
class State:
    """redact: knows the canaries, and the shapes."""

    redact: Redactor = field(default_factory=Redactor)
    n: int = 0


def step(state: State, event: Event) -> tuple[State, Breaches]:
    """Judge one event. The state given is used up: go on with the one returned."""
    texts = [event.input_id]
    if event.read is not None and not event.input_id[:1].isdigit():  # else it lies in the row that said it
        texts += _texts(event.read)
    for effect in event.did:
        texts += _texts(effect)
    state.n += 1
    text = _BETWEEN.join(texts)
    if state.redact(text) == text:
        return state, NONE
    told = f"no row may hold a secret; row {event.seq}, a step of {event.organ}, holds what looks like one."
    return state, (Breach(invariant=ID, text=told, seq=event.seq, subject=event.organ),)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in _worded(type(value)):
            yield from _texts(getattr(value, name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)


@functools.cache
def _worded(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Fields of a struct that may hold text, at whatever depth."""
    hints = typing.get_type_hints(kind)
    return tuple(name for name in kind.__struct_fields__ if _may_hold_text(hints[name]))


def _may_hold_text(hint: Any) -> bool:
    parts = typing.get_args(hint)
    if parts:
        return any(_may_hold_text(part) for part in parts if part is not Ellipsis)
    if not isinstance(hint, type):
        return True
    return hint is not Bar and not issubclass(hint, (*_NUMBERS, enum.Enum))
