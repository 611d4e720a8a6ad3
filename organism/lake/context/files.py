"""Files of context as arrays: CSV or Parquet, times in any of the usual forms, and the rows that cannot be believed.

Parquet is read by duckdb and CSV by pandas, every cell as text first, so that neither guesses.
"""

import glob
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from organism.errors import BadInput
from organism.lake.candles import F64, HIGHEST_PRICE, I64, Candles, Flags, wrong
from organism.lake.names import timeframe_text, timeframe_us

_TIMES: Final = ("timestamp", "date", "time", "create_time", "calc_time", "fundingtime", "at")
_KNOWN: Final = ("known_at", "vintage", "realtime_start", "announced")
_MOST_RATE: Final = 0.5
_MOST_INDEX: Final = 100.0


@dataclass(frozen=True, slots=True)
class Column:
    """A value: how files call it, and the range in which it is believed."""

    spelt: tuple[str, ...]
    least: float
    most: float


COLUMNS: Final[Mapping[str, Mapping[str, Column]]] = {
    "fear_greed": {"value": Column(("fear_greed", "value"), 0.0, _MOST_INDEX)},
    "vix": {"value": Column(("vix", "close", "value"), 0.0, 1_000.0)},
    "dxy": {"value": Column(("dxy", "close", "value"), 0.0, 1_000.0)},
    "funding": {"rate": Column(("funding_rate", "fundingrate", "last_funding_rate", "rate"), -_MOST_RATE, _MOST_RATE)},
    "open_interest": {
        "amount": Column(("amount", "sum_open_interest", "open_interest"), 0.0, 1e18),
        "value": Column(("value", "sum_open_interest_value", "open_interest_value"), 0.0, 1e18),
    },
}  # fmt: skip
_PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Rows of a file, by time.

    at_us      int64 (n,), never falling, each once (with its vintage)
    known_us   int64 (n,), when the file says that each was known; None where it does not say
    columns    float64 (n,) by name
    refused    rows left out, each with the reason
    """

    at_us: I64
    known_us: I64 | None
    columns: dict[str, F64]
    refused: tuple[str, ...]


def values(path: Path, name: str, tz: str = "") -> Values:
    """Read a file of fear_greed, vix, dxy, funding or open_interest. Raises `BadInput`.

    tz   zone of times that name none; UTC without
    """
    frame = _frame(path)
    at, known = _times(path, frame, tz)
    columns = {
        key: _numbers(frame[_column(path, frame, column.spelt)]) for key, column in COLUMNS[name].items()
    }
    refused: list[str] = []
    good = np.ones(at.size, np.bool_)

    def refuse(broken: Flags, said: Callable[[int], str]) -> None:
        refused.extend(f"row {i + 1:,}: {said(i)}" for i in np.flatnonzero(broken & good).tolist())
        good[broken] = False

    refuse(at < 0, lambda _: "it has no time between 1970 and 2200")
    if known is not None:
        refuse(known < 0, lambda _: "it does not say when it was known, though the file has a column for it")
    for key, column in COLUMNS[name].items():
        numbers = columns[key]
        outside = ~((numbers >= column.least) & (numbers <= column.most))
        refuse(outside, partial(_outside, column, numbers))
    order = np.lexsort([np.arange(at.size), at if known is None else known, at])
    order = order[good[order]]
    kept = _once(at, known, columns, order, refused)
    if not kept.size:
        raise BadInput(f"{path.name} has no row that can be believed; {_first(refused)}")
    return Values(
        at[kept],
        None if known is None else known[kept],
        {key: column[kept] for key, column in columns.items()},
        tuple(refused),
    )


def _outside(column: Column, numbers: F64, i: int) -> str:
    return f"{column.spelt[0]} is {column.least:g} to {column.most:g}; was {numbers[i]:g}"


def _once(at: I64, known: I64 | None, columns: Mapping[str, F64], order: I64, refused: list[str]) -> I64:
    """Rows of which each time (and vintage) is there once: the first is kept, one that says something else is refused."""
    kept: list[int] = []
    for i in order.tolist():
        if kept and at[i] == at[kept[-1]] and (known is None or known[i] == known[kept[-1]]):
            if any(column[i] != column[kept[-1]] for column in columns.values()):
                refused.append(
                    f"row {i + 1:,}: a second value for the time of row {kept[-1] + 1:,}, and another one"
                )
            continue
        kept.append(i)
    return np.array(kept, np.int64)


def candles(path: Path, tz: str = "") -> tuple[Candles, tuple[str, ...]]:
    """Read mark prices, and the rows that were refused. Raises `BadInput`."""
    frame = _frame(path)
    at, _ = _times(path, frame, tz)
    opened, high, low, close = (_numbers(frame[_column(path, frame, (name,))]) for name in _PRICES)
    order = np.argsort(at, kind="stable")
    nothing = np.full(at.size, np.nan)
    read = Candles(at, opened, high, low, close, nothing).take(order)
    refused: list[str] = []
    good = read.open_us >= 0
    twice = np.zeros(at.size, np.bool_)
    twice[1:] = read.open_us[1:] == read.open_us[:-1]
    body_low, body_high = np.minimum(read.open, read.close), np.maximum(read.open, read.close)
    sane = (read.low > 0) & (read.high <= HIGHEST_PRICE) & (read.low <= body_low) & (read.high >= body_high)
    for i in np.flatnonzero(~good | twice | ~sane).tolist():
        why = (
            "it has no time"
            if not good[i]
            else "a second candle at its time"
            if twice[i]
            else "its prices are not those of a candle"
        )
        refused.append(f"row {int(order[i]) + 1:,}: {why}")
    kept = read.take(good & ~twice & sane)
    if not len(kept):
        raise BadInput(f"{path.name} has no candle that can be believed; {_first(refused)}")
    if (found := wrong(kept, volume=False)) is not None:
        raise BadInput(f"{path.name}: {found[1]}.")
    return kept, tuple(refused)


def timeframe_of(path: Path, tz: str = "") -> str:
    """The most frequent step between rows of a file of candles. Raises `BadInput`."""
    at, _ = _times(path, _frame(path), tz)
    steps = np.diff(np.unique(at[at >= 0]))
    if not steps.size:
        raise BadInput(
            f"{path.name} has one row, which does not say how long a candle is; say it with --timeframe."
        )
    found, counts = np.unique(steps, return_counts=True)
    text = timeframe_text(int(found[np.argmax(counts)]))
    timeframe_us(text)
    return text


def calendar_rows(path: Path, tz: str = "") -> list[tuple[str, int | None, int | None, float]]:
    """Rows of a calendar: its words, when it is, when that was known (µs UTC, None where it is not said), importance."""
    frame = _frame(path)
    at, known = _times(path, frame, tz)
    words = frame[_column(path, frame, ("event", "name", "title", "summary"))].fillna("").tolist()
    weight = _numbers(frame["importance"].fillna("3")) if "importance" in frame else np.full(at.size, 3.0)
    said = [None] * at.size if known is None else [int(k) if k >= 0 else None for k in known]
    return [
        (str(words[i]).strip(), int(at[i]) if at[i] >= 0 else None, said[i], float(weight[i]))
        for i in range(at.size)
    ]


def instant_us(text: str, tz: str = "") -> int:
    """One written time, µs UTC. Raises `BadInput`.

    >>> instant_us("2024-01-31T14:00:00", "America/New_York") == instant_us("2024-01-31T19:00:00Z")
    True
    """
    import pandas as pd  # noqa: PLC0415 - half a second, for who reads a file

    at = int(_stamps(pd.Series([text]), tz)[0])
    if at < 0:
        raise BadInput(f"{text[:30]!r} is no time; write 2024-01-31T19:00:00Z.")
    return at


def _frame(path: Path) -> Any:
    """A table of text, columns in lower case."""
    import duckdb  # noqa: PLC0415 - as above
    import pandas as pd  # noqa: PLC0415

    try:
        if path.suffix.lower() == ".parquet":
            place = glob.escape(str(path))
            frame = (
                duckdb.connect(":memory:")
                .execute("SELECT COLUMNS(*)::VARCHAR FROM read_parquet(?)", [place])
                .df()
            )
        else:
            frame = pd.read_csv(
                path, dtype=str, keep_default_na=True, encoding="utf-8-sig", skipinitialspace=True
            )
    except FileNotFoundError:
        raise BadInput(f"{path} is not a file; name a .csv, .parquet or (of a calendar) .ics file.") from None
    except (duckdb.Error, ValueError, OSError) as error:
        first = (str(error).strip().splitlines() or ["it is damaged"])[0][:200]
        raise BadInput(f"{path.name} cannot be read: {first}") from None
    frame.columns = [str(name).strip().lower() for name in frame.columns]
    if not len(frame) or frame.columns.has_duplicates:
        why = "has no row" if not len(frame) else "has one column name twice"
        raise BadInput(f"{path.name} {why}; a header and rows are needed.")
    return frame


def _column(path: Path, frame: Any, spelt: tuple[str, ...]) -> str:
    for name in spelt:
        if name in frame:
            return name
    raise BadInput(f"{path.name} has no column {' or '.join(spelt)}; it has {', '.join(frame.columns[:12])}.")


def _times(path: Path, frame: Any, tz: str) -> tuple[I64, I64 | None]:
    at = _stamps(frame[_column(path, frame, _TIMES)], tz)
    said = next((name for name in _KNOWN if name in frame), None)
    return at, None if said is None else _stamps(frame[said], tz)


def _numbers(column: Any) -> F64:
    import pandas as pd  # noqa: PLC0415 - as above

    numbers: F64 = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    return numbers


def _stamps(column: Any, tz: str) -> I64:
    """Microseconds UTC, -1 where a cell is no time: s, ms, µs or ns since 1970 by their size, or ISO 8601."""
    import pandas as pd  # noqa: PLC0415 - as above

    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    if not np.isnan(numbers).all():
        digits = float(np.nanmax(np.abs(numbers)))
        # Seconds of the year 2200 have ten digits, and each finer unit three more.
        scale = next((s for most, s in ((1e10, 1e6), (1e13, 1e3), (1e16, 1.0)) if digits < most), 1e-3)
        numbers = np.where(np.isnan(numbers), -1.0, np.rint(numbers * scale))
        return np.where((numbers >= 0) & (numbers < _LATEST_US), numbers, -1.0).astype(np.int64)
    try:
        parsed = [_parsed(pd, text, tz) for text in column.tolist()]
    except (KeyError, OSError, ValueError) as error:
        if tz:
            raise BadInput(
                f"a time cannot be placed in the zone {tz!r}: {str(error)[:120]}; name a zone as in America/New_York."
            ) from None
        raise
    return np.array(parsed, np.int64)


_LATEST_YEAR = 2_200
_LATEST_US = 7_258_118_400_000_000  # its first instant


def _parsed(pd: Any, text: Any, tz: str) -> int:
    stamp = pd.to_datetime(text, errors="coerce", format="ISO8601") if isinstance(text, str) else pd.NaT
    if stamp is pd.NaT:
        return -1
    if stamp.tzinfo is None:
        stamp = stamp.tz_localize(tz or "UTC", ambiguous="raise", nonexistent="raise")
    at = (
        int(stamp.value) // 1_000 if stamp.year < _LATEST_YEAR else -1
    )  # `value` is nanoseconds, whatever the unit
    return at if 0 <= at < _LATEST_US else -1


def _first(refused: list[str]) -> str:
    return f"of {len(refused):,} refused, the first: {refused[0]}." if refused else "it has none."
