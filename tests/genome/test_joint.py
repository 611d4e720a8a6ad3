"""Many assets on one equity: equal to the oracle, blind to the order of the list, and the single backtest where there is one."""

import dataclasses

import msgspec
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
from organism.market import AssetClass
from tests.genome.making import (
    DAY,
    FREE,
    HOUR,
    START,
    bars,
    genes,
    random_costs,
    random_markets,
    random_signals,
    random_simulator_genes,
)
from tests.genome.oracle import joint
from tests.genome.oracle.both import same_trades
from tests.genome.random_trees import genomes

CLOSE = {"rel": 1e-9, "abs": 1e-9, "nan_ok": True}


def path(symbol, seed, size=400, first=0, bar_s=3_600):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(size=size) * 0.01))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(size=size)) * 4e-3)
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(size=size)) * 4e-3)
    at = 1_704_067_200 + int(first * bar_s) + np.arange(size, dtype=np.int64) * bar_s
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
def worlds(draw, longest=25):
    """One to four markets of one bar length, listed at different times, each with bars missing and holes of its own."""
    bar_s, kind = draw(st.sampled_from((HOUR, 4 * HOUR, DAY))), draw(st.sampled_from(AssetClass))
    start = START + draw(st.sampled_from((0, 22 * HOUR)))
    found = []
    for symbol in draw(st.permutations("ABCD"))[: draw(st.integers(1, 4))]:
        size = draw(st.integers(1, longest))
        one = draw(random_markets(min_size=size, max_size=size))
        steps = draw(st.lists(st.sampled_from((1, 1, 1, 1, 2, 3, 25, 26, 40)), min_size=size, max_size=size))
        opens = start + bar_s * (draw(st.integers(0, 8)) + np.cumsum(np.array(steps, np.int64)))
        found.append(dataclasses.replace(one, symbol=symbol, bar_s=bar_s, open_s=opens, asset_class=kind))
    return found


def weights():
    """Genes of the score, and the limit of correlation."""
    some = {
        f"{name}_weight": st.sampled_from((0.0, 0.3, 1.0)) for name in ("liquidity", "volatility", "momentum")
    }
    some["correlation_limit"] = st.sampled_from((0.3, 0.7, 1.0))
    return st.fixed_dictionaries({}, optional={**some, "confluence_minimum": st.integers(1, 3)})


def without_size(chosen):
    return {name: value for name, value in chosen.items() if name not in {"sizing", "size"}}


def same(ours, theirs):
    same_trades(ours.trades, theirs.trades)
    assert list(ours.equity) == pytest.approx(theirs.equity, **CLOSE)
    assert list(ours.daily) == pytest.approx(theirs.daily, **CLOSE)
    assert ours.figures == pytest.approx(theirs.figures, **CLOSE)
    assert ours.refused == theirs.refused
    assert set(ours.flags) == theirs.flags


def same_bits(one, other, markets, order):
    """Of the same markets in another order: result by result, to the last bit."""
    assert one.equity.tobytes() == other.equity.tobytes()
    assert np.array_equal(one.exposures[:, order], other.exposures)
    assert one.by_symbol == other.by_symbol
    assert list(other.by_symbol) == [markets[i].symbol for i in order]
    assert repr(one.figures) == repr(other.figures)
    assert other.trades == tuple(
        trade._replace(asset=order.index(trade.asset))
        for i in order
        for trade in one.trades
        if trade.asset == i
    )


LIMITS = st.sampled_from((1.0, 0.3, 0.05))


@given(worlds(), random_simulator_genes(), random_costs(), LIMITS, st.data())
@settings(max_examples=120)
def test_the_joint_pass_is_the_oracle_on_signals_given(markets, chosen, costs, gross, data):
    signals = [data.draw(random_signals(market.size)) for market in markets]
    genome = genes(**without_size(chosen))
    same(
        backtest_joint(markets, genome, costs, signals=signals, gross_limit=gross),
        joint.run(markets, genome, costs, signals=signals, gross=gross),
    )


@given(worlds(longest=60), genomes(longest=12), weights(), random_costs(), LIMITS)
@settings(max_examples=50)
def test_the_joint_pass_is_the_oracle_on_random_genomes(markets, genome, more, costs, gross):
    chosen = without_size(dict(genome.genes)) | {name: float(value) for name, value in more.items()}
    genome = msgspec.structs.replace(genome, genes=tuple(sorted(chosen.items())))
    same(
        backtest_joint(markets, genome, costs, gross_limit=gross),
        joint.run(markets, genome, costs, gross=gross),
    )


@pytest.mark.requirement("S4-15.2")
@pytest.mark.requirement("S4-19.2")
@pytest.mark.parametrize(
    "values",
    [
        {}, {"confluence_minimum": 1.0}, {"confluence_minimum": 2.0},
        {"liquidity_weight": 1.0, "volatility_weight": 0.5, "momentum_weight": 0.25},
        {"stop": 0.02, "target": 0.03, "momentum_weight": 1.0, "confluence_minimum": 1.0},
        {"stop_atr": 2.0, "drawdown_stop": 0.05, "volatility_multiple": 1.5},
        {"correlation_limit": 0.3}, {"correlation_limit": 0.3, "stop": 0.02, "momentum_weight": 1.0, "liquidity_weight": 1.0},
    ],
    ids=str,
)  # fmt: skip
def test_scores_and_weights_are_the_oracles(values):
    markets = [path("A", 1), path("B", 2, size=300, first=60), path("C", 3, size=380, first=20)]
    ours = backtest_joint(markets, crossing(**values))
    assert len(ours.trades) > 10
    same(ours, joint.run(markets, crossing(**values)))


@given(worlds(), random_simulator_genes(), weights(), random_costs(), LIMITS, st.data())
@settings(max_examples=60)
def test_the_order_of_the_list_changes_no_bit(markets, chosen, more, costs, gross, data):
    signals = [data.draw(random_signals(market.size)) for market in markets]
    genome = genes(**without_size(chosen), **more)
    order = data.draw(st.permutations(range(len(markets))))

    def simulated(which):
        some, said = [markets[i] for i in which], [signals[i] for i in which]
        return backtest_joint(some, genome, costs, gross_limit=gross, signals=said)

    same_bits(simulated(range(len(markets))), simulated(order), markets, order)


@pytest.mark.requirement("S4-20.18")
@pytest.mark.requirement("S4-21.5")
@pytest.mark.requirement("S4-21.6")
@pytest.mark.parametrize(
    ("entry", "minimum", "outlay"),
    [
        ("close > 1 and (close > 2 or close > 3 or close > 1000)", 3, 1_125.0),  # three of four: 15 % · 3/4
        ("close > 1 and (close > 2 or close > 900 or close > 1000)", 3, None),  # two are fewer than three
        ("not (close > 1000 or close > 900) and (close > 1 or close > 800)", 3, 1_125.0),  # a denied one agrees where false
        ("close > 1" + " or close > 1000" * 8, 1, 1_500.0 / 9),
        ("close > 1" + " or close > 1000" * 9, 1, None),  # a score of a tenth is too little
    ],
)  # fmt: skip
def test_a_score_is_the_share_of_signals_that_agree(entry, minimum, outlay):
    genome = Genome(
        family="t", entry_long=parse_condition(entry), genes=(("confluence_minimum", float(minimum)),)
    )
    result = backtest_joint([bars(100, 100)], genome, FREE)
    assert [t.quantity * t.entry_price for t in result.trades] == pytest.approx([outlay] if outlay else [])


@pytest.mark.requirement("S4-16.5")
def test_assets_are_weighted_rather_than_chosen():
    # All want in at once; calm and momentum are ranked 0 to 1: nobody is left out, and shares are many.
    markets = [path(name, i) for i, name in enumerate("ABCDE")]
    genome = Genome(
        family="t",
        entry_long=parse_condition("close > 0"),
        genes=(("momentum_weight", 1.0), ("volatility_weight", 0.5)),
    )
    said = [([t == 300 for t in range(400)], *[[False] * 400] * 3)] * 5
    result = backtest_joint(markets, genome, Costs(taker=0.0, slippage=0.0), signals=said)
    shares = sorted(t.quantity * t.entry_price / 10_000 for t in result.trades)
    assert len(shares) == len(set(shares)) == 5
    assert shares[0] >= 0.15 / 2.5
    assert shares[-1] <= 0.15 * (1 + 1e-12)


def test_one_asset_that_may_have_everything_is_the_single_backtest():
    market, genome = path("A", 5), crossing(stop=0.02, target=0.04)
    alone = backtest(market, genome)
    joined = backtest_joint([market], genome, asset_cap=1.0, threshold=0.0)
    assert len(alone.trades) > 20
    assert [trade[:9] for trade in joined.trades] == list(alone.trades)
    assert joined.figures == alone.figures
    assert joined.flags == alone.flags
    assert np.array_equal(joined.equity, alone.equity)
    assert np.array_equal(joined.daily, alone.daily)


@given(worlds().map(lambda found: found[:1]), random_simulator_genes(), random_costs(), st.data())
@settings(max_examples=60)
def test_any_market_alone_is_its_single_backtest(markets, chosen, costs, data):
    (market,), genome = markets, genes(**without_size(chosen))
    signals = data.draw(random_signals(market.size))
    alone = backtest(market, genome, costs, signals=signals)
    joined = backtest_joint(markets, genome, costs, asset_cap=1.0, threshold=0.0, signals=[signals])
    same_trades(joined.trades, alone.trades)
    assert joined.figures == pytest.approx(alone.figures, **CLOSE)
    assert (joined.refused, set(joined.flags)) == (alone.refused, set(alone.flags))


@pytest.mark.requirement("S4-18.6")
@pytest.mark.requirement("S4-19.5")
def test_the_cap_and_the_least_share_are_the_callers():
    said = [([True, False], *[[False] * 2] * 3)]
    for cap, threshold, outlay in (
        (0.15, 0.01, 1_500.0),
        (0.4, 0.01, 4_000.0),
        (0.1, 0.1, None),
        (0.101, 0.1, 1_010.0),
    ):
        result = backtest_joint(
            [bars(100, 100)], genes(), FREE, asset_cap=cap, threshold=threshold, signals=said
        )
        assert [t.quantity * t.entry_price for t in result.trades] == pytest.approx(
            [outlay] if outlay else []
        )


@pytest.mark.requirement("S4-18.10")
def test_no_asset_holds_more_than_its_cap_and_all_no_more_than_the_equity():
    markets = [path(f"A{i:02}", i, size=200) for i in range(50)]
    result = backtest_joint(markets, crossing())
    shares = np.abs(result.exposures) / result.equity[:, None]
    assert shares.max() < 0.17  # 15 % at entry, and what a held one grew
    assert np.abs(result.exposures).sum(axis=1).max() < 1.05 * result.equity.max()
    assert (np.abs(result.exposures) > 0).sum(axis=1).max() > 10


@pytest.mark.requirement("S4-15.1")
def test_assets_are_compared_with_each_other():
    # Of four assets the strongest of the last 20 bars is held: 1 is its rank, and where that passes on, so does the position.
    genome = Genome(
        family="t",
        entry_long=parse_condition("momentum_rank(20) >= 1"),
        exit_long=parse_condition("momentum_rank(20) < 1 or relative_momentum(20) < 0"),
    )
    markets = [path(name, i) for i, name in enumerate("ABCD")]
    result = backtest_joint(markets, genome)
    closes = np.array([market.column("close") for market in markets])
    strongest = (closes[:, 20:] / closes[:, :-20]).argmax(axis=0)
    assert {t.symbol for t in result.trades} == set("ABCD")
    assert np.array_equal(np.abs(result.exposures[21:]).argmax(axis=1), strongest[:-1])
    assert ((result.exposures != 0).sum(axis=1)[21:] == 1).all()


def test_what_compares_assets_may_be_the_source_of_an_indicator_and_counts_as_a_signal():
    genome = Genome(
        family="t",
        entry_long=parse_condition("sma(momentum_rank(20), 5) > 0.6 and momentum_rank(20) > 0.5"),
        exit_long=parse_condition("momentum_rank(20) < 0.4"),
        genes=(("confluence_minimum", 2.0),),
    )
    assert len(backtest_joint([path(name, i) for i, name in enumerate("ABCD")], genome).trades) > 10


def test_a_single_backtest_has_nothing_to_compare_with():
    genome = Genome(family="t", entry_long=parse_condition("momentum_rank(20) > 0.7"))
    with pytest.raises(BadInput, match="panel"):
        backtest(path("A", 1), genome)


def test_figures_are_of_the_combined_equity():
    """Not a weighted sum of Sharpes, nor the worst of drawdowns (trap of table 3.8)."""
    markets = [path("A", 1), path("B", 2)]
    result = backtest_joint(markets, crossing())
    ends = np.flatnonzero(np.diff(result.open_s // DAY, append=0))
    returns = np.diff(np.log(np.concatenate([[10_000.0], result.equity[ends]])))
    returns = np.expm1(returns)
    assert result.figures["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(365))
    peaks = np.maximum.accumulate(np.concatenate([[10_000.0], result.equity]))[1:]
    assert result.figures["max_drawdown"] == pytest.approx((1 - result.equity / peaks).max())
    parts = [backtest_joint([market], crossing()).figures for market in markets]
    assert result.figures["sharpe"] != pytest.approx(np.mean([part["sharpe"] for part in parts]), rel=0.01)
    assert result.figures["max_drawdown"] < sum(part["max_drawdown"] for part in parts)
    assert sum(one["pnl"] for one in result.by_symbol.values()) == pytest.approx(result.equity[-1] - 10_000)
    assert sum(one["fees"] for one in result.by_symbol.values()) == pytest.approx(result.figures["fees"])


@pytest.mark.parametrize(
    ("markets", "rest", "words"),
    [
        ([], {}, "at least one market"),
        ([path("A", 1), path("B", 2, bar_s=300)], {}, "bars of 300, 3600 s"),
        ([path("A", 1), path("A", 2)], {}, "given twice"),
        (
            [path("A", 1), path("B", 2, first=0.5)],
            {},
            "bars of A and B overlap in part: two open 1800 s apart",
        ),
        ([path("A", 1)], {"capital": 0.0}, "capital was 0"),
        ([path("A", 1)], {"gross_limit": float("nan")}, "gross_limit was nan"),
        ([path("A", 1)], {"asset_cap": 15.0}, "asset_cap was 15"),
        ([path("A", 1)], {"threshold": -0.1}, "threshold was -0.1"),
        ([path("A", 1)], {"signals": []}, "1 markets but signals for 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_together_is_refused(markets, rest, words):
    with pytest.raises(BadInput, match=words):
        backtest_joint(markets, crossing(), Costs(), **rest)


def test_a_genome_that_would_never_say_anything_is_refused():
    with pytest.raises(BadInput, match="no conditions; give its signals"):
        backtest_joint([path("A", 1)], genes(stop=0.05))
    on_days = Genome(family="t", entry_long=parse_condition("momentum_rank(20)@1d > 0.7"))
    with pytest.raises(BadInput, match="knows no timeframe"):
        backtest_joint([path("A", 1)], on_days)
