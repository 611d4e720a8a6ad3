"""Where bars come from: one endless iterator of market instants a kind of feed, resumable after any cursor.

A recording is played in sessions: its first bars warm indicators up, its last ones close positions, and then
it begins anew with its dates moved forward by whole days, so that market time only ever rises and each bar
keeps its time of day.
"""

import functools
from collections.abc import Iterator

import numpy as np

from organism.errors import ConfigError
from organism.market import NS_PER_S, Bar
from organism.messages import BarsArrived
from organism.settings import MarketSettings
from organs.nervous import laked
from organs.nervous.bundled import BAR_S, load_bundled
from organs.nervous.columns import Columns, aligned
from organs.nervous.simulated import walk
from organs.nervous.state import Cursor

NS_PER_DAY = 86_400 * NS_PER_S
# Rows turned into Python objects at a time: few enough to keep memory small, many enough to be quick.
_CHUNK = 256


def instants(settings: MarketSettings, after: Cursor | None = None) -> Iterator[BarsArrived]:
    """Market instants without end, from the beginning or strictly after a cursor (no warm-up is repeated).

    Raises `ConfigError` at once where the settings cannot be met.
    """
    if settings.feed == "replay":
        return replay(settings, after)
    if settings.feed == "simulated":
        return simulated(settings, after)
    raise ConfigError(f'[market] feed was {settings.feed!r}; it is "replay" or "simulated".')


def replay(settings: MarketSettings, after: Cursor | None = None) -> Iterator[BarsArrived]:
    """The bundled recording, or stored series of a lake, session after session."""
    if not settings.lake and settings.bar_s != BAR_S:
        raise ConfigError(f"[market] bar_s was {settings.bar_s}; the bundled market has bars of {BAR_S} s.")
    stop = settings.start_bar + settings.max_bars if settings.max_bars > 0 else None
    recorded = laked.recorded(settings) if settings.lake else _recorded(settings.symbols)
    recordings = tuple(c.rows(settings.start_bar, stop) for c in recorded)
    _check_length(settings, len(recordings[0]))
    return _sessions(settings, recordings, after)


@functools.lru_cache(maxsize=1)
def _recorded(symbols: tuple[str, ...]) -> tuple[Columns, ...]:
    """Read once a process: a feed that is started again plays the same memory, and need not read 10 MB first."""
    return aligned(tuple(load_bundled(symbols).values()))


def simulated(settings: MarketSettings, after: Cursor | None = None) -> Iterator[BarsArrived]:
    """A seeded random walk: endless in one session, or sessions of `max_bars` bars, each another walk."""
    if settings.max_bars > 0:
        _check_length(settings, settings.max_bars)
    return _walks(settings, after)


def _check_length(settings: MarketSettings, n_bars: int) -> None:
    least = settings.warmup_bars + settings.closing_bars + 1
    if settings.start_bar < 0 or settings.warmup_bars < 0 or settings.closing_bars < 1:
        raise ConfigError("[market] start_bar and warmup_bars must be at least 0, closing_bars at least 1.")
    if n_bars < least:
        raise ConfigError(
            f"[market] leaves {n_bars} bars, but {settings.warmup_bars} warm up and {settings.closing_bars} close: "
            f"at least {least} are needed. Raise max_bars, or lower start_bar or warmup_bars."
        )


def _begin(
    settings: MarketSettings, after: Cursor | None, first_ns: int, last_ns: int | None
) -> tuple[int, int, int]:
    """Which session to play, by how many ns it is shifted, and after which instant (market time).

    first_ns, last_ns   first and last close of a session as recorded; last_ns is None for an endless one
    """
    if after is None:
        return 1, 0, 0
    if after.feed == settings.feed:
        shift = (after.origin_ns - first_ns) // NS_PER_DAY * NS_PER_DAY
        within = last_ns is None or after.at_ns < last_ns + shift
        if after.at_ns >= first_ns + shift and within:
            return after.session, shift, after.at_ns
    # The session is over, or it was one of another feed or other settings.
    return after.session + 1, _next_shift(after.at_ns, first_ns), after.at_ns


def _next_shift(ended_ns: int, first_ns: int) -> int:
    """Smallest whole number of days that puts a session's first close after `ended_ns`."""
    return (ended_ns - first_ns) // NS_PER_DAY * NS_PER_DAY + NS_PER_DAY


def _sessions(
    settings: MarketSettings, recordings: tuple[Columns, ...], after: Cursor | None
) -> Iterator[BarsArrived]:
    bar_ns = settings.bar_s * NS_PER_S
    closes = recordings[0].open_ns + bar_ns
    first_ns, last_ns = int(closes[0]), int(closes[-1])
    session, shift, heard_ns = _begin(settings, after, first_ns, last_ns)
    while True:
        start = int(np.searchsorted(closes, heard_ns - shift, "right"))
        for at in range(start, len(closes), _CHUNK):
            cut = tuple(r.rows(at, at + _CHUNK) for r in recordings)
            yield from _spoken(settings, session, shift, cut, at, len(closes))
        session += 1
        shift, heard_ns = _next_shift(last_ns + shift, first_ns), 0


def _walks(settings: MarketSettings, after: Cursor | None) -> Iterator[BarsArrived]:
    bar_ns = settings.bar_s * NS_PER_S
    n_bars = settings.max_bars or None
    first_ns = EPOCH_NS + bar_ns
    last_ns = EPOCH_NS + n_bars * bar_ns if n_bars else None
    session, shift, heard_ns = _begin(settings, after, first_ns, last_ns)
    while True:
        start = max(0, (heard_ns - shift - EPOCH_NS) // bar_ns)
        for at, columns in walk(settings, session, EPOCH_NS, start):
            yield from _spoken(settings, session, shift, columns, at, n_bars)
        session += 1
        shift, heard_ns = _next_shift((last_ns or 0) + shift, first_ns), 0


# 2024-01-01T00:00Z: simulated time begins where the recording does.
EPOCH_NS = 1_704_067_200 * NS_PER_S


def _spoken(
    settings: MarketSettings,
    session: int,
    shift: int,
    columns: tuple[Columns, ...],
    offset: int,
    n_bars: int | None,
) -> Iterator[BarsArrived]:
    """Rows as instants. offset: index of the first row in its session; n_bars: rows of the session."""
    bar_ns, warmup = settings.bar_s * NS_PER_S, settings.warmup_bars
    closing = final = 1 << 62
    if n_bars is not None:
        closing, final = n_bars - settings.closing_bars, n_bars - 1
    opens = (columns[0].open_ns + shift).tolist()
    bars = [
        [Bar(c.symbol, open_ns, open_ns + bar_ns, *row) for open_ns, row in zip(opens, _rows(c), strict=True)]
        for c in columns
    ]
    for index, together in enumerate(zip(*bars, strict=True), offset):
        present = together
        if any(bar.close != bar.close for bar in together):  # NaN: no candle recorded
            present = tuple(bar for bar in together if bar.close == bar.close)
        yield BarsArrived(
            feed=settings.feed,
            session=session,
            at_ns=together[0].close_ns,
            bars=present,
            warmup=index < warmup,
            closing=index >= closing,
            final=index >= final,
        )


def _rows(columns: Columns) -> Iterator[tuple[float, float, float, float, float]]:
    return zip(
        columns.open.tolist(), columns.high.tolist(), columns.low.tolist(),
        columns.close.tolist(), columns.volume.tolist(), strict=True,
    )  # fmt: skip
