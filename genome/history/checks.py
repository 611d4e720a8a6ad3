"""What is believed of a file of candles: its stamps, its step, its prices."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from organism.errors import BadInput

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MS = 1_000
DAY_MS = 86_400 * MS
_LATEST_MS = 4_102_444_800_000  # 2100-01-01
_EARLIEST_S = 631_152_000  # 1990-01-01: stamps before it are more likely counts than times
_UNITS = (("seconds", MS, "multiply"), ("microseconds", MS, "divide"), ("nanoseconds", MS * MS, "divide"))
# Prices that were adjusted or summed in floating point miss their own high by an ulp or two.
_ROUNDING = 1e-9


def written(stamp_ms: float) -> str:
    """An instant for people.

    >>> written(1_704_067_200_000)
    '2024-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(stamp_ms / MS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamps(path: Path, values: F64) -> I64:
    """Milliseconds since the epoch as integers, strictly rising. Raises `BadInput` for anything else."""
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise BadInput(f"{path.name}, row {bad[0] + 1:,}: timestamp is missing; give milliseconds, UTC.")
    _unit(path, values)
    bad = np.flatnonzero(values % 1)
    if bad.size:
        raise BadInput(
            f"{path.name}, row {bad[0] + 1:,}: timestamp was {values[bad[0]]!r}; whole milliseconds are needed."
        )
    found = values.astype(np.int64)
    steps = np.diff(found)
    back = np.flatnonzero(steps < 0)
    if back.size:
        row = int(back[0]) + 1
        raise BadInput(
            f"{path.name}, row {row + 1:,}: {written(found[row])} comes after {written(found[row - 1])}; "
            "sort the rows by timestamp, oldest first."
        )
    same = np.flatnonzero(steps == 0)
    if same.size:
        row = int(same[0]) + 1
        raise BadInput(
            f"{path.name}, row {row + 1:,}: {written(found[row])} stands there twice, as {same.size:,} "
            f"row{'s' if same.size > 1 else ''} in all repeat{'' if same.size > 1 else 's'} the stamp before; "
            "keep one row a bar."
        )
    return found


def _unit(path: Path, values: F64) -> None:
    """Refuse stamps that make sense in another unit than milliseconds, and say which."""
    first, last = float(values.min()), float(values.max())
    if first > _EARLIEST_S * MS / 10 and last < _LATEST_MS:
        return
    for unit, factor, verb in _UNITS:
        scale = factor if verb == "multiply" else 1 / factor
        if first * scale >= _EARLIEST_S * MS and last * scale < _LATEST_MS:
            raise BadInput(
                f"{path.name}: timestamp {first:.0f} looks like {unit} ({written(first * scale)}), but milliseconds "
                f"are read; {verb} the column by {factor:,}."
            )
    raise BadInput(
        f"{path.name}: timestamps run from {first:.0f} to {last:.0f}, which is no time between 1990 and 2100 in "
        "any unit; give milliseconds since 1970, UTC."
    )


def bar_length(path: Path, stamps_ms: I64, told_s: int | None = None) -> int:
    """Seconds between opens, the most frequent step; `told_s` or a minute for a single bar.

    Raises `BadInput` for bars that overlap (the later one would open before the earlier is known) and for stamps
    that are not whole seconds.
    """
    uneven = np.flatnonzero(stamps_ms % MS)
    if uneven.size:
        row = int(uneven[0])
        raise BadInput(
            f"{path.name}, row {row + 1:,}: timestamp was {int(stamps_ms[row])}; a bar opens on a whole second."
        )
    if stamps_ms.size == 1:
        return told_s or 60
    steps = np.diff(stamps_ms) // MS
    lengths, counts = np.unique(steps, return_counts=True)
    bar_s = int(lengths[np.argmax(counts)])
    early = np.flatnonzero(steps < bar_s)
    if early.size:
        row = int(early[0]) + 1
        raise BadInput(
            f"{path.name}, row {row + 1:,}: {written(stamps_ms[row])} opens {int(steps[row - 1]):,} s after the bar "
            f"before it, but most bars are {bar_s:,} s long; bars must not overlap."
        )
    return bar_s


def prices(path: Path, columns: dict[str, F64], stamps_ms: I64) -> None:
    """Refuse prices that cannot be. NaN is allowed: such a bar is void."""
    names = ("open", "high", "low", "close")

    def refuse(row: int, what: str) -> None:
        raise BadInput(f"{path.name}, row {row + 1:,} ({written(stamps_ms[row])}): {what}")

    for name in names:
        bad = np.flatnonzero(~((columns[name] > 0) & np.isfinite(columns[name]) | np.isnan(columns[name])))
        if bad.size:
            row = int(bad[0])
            refuse(
                row,
                f"{name} was {float(columns[name][row]):g}; a price is a positive number, or empty if unknown.",
            )
    volume = columns["volume"]
    bad = np.flatnonzero((volume < 0) | np.isinf(volume))
    if bad.size:
        refuse(
            int(bad[0]),
            f"volume was {float(volume[bad[0]]):g}; a volume is zero or more, or empty if unknown.",
        )
    opened, high, low, close = (columns[name] for name in names)
    bad = np.flatnonzero(high < low)
    if bad.size:
        row = int(bad[0])
        refuse(row, f"high was {high[row]:g} and low {low[row]:g}; a high is never below its low.")
    for name, values in (("open", opened), ("close", close)):
        bad = np.flatnonzero((values > high * (1 + _ROUNDING)) | (values < low * (1 - _ROUNDING)))
        if bad.size:
            row = int(bad[0])
            refuse(
                row,
                f"{name} was {values[row]:g}, outside low {low[row]:g} to high {high[row]:g}; "
                "are the columns in the right order?",
            )
