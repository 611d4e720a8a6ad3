"""Populations: the same figures one by one or a thousand at once, skipping or not, on one thread or two, cached or not."""

import dataclasses
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genome.costs import Costs
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.market import market as make_market
from genome.programs import columns
from genome.simulator import Cache, backtest, evaluate, population
from genome.simulator.cache import result_key
from genome.trees import Compare, Indicator, Number
from organism.errors import BadInput
from tests.genome.making import random_costs, random_markets
from tests.genome.random_trees import genomes

T = 3_000


def path(seed=1, size=T, bar_s=60):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(size=size) * 2e-3))
    opened = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(size=size)) * 1e-3)
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(size=size)) * 1e-3)
    at = 1_704_067_200 + np.arange(size, dtype=np.int64) * bar_s
    return make_market("X/USD", at, bar_s, (opened, high, low, close, np.exp(rng.normal(size=size))))


def crossing(fast, slow, **genes):
    return Genome(
        family="t",
        entry_long=parse_condition(f"ema({fast}) crosses_above ema({slow})"),
        exit_long=parse_condition(f"ema({fast}) crosses_below ema({slow})"),
        entry_short=parse_condition(f"ema({fast}) < sma({slow})"),
        exit_short=parse_condition(f"rsi({fast + 2}) > 55"),
        genes=tuple(sorted(genes.items())),
    )


GENES = [
    {}, {"stop": 0.01}, {"stop": 0.01, "target": 0.02}, {"trailing": 0.01}, {"stop_atr": 2.0, "target": 0.02},
    {"trailing": 0.012, "stop": 0.02, "maximum_hold": 40.0, "cool_down": 3.0}, {"drawdown_stop": 0.05},
    {"sizing": 2.0, "target_volatility": 0.5, "volatility_window": 20.0}, {"sizing": 1.0, "risk": 0.02, "stop": 0.02},
]  # fmt: skip
CROWD = [crossing(3 + i % 7, 12 + 3 * i % 40, **GENES[i % len(GENES)]) for i in range(45)]


def equal(one, two):
    for name in one.figures:
        np.testing.assert_array_equal(one.figures[name], two.figures[name], err_msg=name)
    for a, b in zip(one.returns, two.returns, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("bar_s", [60, 3_600, 86_400])
def test_skipping_changes_no_figure(bar_s):
    """`backtest` looks at every bar, `evaluate` passes over what proves to be quiet."""
    market = path(bar_s=bar_s)
    together = evaluate(CROWD, [market])
    for g, genome in enumerate(CROWD):
        alone = backtest(market, genome)
        for name, value in alone.figures.items():
            assert together.figures[name][g, 0] == pytest.approx(value, rel=1e-12, nan_ok=True), name
        np.testing.assert_allclose(together.daily[g][0], alone.daily, rtol=1e-12, atol=1e-15)


def rising_then_falling(*prices, **marks):
    """One-minute bars through straight lines between prices, 40 bars each."""
    close = np.concatenate([np.linspace(a, b, 40) for a, b in pairwise(prices)])
    at = 1_704_067_200 + np.arange(close.size, dtype=np.int64) * 60
    opens = np.concatenate([[prices[0]], close[:-1]])
    high, low = np.maximum(opens, close), np.minimum(opens, close)
    market = make_market("X/USD", at, 60, (opens, high, low, close, np.ones(close.size)))
    return dataclasses.replace(market, **{name: rows(high, low) for name, rows in marks.items()})


def always(**genes):
    return Genome(family="t", entry_long=parse_condition("close > 0"), genes=tuple(sorted(genes.items())))


def test_a_trailing_stop_follows_prices_and_not_marks():
    """Marks 3 % above the highs: a fall of 3 % is less than the 5 % that stops, though it is more from the marks."""
    market = rising_then_falling(100, 110, 106.7, mark_high=lambda high, _: high * 1.03)
    (trade,) = backtest(market, always(trailing=0.05)).trades
    assert trade.reason == "end"
    the_same_with_and_without_skipping([always(trailing=0.05)], market)


def test_a_drawdown_stop_inside_a_stretch_sees_no_later_extreme():
    """Up to 110, down to 104 (the account stops), up to 130: a level 10 % below 130 is no level of the bar at 104."""
    market, genome = rising_then_falling(100, 110, 104, 120, 130), always(drawdown_stop=0.05, trailing=0.1)
    (trade,) = backtest(market, genome).trades
    assert trade.reason == "drawdown"
    the_same_with_and_without_skipping([genome], market)


@pytest.mark.parametrize("wait", [0, 1, 30, 470, 471, 472, 510, 511, 512, 513, 5_000])
def test_who_cools_down_enters_again_at_the_first_bar_that_is_allowed(wait):
    """In at bar 1, out after 40 bars, in again at the first bar that is more than the wait later; ends of blocks are no ends."""
    market, genome = path(size=3_000), always(maximum_hold=40.0, cool_down=float(wait))
    entered = [trade.entry_bar for trade in backtest(market, genome).trades]
    assert entered == list(range(1, market.size, 40 + wait + 1))
    the_same_with_and_without_skipping([genome], market)


def random_genes(rng):
    """Any of the genes that act inside a stretch, in any company."""
    chances = {
        "stop": (0.005, 0.05), "target": (0.005, 0.05), "trailing": (0.005, 0.06), "stop_atr": (1.0, 12.0),
        "drawdown_stop": (0.02, 0.2), "maximum_hold": (3, 200), "cool_down": (0, 30), "size": (0.2, 1.0),
    }  # fmt: skip
    genes = {name: float(rng.uniform(*ends)) for name, ends in chances.items() if rng.random() < 0.4}
    return {k: float(int(v)) if k in {"maximum_hold", "cool_down"} else v for k, v in genes.items()}


@pytest.mark.parametrize("seed", range(10))
def test_skipping_changes_no_figure_on_quiet_days_whatever_the_genes(seed):
    """Minutes of one or two days, so that most stretches may be skipped; marks near prices, ticks on every other market."""
    rng = np.random.default_rng(seed)
    market = path(seed, size=2_000)
    near = 1 + np.abs(rng.normal(size=(2, market.size))) * 0.002
    market = dataclasses.replace(
        market,
        mark_high=market.column("high") * near[0],
        mark_low=market.column("low") / near[1],
        tick=0.05 * (seed % 2),
    )
    crowd = [
        crossing(int(rng.integers(2, 60)), int(rng.integers(61, 300)), **random_genes(rng)) for _ in range(25)
    ]
    the_same_with_and_without_skipping(crowd, market)


def the_same_with_and_without_skipping(crowd, market):
    together = evaluate(crowd, [market])
    for g, genome in enumerate(crowd):
        alone = backtest(market, genome)
        for name, value in alone.figures.items():
            assert together.figures[name][g, 0] == pytest.approx(value, rel=1e-12, nan_ok=True), name


@pytest.mark.parametrize("capital", [0.0, -1.0, float("nan"), float("inf")])
def test_a_capital_that_is_no_amount_is_refused(capital):
    with pytest.raises(BadInput, match="capital was"):
        evaluate(CROWD[:2], [path()], capital=capital)


def test_every_window_is_checked_also_those_computed_side_by_side():
    def average(n):
        return Compare(">", Indicator("ema", (Number(n),)), Number(1.0))

    crowd = [Genome(family="t", entry_long=average(n)) for n in (5.0, 0.0)]
    with pytest.raises(BadInput, match="ema"):
        evaluate(crowd, [path()])


@given(
    random_markets(min_size=40, max_size=90),
    st.lists(genomes(longest=10), min_size=1, max_size=5),
    random_costs(),
)
@settings(max_examples=40)
def test_a_population_is_each_of_its_genomes(market, crowd, costs):
    together = evaluate(crowd, [market], costs)
    for g, genome in enumerate(crowd):
        alone = evaluate([genome], [market], costs)
        for name in together.figures:
            np.testing.assert_array_equal(together.figures[name][g], alone.figures[name][0], err_msg=name)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads_change_nothing(monkeypatch, threads):
    expected = evaluate(CROWD, [path()], threads=1)
    monkeypatch.setattr(population, "_FEWEST_BAR_GENOMES", 0)
    monkeypatch.setattr(population, "_stretch_bars", lambda *_: 640)
    equal(evaluate(CROWD, [path()], threads=threads), expected)


def test_stretches_change_nothing(monkeypatch):
    expected = evaluate(CROWD, [path()])
    monkeypatch.setattr(population, "_stretch_bars", lambda *_: 1_024)
    equal(evaluate(CROWD, [path()]), expected)


@pytest.mark.parametrize(
    ("size", "rows"), [(1, 1), (100_000, 1), (100_000, 234), (100_000, 100_000), (65, 7)]
)
def test_a_stretch_is_whole_words_of_bars(size, rows):
    assert population._stretch_bars(size, rows) % 64 == 0


def test_crowds_that_stay_packed_are_never_mistaken_for_others():
    """More crowds than are kept, some of the same genomes in another order, again and again."""
    crowds = [[*CROWD[i : i + 3], CROWD[(5 * i) % 40]] for i in range(7)] + [CROWD[:4], CROWD[3::-1]]
    expected = [[evaluate([genome], [path()]).figures["fees"][0, 0] for genome in crowd] for crowd in crowds]
    for _ in range(2):
        for crowd, fees in zip(crowds, expected, strict=True):
            assert evaluate(crowd, [path()]).figures["fees"][:, 0].tolist() == fees


def test_markets_are_evaluated_each_by_itself():
    markets = [path(1), path(2, size=1_700), path(3, bar_s=3_600)]
    together = evaluate(CROWD[:5], markets)
    for m, market in enumerate(markets):
        alone = evaluate(CROWD[:5], [market])
        np.testing.assert_array_equal(together.figures["sharpe"][:, m], alone.figures["sharpe"][:, 0])
        np.testing.assert_array_equal(together.returns[m], alone.returns[0])


def test_a_cached_result_is_the_result_and_is_not_simulated_again():
    cache = Cache()
    first = evaluate(CROWD, [path()], cache=cache)
    misses = cache.misses
    second = evaluate(CROWD, [path()], cache=cache)
    equal(first, second)
    assert cache.misses == misses
    assert all(k in cache._kept for k in [result_key(CROWD[0], path(), Costs(), 10_000.0)])
    assert cache.hits >= len(CROWD)


@pytest.mark.parametrize(
    "changed",
    [{"costs": Costs(taker=0.002)}, {"capital": 500.0}, {"markets": [path(2)]}],
    ids=["costs", "capital", "bars"],
)
def test_the_cache_knows_what_a_result_depends_on(changed):
    cache, given_ = Cache(), {"markets": [path()], "costs": Costs(), "capital": 10_000.0}
    before = evaluate(CROWD[:3], cache=cache, **given_)
    after = evaluate(CROWD[:3], cache=cache, **{**given_, **changed})
    equal(after, evaluate(CROWD[:3], **{**given_, **changed}))
    assert not np.array_equal(after.figures["fees"], before.figures["fees"])


def test_kept_columns_change_no_figure_and_are_computed_once(monkeypatch):
    """Other genomes of the same indicators find the columns; averages are computed as fast as they are read."""
    cache, asked = Cache(), []
    evaluate(CROWD[:10], [path()], cache=cache)
    others = [msgspec.structs.replace(g, genes=(("stop", 0.05),)) for g in CROWD[:10]]
    single = columns.Columns._single
    monkeypatch.setattr(
        columns.Columns,
        "_single",
        lambda self, row: asked.append(self.keys[row] in self._known) or single(self, row),
    )
    equal(evaluate(others, [path()], cache=cache), evaluate(others, [path()]))
    assert any(asked)


def test_the_cache_stays_within_its_bound():
    cache = Cache(most_bytes=5_000)
    evaluate(CROWD, [path()], cache=cache)
    assert 0 < cache.bytes <= 5_000
    assert len(cache) < len(CROWD)


def test_an_empty_population_is_an_empty_result():
    assert evaluate([], [path()]).figures["sharpe"].shape == (0, 1)


@pytest.mark.requirement("S4-14.7")
def test_progress_is_told_market_by_market():
    told = []
    evaluate(CROWD[:2], [path(1), path(2)], progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize("bar_s", [60, 3_600, 14_400])
def test_trades_closed_are_counted_day_by_day(bar_s):
    market = path(3, bar_s=bar_s)
    evaluated = evaluate(CROWD, [market])
    day = market.day
    for g, genome in enumerate(CROWD):
        exits = [day[t.exit_bar] for t in backtest(market, genome).trades if t.reason != "end"]
        expected = [sum(e <= d for e in exits) for d in evaluated.days[0]]
        assert evaluated.closed[0][g].tolist() == expected, genome
    assert evaluated.closed[0][:, -1].tolist() == evaluated.figures["n_trades"][:, 0].tolist()
    assert evaluated.closed[0][:, -1].max() > 5
