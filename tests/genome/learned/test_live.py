"""A stored fit steps bar by bar as it walks over a whole history, and never learns."""

import math
import sys

import numpy as np
import pytest

from genome.genome import Genome
from genome.learned import LOOKBACK, features, latest, loads, settings
from genome.learned.fits import dumps
from genome.learned.live import LearnedStrategy, _held, replayed
from genome.market import market
from genome.strategy import Strategy
from organism.errors import BadInput
from organism.market import Bar
from tests.genome.learned.planted import random_walk

PAST, LATER = random_walk(900, seed=1), random_walk(420, seed=2)
GENES = (("band", 0.0005), ("horizon", 3.0), ("window", 400.0))
GENOMES = {family: Genome(family=family, genes=GENES) for family in ("linear_svc", "pca_tree_quantile")}
FITS = {family: latest(genome, PAST) for family, genome in GENOMES.items()}


def bars(of):
    for t in range(of.size):
        prices = (float(of.column(name)[t]) for name in ("open", "high", "low", "close", "volume"))
        at = int(of.open_s[t])
        yield Bar(of.symbol, at * 10**9, (at + of.bar_s) * 10**9, *prices)


@pytest.mark.parametrize("family", GENOMES)
def test_bar_by_bar_is_the_whole_history_to_the_bit(family):
    strategy = LearnedStrategy(GENOMES[family], FITS[family])
    assert isinstance(strategy, Strategy)
    whole = features(LATER)
    levels = replayed(FITS[family], settings(GENOMES[family]), whole)
    state, held, wanted, got = strategy.initial(), 0.0, [], []
    for t, bar in enumerate(bars(LATER)):
        memory = np.frombuffer(state.memory).copy()
        if t % 7 == 0:  # features alone, bit for bit
            np.testing.assert_array_equal(strategy._features(memory, bar)[0], whole[t])
        state, forecast = strategy.step(state, bar)
        held = _held(held, *(bool(side[t]) for side in levels))
        wanted.append(held if t >= LOOKBACK else math.nan)
        got.append(forecast)
    np.testing.assert_array_equal(got, wanted)
    assert {-1.0, 1.0} <= set(got[LOOKBACK:])


def test_a_step_is_pure():
    strategy = LearnedStrategy(GENOMES["linear_svc"], FITS["linear_svc"])
    state = strategy.initial()
    bar = next(bars(LATER))
    assert strategy.step(state, bar)[0] == strategy.step(state, bar)[0]
    assert state == strategy.initial()


@pytest.mark.requirement("S4-25.17")
def test_live_has_no_way_to_learn(monkeypatch):
    """The stored fit decides even where scikit-learn is not installed at all."""
    fit = loads(dumps(FITS["linear_svc"]))
    monkeypatch.setitem(sys.modules, "sklearn", None)
    strategy = LearnedStrategy(GENOMES["linear_svc"], fit)
    state = strategy.initial()
    for bar in bars(LATER):
        state, forecast = strategy.step(state, bar)
    assert forecast in {-1.0, 0.0, 1.0}


def test_a_fit_of_something_else_is_refused():
    with pytest.raises(BadInput, match="does not belong to a genome of linear_svc"):
        LearnedStrategy(GENOMES["linear_svc"], FITS["pca_tree_quantile"])
    other = Genome(family="linear_svc", genes=(("horizon", 5.0), ("window", 400.0)))
    with pytest.raises(BadInput, match="horizon 5"):
        LearnedStrategy(other, FITS["linear_svc"])


@pytest.mark.parametrize("family", GENOMES)
def test_a_fit_that_needs_what_bars_do_not_carry_is_refused(family):
    """Else it would trade on zeros where it had learned from a book."""
    book = np.random.default_rng(0).uniform(-1, 1, PAST.size)
    ohlcv = tuple(PAST.column(name) for name in ("open", "high", "low", "close", "volume"))
    rich = market("X/Y", PAST.open_s, PAST.bar_s, ohlcv, book_imbalance=book)
    fit = latest(GENOMES[family], rich)
    with pytest.raises(BadInput, match="learned from 'book_imbalance'"):
        LearnedStrategy(GENOMES[family], fit)


def test_positions_follow_the_page():
    assert _held(0.0, True, False, False, False) == 1.0
    assert _held(0.0, True, True, False, False) == 0.0  # exit and entry at once: exit
    assert _held(0.0, True, False, True, False) == 0.0  # both sides: none
    assert _held(1.0, False, False, True, False) == -1.0  # a reversal
    assert _held(-1.0, False, False, False, True) == 0.0
    assert _held(-1.0, False, False, False, False) == -1.0
