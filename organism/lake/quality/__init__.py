"""How good a history is: its defects found, named and counted, and a score from 0 to 100.

    found = inspect(candles, timeframe_us("1m"), Around(venue="binance", symbol="BTC/USDT"))
    found.score, found.good, found.document()

`QUALITY.md` has the table of penalties and how each defect is found. Nothing here alters a candle.
"""

from organism.lake.quality.defects import GATE, MEANING, PENALTIES, Defect, Finding, score_of
from organism.lake.quality.gaps import Neighbour
from organism.lake.quality.inspected import Around, Quality, Tally, inspect

__all__ = [
    "GATE",
    "MEANING",
    "PENALTIES",
    "Around",
    "Defect",
    "Finding",
    "Neighbour",
    "Quality",
    "Tally",
    "inspect",
    "score_of",
]
