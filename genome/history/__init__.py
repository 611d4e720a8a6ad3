"""Recorded markets from files: read, checked, counted, and never repaired.

    market = load(Path("BTC-USDT.parquet"), timeframe="1h")
    for sentence in quality(market).sentences(): ...

A file is Parquet, or CSV with a header. Columns, in any order: `timestamp` (the bar's open, milliseconds since 1970,
UTC; in Parquet also a time type), `open high low close volume`, and if there `funding fear_greed book_imbalance
mark_open mark_high mark_low` (`genome.market`). What is wrong is refused with the file, row and value; what is merely
missing (an empty cell) is kept as NaN, and `quality` counts it.
"""

from genome.history.bars import load, load_folder, resampled, timeframe_seconds
from genome.history.events import with_fear_greed, with_funding
from genome.history.quality import Hole, Quality, quality

__all__ = [
    "Hole",
    "Quality",
    "load",
    "load_folder",
    "quality",
    "resampled",
    "timeframe_seconds",
    "with_fear_greed",
    "with_funding",
]
