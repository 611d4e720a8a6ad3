"""Files as they are found in the wild → series of the lake, recognised by what they hold.

    outcome = bring(lake, files_of([Path("downloads")]), Told(), now_us=clock)

Known are dumps of exchanges, CryptoDataDownload, Bitfinex's order of columns, Yahoo, freqtrade, trades, Lean, our own
Parquet, and any table whose header names a time, open, high, low, close and volume; packed as zip or gz or not. Besides
candles: mark prices, funding rates, open interest and trades, of dumps, of what ccxt or a venue answers, and of tables.
"""

from organism.lake.importing.bring import Imported, Outcome, bring, document, files_of
from organism.lake.importing.decided import Told
from organism.lake.importing.read import Found, NoCandlesError, found_in
from organism.lake.importing.rows import Refused

__all__ = [
    "Found",
    "Imported",
    "NoCandlesError",
    "Outcome",
    "Refused",
    "Told",
    "bring",
    "document",
    "files_of",
    "found_in",
]
