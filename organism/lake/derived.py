"""Longer candles made of shorter ones, and what is said of them: unfinished, filled, in agreement with others or not.

One request is answered from one stored series: the finest that covers the wanted stretch. A coarser series that was
downloaded is kept, and `compared` says where it differs; candles of two series are never mixed.
"""

from dataclasses import dataclass

import numpy as np

from organism.errors import BadInput
from organism.lake.candles import F64, I32, VALUES, Candles, Flags
from organism.lake.columns import opened
from organism.lake.names import Kind, Series, origin_us, series
from organism.lake.store import Lake, Span

LARGEST_FILL = 4
"""Candles: a gap of fewer than five is filled in a view, a longer one never."""
_ROUNDING = 1e-9  # of a value: sums of volumes in another order miss each other by an ulp or two
_NAMED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Candles of the wanted timeframe.

    provisional      bool (n,): not whole; the recording begins or ends inside it, or it has not closed yet
    filled           bool (n,): no trade was recorded; flat at the close before, no volume. Nothing may trade on it
    rows             int32 (n,): how many stored candles are in it, 0 where filled
    from_timeframe   of the stored series
    """

    candles: Candles
    provisional: Flags
    filled: Flags
    rows: I32
    from_timeframe: str

    def whole(self) -> Candles:
        """Only what was recorded and is complete: what a strategy may be tried on."""
        return self.candles.take(~(self.provisional | self.filled))


@dataclass(frozen=True, slots=True)
class Compared:
    """A stored coarser series beside candles derived from a finer one.

    both, only_stored, only_derived   candles, by open time, whole ones only
    differing                         of both, how many differ in a price or in the volume
    worst_price, worst_volume         largest relative difference
    first_us                          open times of the first few that differ
    """

    timeframe: str
    from_timeframe: str
    both: int
    only_stored: int
    only_derived: int
    differing: int
    worst_price: float
    worst_volume: float
    first_us: tuple[int, ...]


def bars(
    lake: Lake,
    venue: str,
    symbol: str,
    timeframe: str,
    start_us: int | None = None,
    end_us: int | None = None,
    *,
    kind: Kind = Kind.CANDLES,
    fill: bool = False,
    as_of_us: int | None = None,
) -> Bars:
    """Candles of a timeframe that open at or after start and before end.

    fill       put flat candles into gaps of fewer than five, flagged
    as_of_us   only what the lake had received then

    Candles begin at multiples of the timeframe since 1970-01-01, weeks on Mondays, UTC. Raises `BadInput` where nothing
    is stored that the timeframe can be made of, or no candle of it lies in the stretch.
    """
    wanted = series(venue, symbol, timeframe, kind)
    source, span = source_of(lake, wanted, start_us, end_us)
    bar_us = wanted.bar_us
    begin = None if start_us is None else _at_or_after(start_us, bar_us)
    end = None if end_us is None else _at_or_after(end_us, bar_us)
    if as_of_us is None:
        stored = opened(lake, source, begin, end).candles
        last_us = span.last_us
    else:
        stored = lake.read(source, begin, end, as_of_us=as_of_us).candles
        last_us = int(stored.open_us[-1]) if len(stored) else span.last_us
    if not len(stored):
        raise BadInput(
            f"{source.text} has no candle in the wanted stretch; it runs from {_instant(span.first_us)} to "
            f"{_instant(span.last_us)}. Ask for some of that, or fetch more with `organism data fetch`."
        )
    candles, rows = aggregated(stored, bar_us)
    now_us = lake.now_us() if as_of_us is None else as_of_us
    provisional = candles.open_us + bar_us > now_us
    if source.bar_us < bar_us:
        provisional |= candles.open_us < span.first_us
        provisional |= candles.open_us + bar_us > last_us + source.bar_us
    found = Bars(candles, provisional, np.zeros(len(candles), np.bool_), rows, source.timeframe)
    return with_gaps_filled(found, bar_us) if fill else found


def source_of(
    lake: Lake, wanted: Series, start_us: int | None = None, end_us: int | None = None
) -> tuple[Series, Span]:
    """The stored series a timeframe is made of: the finest that covers the stretch, else the one that covers most of it.

    Without a start or an end, the stretch is all that any of the candidates holds. Raises `BadInput`.
    """
    found = [
        (one, span)
        for one in lake.timeframes(wanted.venue, wanted.symbol, wanted.kind)
        if wanted.bar_us % one.bar_us == 0 and (span := lake.span(one)) is not None
    ]
    if not found:
        raise BadInput(_nothing(lake, wanted))
    begin = min(span.first_us for _, span in found) if start_us is None else start_us
    end = max(span.last_us + one.bar_us for one, span in found) if end_us is None else end_us
    # What begins or ends inside the first or the last candle of a coarser series is as good: it covers the stretch up to
    # one wanted candle.
    slack = wanted.bar_us

    def covered(pair: tuple[Series, Span]) -> int:
        one, span = pair
        missing = max(0, span.first_us - begin) + max(0, end - span.last_us - one.bar_us)
        late = span.first_us - begin >= slack or end - span.last_us - one.bar_us >= slack
        return missing if late else 0

    return min(found, key=lambda pair: (covered(pair), pair[0].bar_us))


def aggregated(candles: Candles, bar_us: int) -> tuple[Candles, I32]:
    """Longer candles: first open, highest high, lowest low, last close, sum of volume; and how many are in each.

    int64 and float64 (n,) in, (m,) out, m ≤ n; a longer candle without a shorter one is not there.
    """
    if not len(candles):
        return Candles.empty(), np.empty(0, np.int32)
    origin = origin_us(bar_us)
    group = (candles.open_us - origin) // bar_us
    heads = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
    ends = np.append(heads[1:], group.size)
    joined = Candles(
        group[heads] * bar_us + origin,
        candles.open[heads],
        np.maximum.reduceat(candles.high, heads),
        np.minimum.reduceat(candles.low, heads),
        candles.close[ends - 1],
        np.add.reduceat(candles.volume, heads),
    )
    return joined, (ends - heads).astype(np.int32)


def with_gaps_filled(found: Bars, bar_us: int) -> Bars:
    """The same bars with flat ones in gaps of fewer than five, flagged; longer gaps stay."""
    opens = found.candles.open_us
    if opens.size < 2:  # noqa: PLR2004 - a gap lies between two
        return found
    absent = np.diff(opens) // bar_us - 1
    absent[absent > LARGEST_FILL] = 0
    if not absent.any():
        return found
    # Each bar is followed by as many copies of itself as are absent after it; the copies are then made flat.
    copies = np.append(absent, 0) + 1
    at = np.repeat(np.arange(opens.size), copies)
    nth = np.arange(at.size) - np.repeat(np.cumsum(copies) - copies, copies)
    fresh = nth > 0
    columns = {name: getattr(found.candles, name)[at] for name in VALUES}
    for name in ("open", "high", "low"):
        columns[name] = np.where(fresh, columns["close"], columns[name])
    columns["volume"] = np.where(fresh & ~np.isnan(columns["volume"]), 0.0, columns["volume"])
    return Bars(
        Candles(opens[at] + nth * bar_us, **columns),
        found.provisional[at] & ~fresh,
        found.filled[at] | fresh,
        np.where(fresh, 0, found.rows[at]).astype(np.int32),
        found.from_timeframe,
    )


def compared(lake: Lake, coarse: Series, fine: Series) -> Compared:
    """What a stored series says beside candles of its timeframe made of a finer one. Raises `BadInput`."""
    if not fine.bar_us or coarse.bar_us % fine.bar_us or coarse.bar_us == fine.bar_us:
        raise BadInput(
            f"{coarse.timeframe} is not made of {fine.timeframe}; compare with a finer series that divides it."
        )
    stored, finer = opened(lake, coarse).candles, opened(lake, fine).candles
    made, _ = aggregated(finer, coarse.bar_us)
    if len(finer):
        whole = (made.open_us >= finer.open_us[0]) & (
            made.open_us + coarse.bar_us <= finer.open_us[-1] + fine.bar_us
        )
        made = made.take(whole)
        # Only where both were recorded at all is an absent candle a difference.
        stored = stored.between(
            int(finer.open_us[0]), int(finer.open_us[-1]) + 1 - coarse.bar_us + fine.bar_us
        )
    _, one, other = np.intersect1d(stored.open_us, made.open_us, assume_unique=True, return_indices=True)
    price = np.zeros(one.size)
    for name in ("open", "high", "low", "close"):
        price = np.maximum(price, _apart(getattr(stored, name)[one], getattr(made, name)[other]))
    volume = _apart(stored.volume[one], made.volume[other])
    differs = (price > _ROUNDING) | (volume > _ROUNDING)
    return Compared(
        timeframe=coarse.timeframe,
        from_timeframe=fine.timeframe,
        both=one.size,
        only_stored=len(stored) - one.size,
        only_derived=len(made) - one.size,
        differing=int(differs.sum()),
        worst_price=float(price.max(initial=0.0)),
        worst_volume=float(volume.max(initial=0.0)),
        first_us=tuple(stored.open_us[one[differs]][:_NAMED].tolist()),
    )


def _apart(one: F64, other: F64) -> F64:
    """Difference relative to the larger; 0 where both are 0 or both are unknown."""
    largest = np.maximum(np.abs(one), np.abs(other))
    apart = np.divide(np.abs(one - other), largest, out=np.zeros(one.size), where=largest > 0)
    return np.where(np.isnan(one) & np.isnan(other), 0.0, apart)


def _at_or_after(us: int, bar_us: int) -> int:
    origin = origin_us(bar_us)
    return origin - (origin - us) // bar_us * bar_us


def _instant(us: int) -> str:
    return f"{np.datetime64(us // 1_000_000, 's')}Z"


def _nothing(lake: Lake, wanted: Series) -> str:
    there = ", ".join(one.timeframe for one in lake.timeframes(wanted.venue, wanted.symbol, wanted.kind))
    if there:
        return (
            f"{wanted.text} cannot be made of what {lake.root} holds of it, which is {there}: a timeframe is a multiple of "
            f"a stored one. Ask for such a one, or fetch {wanted.timeframe}."
        )
    known = list(dict.fromkeys(f"{one.venue} {one.symbol}" for one in lake.all() if one.kind is wanted.kind))
    some = ", ".join(known[:_NAMED]) + (f" and {len(known) - _NAMED} more" if len(known) > _NAMED else "")
    return (
        f"{lake.root} holds no {wanted.venue} {wanted.symbol}; it holds {some or 'nothing yet'}. `organism data list` shows all; "
        "`organism data fetch` and `organism data import` bring more."
    )
