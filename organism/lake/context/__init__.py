"""What is known beside prices, and when it became known: fear and greed, funding, marks, open interest, VIX, DXY, a calendar.

    read = vintages(lake, context_series("fear_greed"))
    as_known(read, at_us)          # what a person could have known at that instant, and nothing more
    newest(read, closes_us)        # the value a strategy sees at each close

`lags` is the one table of when a value becomes known. `vintages` applies it, and keeps what was said before a value was
revised. `files` and `calendar` read files, `kept` puts them into the lake.
"""

from organism.lake.context.calendar import Event, events, upcoming
from organism.lake.context.kept import context_series, import_file
from organism.lake.context.lags import LAGS, Lag, known_at, table
from organism.lake.context.vintages import Vintages, as_known, candles_as_known, newest, vintages

__all__ = [
    "LAGS",
    "Event",
    "Lag",
    "Vintages",
    "as_known",
    "candles_as_known",
    "context_series",
    "events",
    "import_file",
    "known_at",
    "newest",
    "table",
    "upcoming",
    "vintages",
]
