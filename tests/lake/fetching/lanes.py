"""What tests of fetching share: a clock that only waits move, and sources without a network."""

import random

from organism.lake.fetching.backoff import Patience
from organism.lake.fetching.client import Exchange
from organism.lake.fetching.days import DAY_US
from organism.lake.fetching.fetcher import Fetcher
from organism.lake.fetching.shared import Clock
from organism.lake.fetching.standin import candle
from organism.lake.store import Lake

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
MIDNIGHT_US = 20_000 * DAY_US
PATIENT = Patience(call_s=20.0)
NOW_US = MIDNIGHT_US + 5 * HOUR_US + 30_000_000


class Hands:
    """A clock that a test moves: a wait moves it by as much, at once."""

    def __init__(self, now_us=NOW_US):
        self.now_us, self.waits = now_us, []
        self.clock = Clock(lambda: self.now_us, lambda: self.now_us, self._wait)

    def _wait(self, seconds):
        self.waits.append(seconds)
        self.now_us += int(seconds * 1e6)


class Made:
    """A source that has everything from `first_us` on, but raises what `broken(since_us)` returns."""

    def __init__(
        self, name, *, broken=lambda _since_us: None, first_us=0, lists=True, ahead_us=0, clock=None
    ):
        self.name, self.broken, self.first_us, self.lists = name, broken, first_us, lists
        self._ahead_us, self.asked, self._clock = ahead_us, [], clock

    def listed(self, instrument, timeframe, *, mark=False):
        if self.lists is not True:
            raise self.lists
        return 500

    def page(self, instrument, timeframe, since_us, limit, *, mark=False):
        self.asked.append(since_us)
        if (error := self.broken(since_us)) is not None:
            raise error
        bar_us = {"1m": MINUTE_US, "1h": HOUR_US}[timeframe]
        begin = max(since_us, self.first_us)
        end = since_us + limit * bar_us
        return [self.row(instrument, us, bar_us) for us in range(begin, end, bar_us)]

    def row(self, instrument, us, bar_us):
        ms, *values = candle(instrument.base + instrument.quote, us, bar_us)
        return [ms, *map(float, values)]

    def ahead_us(self):
        return self._ahead_us


class Bench:
    """A lake, a fetcher over some sources, and the lines it said."""

    def __init__(self, root, *sources, hands=None, patience=PATIENT):
        self.hands = hands or Hands()
        self.lines = []
        self.lake = Lake(root / "lake", now_us=self.hands.clock.wall_us)
        self.sources = sources
        self.fetcher = Fetcher(
            self.lake,
            sources,
            clock=self.hands.clock,
            chance=random.Random(1),
            patience=patience,
            warn=self.lines.append,
        )


def exchange(name, root, server, hands, patience=PATIENT, known=None):
    """Unmodified ccxt, sent to a stand-in."""
    return Exchange(
        name, folder=root / "budget", clock=hands.clock, share=lambda: 0.9, patience=patience,
        endpoint=server.endpoint, known=known,
    )  # fmt: skip


def are_as_made(lake, series, symbol):
    """Whether every stored candle is exactly what the stand-in's market says, and each is there once."""
    found = lake.read(series).candles
    wanted = [candle(symbol, int(us), series.bar_us) for us in found.open_us]
    same = [
        [float(text) for text in row[1:]] == [float(column[i]) for column in found.values()]
        for i, row in enumerate(wanted)
    ]
    return all(same) and len(set(found.open_us.tolist())) == len(found)
