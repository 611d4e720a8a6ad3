"""From a file into the lake: which series a name means, and one call that imports."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from organism.errors import BadInput
from organism.lake.candles import Events
from organism.lake.context import calendar, files
from organism.lake.context.lags import known_at, lag_of
from organism.lake.names import Kind, Series, series
from organism.lake.store import Appended, Lake

_INDEX = "index"
_SYMBOLS = {"fear_greed": "FEAR-GREED", "vix": "VIX", "dxy": "DXY"}
OF_AN_INSTRUMENT = {
    "funding": Kind.FUNDING,
    "mark": Kind.MARK,
    "open_interest": Kind.OPEN_INTEREST,
}
NAMES = (*_SYMBOLS, *OF_AN_INSTRUMENT, "calendar")
"""What can be imported."""


class Imported(NamedTuple):
    """One series that an import touched; `refused` are rows of the file, each with the reason."""

    series: Series
    appended: Appended
    refused: tuple[str, ...]


def context_series(name: str, *, venue: str = "", symbol: str = "", timeframe: str = "") -> Series:
    """The series of a name: fear_greed, vix, dxy; or funding, mark and open_interest of an instrument. Raises `BadInput`."""
    lag_of(name)
    if name in _SYMBOLS:
        return series(_INDEX, _SYMBOLS[name], "", Kind.CONTEXT)
    if name in OF_AN_INSTRUMENT:
        if not venue or not symbol:
            raise BadInput(
                f"{name} is of an instrument: say which with --venue and --symbol, as in --venue binance-usdm "
                "--symbol BTC/USDT:USDT."
            )
        return series(venue, symbol, timeframe, OF_AN_INSTRUMENT[name])
    raise BadInput(f"{name} is no single series; there are {', '.join((*_SYMBOLS, *OF_AN_INSTRUMENT))}.")


def import_file(
    lake: Lake,
    path: Path,
    name: str,
    *,
    venue: str = "",
    symbol: str = "",
    timeframe: str = "",
    tz: str = "",
    source: str = "",
) -> tuple[Imported, ...]:
    """Bring a file of context into the lake. Raises `BadInput`, and nothing has changed, where it cannot be read.

    name     fear_greed, vix, dxy, funding, mark, open_interest or calendar
    tz       zone of times that name none; UTC without
    source   said of each row; the file's name without

    A row that is wrong is left out and named in `refused`. Twice the same file changes nothing; another value for a time
    that is there becomes a revision, known from now on.
    """
    if name not in NAMES:
        raise BadInput(f"there is no context series {name!r}; there are {', '.join(NAMES)}.")
    said = source or path.name
    received_us = lake.now_us()
    if name == "calendar":
        return _calendar(lake, path, tz, said, received_us)
    if name == "mark":
        timeframe = timeframe or files.timeframe_of(path, tz)
    target = context_series(name, venue=venue, symbol=symbol, timeframe=timeframe)
    if name == "mark":
        candles, refused = files.candles(path, tz)
        done = lake.append(target, candles, source=said, received_us=received_us)
        return (Imported(target, done, refused),)
    read = files.values(path, name, tz)
    columns = dict(read.columns)
    if target.kind is Kind.CONTEXT:
        known = known_at(name, read.at_us)
        if read.known_us is not None:
            known = np.maximum(known, read.known_us)
        columns["known_us"] = known.astype(np.float64)
    done = lake.append_events(target, Events(read.at_us, columns), source=said, received_us=received_us)
    return (Imported(target, done, read.refused),)


def _calendar(lake: Lake, path: Path, tz: str, source: str, received_us: int) -> tuple[Imported, ...]:
    found, refused = calendar.read(path, tz)
    done: list[Imported] = []
    for name in sorted({one.name for one in found}):
        mine = sorted(
            {(one.at_us, one.known_us): one.importance for one in found if one.name == name}.items()
        )
        at = np.array([key[0] for key, _ in mine], np.int64)
        columns = {
            "known_us": np.array([key[1] for key, _ in mine], np.float64),
            "value": np.array([importance for _, importance in mine], np.float64),
        }
        target = calendar.series_of(name)
        appended = lake.append_events(target, Events(at, columns), source=source, received_us=received_us)
        done.append(Imported(target, appended, () if done else refused))
    return tuple(done)
