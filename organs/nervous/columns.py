"""Recorded candles as columns, and the compact file they are kept in.

A file is an uncomplicated `.npz` (no pickle). Prices and volumes are decimal numbers with few digits, so they
are stored as scaled integers, and those as small differences: open against the close before, close against
the open, high and low against the body. Each difference is split into byte planes, which deflate far better.
Reading multiplies nothing: integer / power of ten is the correctly rounded float, bit for bit the original.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from organism.errors import BadInput

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_FORMAT = 1
_DIFFERENCES = ("time", "open", "body", "top", "bottom", "volume")


@dataclass(frozen=True)
class Columns:
    """Candles of one instrument, oldest first. open_ns: market time; prices quote currency, volume base units.

    A row without a candle (another instrument has one there) holds NaN in every column but the time.
    """

    symbol: str
    open_ns: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64

    def __len__(self) -> int:
        return self.open_ns.size

    def rows(self, start: int, stop: int | None) -> "Columns":
        """Return a view of some rows."""
        cut = slice(start, stop)
        return Columns(
            self.symbol, self.open_ns[cut], self.open[cut], self.high[cut], self.low[cut],
            self.close[cut], self.volume[cut],
        )  # fmt: skip


def write(path: Path, columns: Columns, *, price_decimals: int, volume_decimals: int) -> None:
    """Write a compact file. Raises `BadInput` where a number has more decimals than were promised."""
    opened, high, low, close = (
        _scaled(getattr(columns, name), price_decimals, f"{columns.symbol} {name}")
        for name in ("open", "high", "low", "close")
    )
    volume = _scaled(columns.volume, volume_decimals, f"{columns.symbol} volume")
    differences: dict[str, I64] = {
        "time": np.diff(columns.open_ns, prepend=0),
        "open": opened - np.concatenate((np.zeros(1, np.int64), close[:-1])),
        "body": close - opened,
        "top": high - np.maximum(opened, close),
        "bottom": np.minimum(opened, close) - low,
        "volume": volume,
    }
    arrays = {name: _planes(values) for name, values in differences.items()}
    header = np.array([_FORMAT, columns.open_ns.size, price_decimals, volume_decimals], np.int64)
    np.savez_compressed(path, allow_pickle=False, header=header, **arrays)


def read(path: Path, symbol: str) -> Columns:
    """Read a compact file back, exactly."""
    with np.load(path, allow_pickle=False) as file:
        version, n_rows, price_decimals, volume_decimals = (int(x) for x in file["header"])
        if version != _FORMAT:
            raise BadInput(f"{path.name} has format {version}, but this version reads format {_FORMAT}.")
        time, opening, body, top, bottom, volume = (_joined(file[name], n_rows) for name in _DIFFERENCES)
    close = np.cumsum(opening + body)
    opened = close - body
    price, unit = 10.0**price_decimals, 10.0**volume_decimals
    return Columns(
        symbol=symbol,
        open_ns=np.cumsum(time),
        open=opened / price,
        high=(np.maximum(opened, close) + top) / price,
        low=(np.minimum(opened, close) - bottom) / price,
        close=close / price,
        volume=volume / unit,
    )


def aligned(recordings: tuple[Columns, ...]) -> tuple[Columns, ...]:
    """Bring recordings onto one common set of times; rows that an instrument lacks become NaN."""
    first = recordings[0].open_ns
    if all(np.array_equal(r.open_ns, first) for r in recordings[1:]):
        return recordings
    times = np.unique(np.concatenate([r.open_ns for r in recordings]))
    return tuple(_spread(r, times) for r in recordings)


def _spread(columns: Columns, times: I64) -> Columns:
    at = np.searchsorted(times, columns.open_ns)

    def placed(values: F64) -> F64:
        out = np.full(times.size, np.nan)
        out[at] = values
        return out

    return Columns(
        columns.symbol, times, placed(columns.open), placed(columns.high), placed(columns.low),
        placed(columns.close), placed(columns.volume),
    )  # fmt: skip


def _scaled(values: F64, decimals: int, what: str) -> I64:
    scale = 10.0**decimals
    whole = np.rint(values * scale)
    if not np.array_equal(whole / scale, values):
        raise BadInput(
            f"{what} has numbers with more than {decimals} decimals; raise the number of decimals."
        )
    return whole.astype(np.int64)


def _planes(values: I64) -> NDArray[np.uint8]:
    """Zigzag (small magnitudes become small unsigned numbers), then one row a byte; rows of zeros dropped."""
    zigzag = ((values << 1) ^ (values >> 63)).view(np.uint64)
    planes = zigzag.astype("<u8").view(np.uint8).reshape(-1, 8).T
    used = 8
    while used > 1 and not planes[used - 1].any():
        used -= 1
    return np.ascontiguousarray(planes[:used])


def _joined(planes: NDArray[np.uint8], n_rows: int) -> I64:
    full = np.zeros((n_rows, 8), np.uint8)
    full[:, : planes.shape[0]] = planes.T
    zigzag = full.view("<u8").reshape(-1)
    return (zigzag >> np.uint64(1)).astype(np.int64) ^ -(zigzag & np.uint64(1)).astype(np.int64)
