"""A body's past for a breeder: instants in a real journal, and a breeder on them whose clock is ours."""

import math

import numpy as np

from genome.background.breeder import Breeder, Place, costs_of
from genome.background.duty import Duty
from organism.core import Now
from organism.effects import Publish
from organism.journal.writer import SqliteJournal
from organism.market import NS_PER_S, Bar
from organism.messages import BarClosed, BarsArrived, Envelope
from organism.settings import EvolutionSettings, PaperSettings
from organs.nervous.bundled import watched_instruments

SYMBOLS = ("BTC/USDT", "ETH/USDT")
BAR_S = 3_600
BEGIN_S = 19_800 * 86_400
SMALL = EvolutionSettings(
    population=16, generations=3, islands=2, min_bars=120, most_bars=2_000, growth=0.1, min_trades=0
)


def instant(n, session=1, *, warmup=False):
    """The n-th instant, an hour after the one before; its prices are a function of n alone."""
    close_ns = (BEGIN_S + (n + 1) * BAR_S) * NS_PER_S
    bars = []
    for i, symbol in enumerate(SYMBOLS):
        price = 100.0 * (i + 1) * math.exp(0.05 * math.sin(n / (7 + i)) + 0.02 * math.sin(n / 2.3))
        after = (
            100.0 * (i + 1) * math.exp(0.05 * math.sin((n + 1) / (7 + i)) + 0.02 * math.sin((n + 1) / 2.3))
        )
        high, low = max(price, after) * 1.002, min(price, after) * 0.998
        bars.append(Bar(symbol, close_ns - BAR_S * NS_PER_S, close_ns, price, high, low, after, 50.0 + n % 9))
    return BarClosed(at_ns=close_ns, session=session, bars=tuple(bars), warmup=warmup)


class Past:
    """A journal that grows."""

    def __init__(self, state):
        self.state = state
        self.journal = SqliteJournal(state, durability="off", threaded=False, started_wall_ns=0)
        self._incarnations = {organ: self.journal.begin_incarnation(organ) for organ in ("nervous", "brain")}
        self.n = 0

    def live(self, instants):
        for message in instants:
            self.n += 1
            arrived = BarsArrived(feed="toy", session=message.session, at_ns=message.at_ns, bars=message.bars)
            did = (Publish(to=("motor", "brain"), message=message),)
            self._record("nervous", Envelope(f"bar:{self.n}", "feed", 0, 0, "", arrived), did)
            self._record("brain", Envelope(f"{self.n}.0", "nervous", 1, 0, "", message), ())
        self.journal.flush()

    def _record(self, organ, envelope, effects):
        self.journal.record(organ, self._incarnations[organ], self.n, envelope, effects, Now(0, 0, 0, 1))

    def close(self):
        self.journal.close()


def never(_seconds):
    return False


def breeder(state, settings=SMALL, *, wait=never, seed=1, has_room=lambda: True):
    """A breeder that works as fast as it can."""
    paper = PaperSettings()
    place = Place(state, settings, watched_instruments(SYMBOLS, paper), costs_of(paper), 10_000.0, seed)
    return Breeder(place, Duty(1.0, wait), wait, has_room)


def same(one, other):
    """Whether two markets are the same to the last bit."""
    return one.symbol == other.symbol and all(
        np.array_equal(a, b, equal_nan=True)
        for a, b in ((one.open_s, other.open_s), (one.columns, other.columns))
    )
