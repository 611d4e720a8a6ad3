"""Candles that are due and not there, and which of those are nobody's fault."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from organism.lake.quality.defects import FILLED_BELOW
from organism.lake.quality.stretches import Truths, runs

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

# Venues that publish no candle for a minute without trades (Bitfinex, Coinbase and Kraken say so in their manuals).
# Others (Binance, Bybit, OKX, Crypto.com) write a flat one with no volume, so what is absent there is lost.
OMITTING: Final = frozenset({"bitfinex", "coinbase", "kraken"})
_OMITTED_UP_TO_US: Final = 5 * 60_000_000
_STILL: Final = 8.0
_OUTAGE_MOST_US: Final = 48 * 3_600_000_000
_WITNESSES: Final = 2
_FINER: Final = 4


class Witness(Protocol):
    """Another series of the same venue, of which it is asked as little as is needed to tell an outage from a loss."""

    @property
    def symbol(self) -> str:
        """Of what."""

    @property
    def timeframe_us(self) -> int:
        """Length of its candles, µs."""

    def covers(self, at_us: I64) -> Truths:
        """Where a time is between its first and last candle; bool (at,)."""

    def has(self, at_us: I64) -> Truths:
        """Where it has a candle that opens at exactly this time; bool (at,)."""

    def lives_in(self, start_us: int, end_us: int) -> bool:
        """Whether a candle of it lies wholly inside, and is short enough to say that the venue was up."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbour:
    """A witness at hand: its symbol, length of candle in µs, and opens, int64 rising."""

    symbol: str
    timeframe_us: int
    open_us: I64

    def covers(self, at_us: I64) -> Truths:
        """As `Witness`."""
        if not self.open_us.size:
            return np.zeros(at_us.size, np.bool_)
        inside: Truths = (at_us >= self.open_us[0]) & (at_us <= self.open_us[-1])
        return inside

    def has(self, at_us: I64) -> Truths:
        """As `Witness`."""
        at = np.clip(np.searchsorted(self.open_us, at_us), 0, max(self.open_us.size - 1, 0))
        return (
            np.asarray(self.open_us[at] == at_us, np.bool_)
            if self.open_us.size
            else np.zeros(at_us.size, np.bool_)
        )

    def lives_in(self, start_us: int, end_us: int) -> bool:
        """As `Witness`."""
        if not is_finer(self.timeframe_us, start_us, end_us):
            return False
        first = np.searchsorted(self.open_us, start_us)
        return bool(first < self.open_us.size and self.open_us[first] <= end_us - self.timeframe_us)


def is_finer(timeframe_us: int, start_us: int, end_us: int) -> bool:
    """Whether candles of this length are short enough to be expected inside a stretch."""
    return timeframe_us * _FINER <= end_us - start_us


def absent(open_us: I64, due_us: I64, timeframe_us: int) -> Truths:
    """Which due opens have no candle within half a timeframe; bool (due,)."""
    found = np.ones(due_us.size, np.bool_)
    if not due_us.size:
        return found
    if due_us[-1] - due_us[0] == (due_us.size - 1) * timeframe_us:
        at = (open_us - due_us[0] + timeframe_us // 2) // timeframe_us
    else:
        at = np.clip(np.searchsorted(due_us, open_us + timeframe_us // 2, side="right") - 1, 0, None)
        at = at[np.abs(due_us[at] - open_us) <= timeframe_us // 2]
    found[at[(at >= 0) & (at < due_us.size)]] = False
    return found


def outages(
    missing: Truths, due_us: I64, timeframe_us: int, symbol: str, company: Sequence[Witness]
) -> Truths:
    """Which missing candles all other symbols of the venue miss too; at least two others must speak of that time.

    Not an outage is what lasts over two days, and a stretch in which any other timeframe has a candle: then the venue
    was up, and the downloads of all symbols have the same hole.
    """
    out = np.zeros(missing.size, np.bool_)
    places = np.flatnonzero(missing)
    at_us = due_us[places]
    speaking = np.zeros(places.size, np.int64)
    silent = np.ones(places.size, np.bool_)
    for one in company:
        if not silent.any():
            break
        if one.timeframe_us == timeframe_us and one.symbol != symbol:
            covered = one.covers(at_us)
            speaking += covered
            asked = np.flatnonzero(
                silent & covered
            )  # of what another one has, nothing more needs to be known
            silent[asked] = ~one.has(at_us[asked])
    out[places] = silent & (speaking >= _WITNESSES)
    others = [one for one in company if one.timeframe_us != timeframe_us]
    for start, end in zip(*(part.tolist() for part in runs(out)), strict=True):
        from_us, until_us = int(due_us[start]), int(due_us[end - 1]) + timeframe_us
        if until_us - from_us > _OUTAGE_MOST_US or any(one.lives_in(from_us, until_us) for one in others):
            out[start:end] = False
    return out


def quiet(
    missing: Truths, due_us: I64, timeframe_us: int, venue: str, open_us: I64, prices: tuple[F64, F64]
) -> Truths:
    """Which missing candles are minutes without trades; prices are open and close of the candles that are there.

    Up to four in a row, of at most 5 minutes, at a venue that leaves such minutes out, and the price goes on where it was.
    """
    out = np.zeros(missing.size, np.bool_)
    if venue not in OMITTING or timeframe_us > _OMITTED_UP_TO_US or open_us.size < _WITNESSES:
        return out
    opened, closed = prices
    starts, ends = runs(missing)
    short = (ends - starts) < FILLED_BELOW
    starts, ends = starts[short], ends[short]
    if not starts.size:
        return out
    after = np.searchsorted(open_us, due_us[starts])
    inside = (after > 0) & (after < open_us.size)
    starts, ends, after = starts[inside], ends[inside], after[inside]
    moved = np.abs(np.log(opened[after] / closed[after - 1]))
    step = np.abs(np.diff(np.log(closed)))
    usual = float(np.mean(step[np.isfinite(step)])) if step.size else 0.0
    for start, end in zip(
        starts[moved <= _STILL * usual].tolist(), ends[moved <= _STILL * usual].tolist(), strict=True
    ):
        out[start:end] = True
    return out


def jumps(missing: Truths, due_us: I64, timeframe_us: int, open_us: I64, prices: tuple[F64, F64]) -> Truths:
    """Missing stretches of one to fourteen whole hours over which the price does not move: perhaps the zone changed.

    In time that really passed the price would have moved by the square root of its bars; only candles shorter than an
    hour tell.
    """
    out = np.zeros(missing.size, np.bool_)
    hour = 3_600_000_000
    if timeframe_us * 12 > hour or open_us.size < 3:  # noqa: PLR2004 - at least a dozen candles an hour, one return
        return out
    opened, closed = prices
    step = np.abs(np.diff(np.log(closed)))
    usual = float(np.median(step[np.isfinite(step)]))
    for start, end in zip(*(part.tolist() for part in runs(missing)), strict=True):
        length = (end - start) * timeframe_us
        after = int(np.searchsorted(open_us, due_us[start]))
        if length % hour or length > 14 * hour or not 0 < after < open_us.size:
            continue
        if abs(float(np.log(opened[after] / closed[after - 1]))) <= usual:
            out[start:end] = True
    return out
