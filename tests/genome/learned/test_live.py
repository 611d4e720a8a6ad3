"""A stored fit steps bar by bar as it walks over a whole history, and never learns."""

import math
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from genome.costs import Costs
from genome.founders import StrategyState
from genome.genome import Genome
from genome.learned import LOOKBACK, features, latest, loads, settings
from genome.learned.fits import dumps
from genome.learned.live import lived_by, replayed
from genome.market import market
from genome.simulator import backtest
from genome.strategy import Strategy
from organism.errors import BadInput
from organism.market import Bar
from tests.genome.learned.planted import from_close, random_walk

PAST, LATER = random_walk(900, seed=1), random_walk(900, seed=2)
GENES = (("band", 0.0005), ("horizon", 3.0), ("window", 400.0))
GENOMES = {family: Genome(family=family, genes=GENES) for family in ("linear_svc", "pca_tree_quantile")}
FITS = {family: latest(genome, PAST) for family, genome in GENOMES.items()}


def bars(of):
    for t in range(of.size):
        prices = (float(of.column(name)[t]) for name in ("open", "high", "low", "close", "volume"))
        at = int(of.open_s[t])
        yield Bar(of.symbol, at * 10**9, (at + of.bar_s) * 10**9, *prices)


def trending(n, seed):
    """A market that goes on as it went: the next return is 0.3 of the last, and noise."""
    rng = np.random.default_rng(seed)
    moves = 0.004 * rng.standard_normal(n)
    for t in range(1, n):
        moves[t] += 0.3 * moves[t - 1]
    return from_close(100.0 * np.exp(np.cumsum(moves)), rng)


def with_genes(family, **genes):
    return Genome(family=family, genes=tuple(sorted({**dict(GENES), **genes}.items())))


def lived(strategy, of=LATER):
    state, told = strategy.initial(), []
    for bar in bars(of):
        state, forecast = strategy.step(state, bar)
        told.append(forecast)
    return np.array(told)


def simulated(genome, fit, of=LATER, costs=None):
    return backtest(of, genome, costs or Costs(), signals=replayed(fit, settings(genome), features(of)))


def forecasts(result, of=LATER, taker=0.001):
    """Side after the next open, times the share of equity laid out when it was entered: what was simulated.

    A reversal of all equity is laid out from the cash that its first leg leaves: there the share wanted is 1.
    """
    at_opens = {"signal", "reversal", "hold", "drawdown"}
    held, before, close = np.zeros(of.size + 1), None, of.column("close")
    for trade in result.trades:
        outlay = trade.quantity * trade.entry_price * (1.0 + taker)
        share = outlay / result.equity[trade.entry_bar - 1]
        if before is not None and before.exit_bar == trade.entry_bar:
            moved = before.side * (before.exit_price - close[trade.entry_bar - 1]) - taker * before.exit_price
            cash = result.equity[trade.entry_bar - 1] + before.quantity * moved
            share = 1.0 if outlay == pytest.approx(cash, rel=1e-9) else share
        last = trade.exit_bar + (trade.reason not in at_opens)
        held[trade.entry_bar : of.size if trade.reason == "end" else last] = trade.side * share
        before = trade
    return held[1:]


@pytest.mark.parametrize("family", GENOMES)
def test_features_of_a_bar_are_those_of_the_whole_history_to_the_bit(family):
    strategy, whole = lived_by(GENOMES[family], FITS[family]), features(LATER)
    assert isinstance(strategy, Strategy)
    state = strategy.initial()
    for t, bar in enumerate(bars(LATER)):
        state, _, seen = strategy.seen(state, bar)
        assert seen.tobytes() == whole[t].tobytes() or np.array_equal(seen, whole[t], equal_nan=True)


@pytest.mark.parametrize(
    ("genes", "reasons"),
    [
        ({}, {"signal"}),
        ({"stop": 0.01, "target": 0.02}, {"stop", "target"}),
        ({"trailing": 0.01, "maximum_hold": 7.0}, {"trailing", "hold"}),
        ({"stop_atr": 1.5, "atr_period": 5.0, "cool_down": 4.0}, {"stop"}),
        ({"drawdown_stop": 0.05, "stop": 0.02}, {"drawdown_stop"}),
        ({"size": 0.25, "maximum_hold": 5.0}, {"hold"}),
        ({"sizing": 1.0, "risk": 0.01, "stop": 0.02}, {"stop"}),
        ({"sizing": 2.0, "target_volatility": 0.3, "volatility_window": 30.0}, {"signal"}),
    ],
    ids=[
        "signals",
        "stop and target",
        "trailing and hold",
        "atr stop and cool-down",
        "drawdown",
        "size",
        "risk",
        "volatility",
    ],
)
@pytest.mark.parametrize("family", GENOMES)
def test_what_lives_is_what_was_simulated(family, genes, reasons):
    """Forecast for forecast, costs included: the fit's own signals, through the simulator."""
    genome = with_genes(family, **genes)
    result = simulated(genome, FITS[family])
    told = lived(lived_by(genome, FITS[family]))
    assert np.isnan(told[:LOOKBACK]).all()
    np.testing.assert_allclose(told[LOOKBACK:-1], forecasts(result)[LOOKBACK:-1], rtol=1e-9, atol=0.0)
    assert reasons <= {trade.reason for trade in result.trades} | set(result.flags)


def test_kelly_follows_the_trades_of_its_own_account():
    """The account that lives and the one that was simulated have won and lost the same trades.

    With a bar of cool-down: what a reversal closes at an open is not known to the forecast before it.
    """
    past, later = trending(900, seed=1), trending(1_200, seed=2)
    genome = Genome(
        family="linear_svc",
        genes=(
            ("band", 0.0005),
            ("cool_down", 1.0),
            ("horizon", 1.0),
            ("kelly_cap", 0.25),
            ("sizing", 3.0),
            ("window", 500.0),
        ),
    )
    fit = latest(genome, past)
    free = Costs(taker=0.0, maker=0.0, slippage=0.0)
    result = simulated(genome, fit, later, free)
    told = lived(lived_by(genome, fit, costs=free), later)
    wanted = forecasts(result, later, taker=0.0)
    np.testing.assert_allclose(told[LOOKBACK:-1], wanted[LOOKBACK:-1], rtol=1e-9, atol=1e-12)
    assert len({round(abs(x), 9) for x in told[LOOKBACK:]}) > 5


@pytest.mark.parametrize("family", GENOMES)
def test_a_void_bar_decides_nothing_and_changes_nothing(family):
    columns = LATER.columns.copy()
    columns[:5, [330, 331, 360]] = math.nan
    torn = type(LATER)(LATER.symbol, LATER.open_s, LATER.bar_s, columns)
    genome = with_genes(family, stop=0.01)
    told = lived(lived_by(genome, FITS[family]), torn)
    wanted = forecasts(simulated(genome, FITS[family], torn), torn)
    open_next = ~np.isnan(torn.column("open"))[
        1:
    ]  # what would fill on a void bar lapses, which nobody knows before
    np.testing.assert_allclose(
        told[LOOKBACK:-1][open_next[LOOKBACK:]], wanted[LOOKBACK:-1][open_next[LOOKBACK:]], rtol=1e-9
    )


@given(st.integers(1, LATER.size - 1))
@settings_of_hypothesis(max_examples=20)
def test_a_memory_can_be_stored_and_carried_on(cut):
    strategy = lived_by(with_genes("pca_tree_quantile", stop=0.01), FITS["pca_tree_quantile"])
    state = strategy.initial()
    other = state
    for t, bar in enumerate(list(bars(LATER))[: cut + 5]):
        state, one = strategy.step(state, bar)
        if t >= cut:
            other = msgspec.msgpack.decode(msgspec.msgpack.encode(other), type=StrategyState)
        other, two = strategy.step(other, bar)
        assert one == two or math.isnan(one) == math.isnan(two) is True
    assert other == state


def test_a_step_is_pure():
    strategy = lived_by(GENOMES["linear_svc"], FITS["linear_svc"])
    state = strategy.initial()
    bar = next(bars(LATER))
    assert strategy.step(state, bar)[0] == strategy.step(state, bar)[0]
    assert state == strategy.initial()


@pytest.mark.requirement("S4-25.17")
def test_live_has_no_way_to_learn(monkeypatch):
    """The stored fit decides even where scikit-learn is not installed at all."""
    fit = loads(dumps(FITS["linear_svc"]))
    monkeypatch.setitem(sys.modules, "sklearn", None)
    strategy = lived_by(GENOMES["linear_svc"], fit)
    state = strategy.initial()
    for bar in bars(LATER):
        state, forecast = strategy.step(state, bar)
    assert forecast in {-1.0, 0.0, 1.0}


def test_a_fit_of_something_else_is_refused():
    with pytest.raises(BadInput, match="does not belong to a genome of linear_svc"):
        lived_by(GENOMES["linear_svc"], FITS["pca_tree_quantile"])
    other = Genome(family="linear_svc", genes=(("horizon", 5.0), ("window", 400.0)))
    with pytest.raises(BadInput, match="horizon 5"):
        lived_by(other, FITS["linear_svc"])


@pytest.mark.parametrize("family", GENOMES)
def test_a_fit_that_needs_what_bars_do_not_carry_is_refused(family):
    """Else it would trade on zeros where it had learned from a book."""
    book = np.random.default_rng(0).uniform(-1, 1, PAST.size)
    ohlcv = tuple(PAST.column(name) for name in ("open", "high", "low", "close", "volume"))
    rich = market("X/Y", PAST.open_s, PAST.bar_s, ohlcv, book_imbalance=book)
    fit = latest(GENOMES[family], rich)
    with pytest.raises(BadInput, match="learned from 'book_imbalance'"):
        lived_by(GENOMES[family], fit)
