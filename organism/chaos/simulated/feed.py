"""A feed that loses, repeats, reorders and lies, over a market made once and shared by many lives."""

import bisect
import functools
import itertools
import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

import msgspec

from organism.chaos.simulated.plan import Dice
from organism.market import NS_PER_S, Bar
from organism.messages import BarsArrived
from organism.settings import MarketSettings
from organs.nervous.feeds import instants
from organs.nervous.state import Cursor

_replace = msgspec.structs.replace
_HUGE: Final = 1e308
_DAY_NS: Final = 86_400 * NS_PER_S


@functools.lru_cache(maxsize=64)
def market(settings: MarketSettings, n: int) -> tuple[BarsArrived, ...]:
    """The first n instants of a market."""
    return tuple(itertools.islice(instants(settings), n))


def told(made: tuple[BarsArrived, ...], after: Cursor | None, dice: Dice) -> Iterator[BarsArrived]:
    """Instants after a cursor, struck."""
    first = 0 if after is None else bisect.bisect_right(made, after.at_ns, key=lambda i: i.at_ns)
    late: BarsArrived | None = None
    for instant in made[first:]:
        if dice.strikes("lost"):
            continue
        struck = _struck(instant, dice)
        yield struck
        if late is not None:
            yield late
            late = None
        if dice.strikes("repeated"):
            yield struck
        if dice.strikes("reordered"):
            late = instant


def _struck(instant: BarsArrived, dice: Dice) -> BarsArrived:
    bars = instant.bars
    if dice.strikes("bad_number") and bars:
        instant = _one(instant, dice.chance("bad_number"), _bad_number)
    if dice.happens("crash_40"):
        instant = _replace(instant, bars=tuple(_fallen(bar) for bar in instant.bars))
    if dice.strikes("bad_stamp") and bars:
        chance = dice.chance("bad_stamp")
        shift_ns = chance.choice(
            (-_DAY_NS, -NS_PER_S, NS_PER_S, _DAY_NS, 30 * _DAY_NS, -instant.at_ns * 999 // 1000)
        )
        if chance.choice((True, False)):
            instant = _one(instant, chance, lambda bar, _: (_shifted(bar, shift_ns),))
        else:
            moved = tuple(_shifted(bar, shift_ns) for bar in instant.bars)
            instant = _replace(instant, at_ns=instant.at_ns + shift_ns, bars=moved)
    if dice.strikes("candle") and bars:
        doubled = dice.chance("candle").choice((True, False))
        instant = _one(instant, dice.chance("candle"), lambda bar, _: (bar, bar) if doubled else ())
        if not doubled:
            dice.saw("candle")  # nobody refuses what is not there: it is told as missing
    return instant


def _one(
    instant: BarsArrived, chance: Random, change: Callable[[Bar, Random], tuple[Bar, ...]]
) -> BarsArrived:
    bars = instant.bars
    if not bars:
        return instant
    at = chance.randrange(len(bars))
    return _replace(instant, bars=(*bars[:at], *change(bars[at], chance), *bars[at + 1 :]))


def _bad_number(bar: Bar, chance: Random) -> tuple[Bar, ...]:
    name = chance.choice(("open", "high", "low", "close", "volume"))
    value = chance.choice((math.nan, math.inf, -math.inf, -1.0, 0.0 if name != "volume" else -0.5, _HUGE))
    if value == _HUGE and chance.choice((True, False)):
        return (_replace(bar, open=value, high=value, low=value, close=value),)
    return (_replace(bar, **{name: value}),)


def _fallen(bar: Bar) -> Bar:
    low = round(bar.low * 0.6, 2)
    return _replace(bar, low=low, close=low)


def _shifted(bar: Bar, by_ns: int) -> Bar:
    return _replace(bar, open_ns=bar.open_ns + by_ns, close_ns=bar.close_ns + by_ns)
