"""How a fetch fares when every tenth call goes wrong: complete, no row twice, and never more than the venue allows."""

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from organism.lake.fetching.backoff import Patience
from organism.lake.fetching.client import Exchange
from organism.lake.fetching.days import DAY_US
from organism.lake.fetching.fetcher import Fetcher
from organism.lake.fetching.shared import ALONE, Clock
from organism.lake.fetching.standin import FAULTS, StandIn, candle
from organism.lake.fetching.venues import Venue
from organism.lake.names import Series, series
from organism.lake.store import Lake

_EVERY = 10
_SEED = 1
_NOW_US = 20_000 * DAY_US
_PATIENCE = Patience(base_s=0.05, cap_s=1.0, call_s=1.0)
# Far less than the real venues allow, so that the limit is met in every second.
_VENUES = {
    "binance": Venue("binance", 40, 1_000_000, 5.0, "x-mbx-used-weight-1m", ("spot",)),
    "cryptocom": Venue("cryptocom", 10, 1_000_000),
}


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Fetch two instruments from each of two venues with faults of every sort; what came, and what the venue counted."""
    days = 5 if quick else 40
    return {name: _fetched(name, known, days) for name, known in _VENUES.items()}


def _fetched(name: str, known: Venue, days: int) -> dict[str, Any]:
    server = StandIn(
        now_us=_NOW_US, fault=_every_tenth(name), limit=known.limit, window_s=known.window_us / 1e6
    )
    lines: list[str] = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            root, clock = Path(folder), Clock(wall_us=lambda: _NOW_US)
            source = Exchange(
                name, folder=root / "budget", clock=clock, share=lambda: ALONE, patience=_PATIENCE,
                endpoint=server.endpoint, known=known,
            )  # fmt: skip
            lake = Lake(root / "lake", now_us=clock.wall_us)
            fetcher = Fetcher(
                lake,
                [source],
                clock=clock,
                chance=random.Random(_SEED),
                patience=_PATIENCE,
                warn=lines.append,
            )
            start = time.perf_counter()
            wanted = [series(name, symbol, "1m") for symbol in ("BTC/USDT", "ETH/USDT")]
            outcomes = [fetcher.fetch(one, _NOW_US - (days + 1) * DAY_US, _NOW_US - DAY_US) for one in wanted]
            seconds = time.perf_counter() - start
            rows = sum(sum(one.rows.values()) for one in outcomes)
            return {
                "rows": rows,
                "missing": sum(one.missing for one in outcomes),
                "twice": sum(_twice(lake, one) for one in wanted),
                "wrong": sum(_wrong(lake, one) for one in wanted),
                "calls": len(server.asked),
                "faults": {fault: n for fault, n in server.struck.items() if fault},
                "allowed_weight": known.limit,
                "most_weight": server.most_weight,
                "times_over": int(server.n_over),
                "seconds": round(seconds, 2),
                "warnings": lines,
            }
    finally:
        server.close()


def _every_tenth(name: str) -> Callable[[int, str], str]:
    # Binance's candles do not say whose they are: nobody could tell that they are another instrument's.
    faults = [fault for fault in FAULTS if (name, fault) != ("binance", "wrong")]
    return lambda number, _what: faults[number // _EVERY % len(faults)] if number % _EVERY == 0 else ""


def _twice(lake: Lake, one: Series) -> int:
    opens = lake.read(one).candles.open_us
    return int(opens.size - np.unique(opens).size)


def _wrong(lake: Lake, one: Series) -> int:
    """Stored candles that are not what the market was."""
    found = lake.read(one).candles
    symbol = one.symbol.replace("/", "")
    return sum(
        float(candle(symbol, int(us), one.bar_us)[4]) != float(found.close[i])
        for i, us in enumerate(found.open_us)
    )
