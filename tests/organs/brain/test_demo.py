"""What a first start shows: the bundled market, default settings, the founders."""

from itertools import islice

import pytest

from organism.journal.port import MemoryJournal
from organism.lockstep import Lockstep
from organism.messages import BarClosed, ExposureTargeted, PortfolioMarked
from organism.settings import BrainSettings, MarketSettings, PaperSettings
from organs.brain.core import brain_core
from organs.nervous.bundled import watched_instruments
from organs.nervous.core import nervous_core
from organs.nervous.feeds import instants
from organs.reproduction.core import reproduction_core

MARKET = MarketSettings()
INSTRUMENTS = watched_instruments(MARKET.symbols, PaperSettings())


class Demo:
    """Market data, forecasts and evolution in lockstep; the portfolio is marked by hand, and stays empty."""

    def __init__(self, market=MARKET):
        self.targeted, self.heard = [], []
        self.journal = MemoryJournal()
        cores = (
            nervous_core(market, INSTRUMENTS),
            brain_core(BrainSettings(), INSTRUMENTS),
            reproduction_core(),
        )
        self.lockstep = Lockstep(cores, self.journal, observers=(self.observe,))
        self.market = market

    def observe(self, _seq, organ, envelope, effects, _now):
        if type(envelope.message) is BarClosed and organ == "brain":
            self.heard.append(envelope.message)
        for effect in effects:
            message = getattr(effect, "message", None)
            if type(message) is ExposureTargeted:
                self.targeted.append((len(self.heard), message))

    def live(self, n):
        for instant in islice(instants(self.market), n):
            self.lockstep.tick(instant)
            mark = PortfolioMarked(
                at_ns=instant.at_ns, session=instant.session, cash=0, equity=1.0, peak=1.0, drawdown=0.0,
                day_start=1.0, gross_exposure=0.0, net_exposure=0.0, realised=0, unrealised=0, fees=0,
                consecutive_losses=0, positions=(),
            )  # fmt: skip
            self.lockstep.inject("brain", mark, sender="test")
            self.lockstep.drain()
        return self


@pytest.mark.requirement("S0-0.2")
def test_the_founders_target_something_soon_after_warm_up():
    demo = Demo().live(560)
    n_heard, first = demo.targeted[0]

    assert 500 < n_heard <= 530
    assert all(t.forecast > 0.0 for t in first.targets)
    assert {c.genome_id.rsplit("_", 2)[0] for c in first.targets[0].contributions} == {
        "ema_trend", "rsi_reversion", "donchian_breakout", "vwap_reversion",
    }  # fmt: skip


def test_the_same_market_gives_the_same_journal():
    market = MarketSettings(feed="simulated", warmup_bars=50)

    assert Demo(market).live(200).journal.tip == Demo(market).live(200).journal.tip


def test_a_new_session_begins_without_a_jump():
    market = MarketSettings(warmup_bars=20, closing_bars=5, max_bars=60)
    demo = Demo(market).live(130)
    seams = [m.at_ns for m in demo.heard if m.seam]

    assert len(seams) == 3
    for symbol, one in demo.lockstep.organs["brain"].state.markets.items():
        assert one.climate.n == 9, symbol
        assert one.climate.variance < 0.01**2
