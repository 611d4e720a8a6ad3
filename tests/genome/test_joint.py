"""Many assets on one equity: equal to the oracle, blind to the order of the list, and the single backtest where there is one."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genome.costs import Costs
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.market import market as make_market
from genome.simulator import backtest, backtest_joint
from organism.errors import BadInput
from tests.genome.making import genes, random_costs, random_markets, random_signals, random_simulator_genes
from tests.genome.oracle import joint
from tests.genome.oracle.both import same_trades

CLOSE = {"rel": 1e-9, "abs": 1e-9, "nan_ok": True}
DAY = 86_400


def path(symbol, seed, size=400, first=0, bar_s=3_600):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(size=size) * 0.01))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(size=size)) * 4e-3)
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(size=size)) * 4e-3)
    at = 1_704_067_200 + (first + np.arange(size, dtype=np.int64)) * bar_s
    return make_market(symbol, at, bar_s, (opened, high, low, close, np.exp(rng.normal(size=size))))


def crossing(**values):
    return Genome(
        family="t",
        entry_long=parse_condition("ema(5) > ema(12) and rsi(14) < 75"),
        exit_long=parse_condition("ema(5) < ema(12)"),
        entry_short=parse_condition("ema(5) < ema(12) and rsi(14) > 25"),
        exit_short=parse_condition("ema(5) > ema(12)"),
        genes=tuple(sorted(values.items())),
    )


@st.composite
def worlds(draw):
    """One to four markets of one bar length, listed at different times, with signals."""
    first = draw(random_markets(max_size=25))
    found = [dataclasses.replace(first, symbol="A")]
    for name in "BCD"[: draw(st.integers(0, 3))]:
        other = draw(random_markets(max_size=25))
        shift = draw(st.integers(0, 8)) * first.bar_s
        opens = first.open_s[0] + shift + np.arange(other.size, dtype=np.int64) * first.bar_s
        found.append(
            dataclasses.replace(
                other, symbol=name, bar_s=first.bar_s, open_s=opens, asset_class=first.asset_class
            )
        )
    return found, [draw(random_signals(market.size)) for market in found]


def same(ours, theirs):
    same_trades(ours.trades, theirs.trades)
    assert list(ours.equity) == pytest.approx(theirs.equity, **CLOSE)
    assert list(ours.daily) == pytest.approx(theirs.daily, **CLOSE)
    assert ours.figures == pytest.approx(theirs.figures, **CLOSE)
    assert ours.refused == theirs.refused
    assert set(ours.flags) == theirs.flags


@given(worlds(), random_simulator_genes(), random_costs(), st.sampled_from((1.0, 0.3)))
@settings(max_examples=120)
def test_the_joint_pass_is_the_oracle(world, chosen, costs, gross):
    markets, signals = world
    genome = genes(**{k: v for k, v in chosen.items() if k not in {"sizing", "size"}})
    same(
        backtest_joint(markets, genome, costs, signals=signals, gross_limit=gross),
        joint.run(markets, genome, costs, signals=signals, gross=gross),
    )


@pytest.mark.requirement("S4-15.2")
@pytest.mark.requirement("S4-19.1")
@pytest.mark.requirement("S4-19.2")
@pytest.mark.requirement("S4-19.3")
@pytest.mark.parametrize(
    "values",
    [
        {}, {"confluence_minimum": 1.0}, {"confluence_minimum": 2.0},
        {"liquidity_weight": 1.0, "volatility_weight": 0.5, "momentum_weight": 0.25},
        {"stop": 0.02, "target": 0.03, "momentum_weight": 1.0, "confluence_minimum": 1.0},
        {"stop_atr": 2.0, "drawdown_stop": 0.05, "volatility_multiple": 1.5},
    ],
    ids=str,
)  # fmt: skip
def test_scores_and_weights_are_the_oracles(values):
    markets = [path("A", 1), path("B", 2, size=300, first=60), path("C", 3, size=380, first=20)]
    ours = backtest_joint(markets, crossing(**values))
    assert len(ours.trades) > 10
    same(ours, joint.run(markets, crossing(**values)))


@pytest.mark.requirement("S4-16.5")
def test_the_order_of_the_list_changes_nothing():
    markets = [path(name, i, first=i) for i, name in enumerate("ABCDEFGHIJ")]
    one = backtest_joint(markets, crossing(stop=0.03))
    other = backtest_joint(markets[::-1], crossing(stop=0.03))
    assert list(other.equity) == pytest.approx(list(one.equity), rel=1e-12)
    for name in "ABCDEFGHIJ":
        same_trades(*([t for t in result.trades if t.symbol == name] for result in (other, one)))
    assert other.by_symbol["C"]["pnl"] == pytest.approx(one.by_symbol["C"]["pnl"], rel=1e-9)


def test_one_asset_that_may_have_everything_is_the_single_backtest():
    market, genome = path("A", 5), crossing(stop=0.02, target=0.04)
    alone = backtest(market, genome)
    joined = backtest_joint([market], genome, asset_cap=1e9, threshold=0.0)
    same_trades(joined.trades, alone.trades)
    assert joined.figures == pytest.approx(alone.figures, **CLOSE)
    np.testing.assert_allclose(joined.equity, alone.equity, rtol=1e-9)


@pytest.mark.requirement("S4-13.21")
@pytest.mark.requirement("S4-18.10")
def test_no_asset_holds_more_than_its_cap_and_all_no_more_than_the_equity():
    markets = [path(f"A{i:02}", i, size=200) for i in range(50)]
    result = backtest_joint(markets, crossing())
    shares = np.abs(result.exposures) / result.equity[:, None]
    assert shares.max() < 0.17  # 15 % at entry, and what a held one grew
    assert np.abs(result.exposures).sum(axis=1).max() < 1.05 * result.equity.max()
    assert (np.abs(result.exposures) > 0).sum(axis=1).max() > 10


@pytest.mark.requirement("S4-15.1")
def test_assets_can_be_compared_with_each_other():
    genome = Genome(
        family="t",
        entry_long=parse_condition("momentum_rank(20) > 0.7"),
        exit_long=parse_condition("momentum_rank(20) < 0.5 or relative_momentum(20) < 0"),
    )
    markets = [path(name, i) for i, name in enumerate("ABCD")]
    result = backtest_joint(markets, genome)
    assert {t.symbol for t in result.trades} > {"A"}
    with pytest.raises(BadInput, match="panel"):
        backtest(markets[0], genome)


def test_figures_are_of_the_combined_equity():
    """Not a weighted sum of Sharpes (table 3.8)."""
    markets = [path("A", 1), path("B", 2)]
    result = backtest_joint(markets, crossing())
    returns = result.daily
    assert result.figures["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(365))


@pytest.mark.parametrize(
    ("markets", "words"),
    [
        ([], "at least one market"),
        ([path("A", 1), path("B", 2, bar_s=300)], "bars of 300, 3600 s"),
        ([path("A", 1), path("A", 2)], "given twice"),
    ],
)
def test_markets_that_do_not_fit_together_are_refused(markets, words):
    with pytest.raises(BadInput, match=words):
        backtest_joint(markets, crossing(), Costs())
