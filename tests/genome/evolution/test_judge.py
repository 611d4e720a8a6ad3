"""The judge in this process tells the same of a genome whoever it stands beside, and a bad one harms nobody."""

import numpy as np
import pytest

from genome.breeding.flat import GENE_INDEX, Flock, flock_of, genomes_of, joined
from genome.breeding.growing import ramped
from genome.breeding.objectives import objectives
from genome.breeding.packing import packed
from genome.costs import Costs
from genome.evolution.adding import add
from genome.evolution.judge import Local
from genome.evolution.loop import founders
from genome.genes import Sizing
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.market import Market
from genome.simulator import Cache, backtest, evaluate
from genome.simulator.population import Pass, _stretch_bars
from organism.errors import BadInput
from organism.market import AssetClass
from tests.genome.evolution.worlds import DAY, HOUR, START, WORDS, hourly, noise

MARKETS = [noise(1_200, 1, "A/USD"), noise(900, 2, "B/USD", start_s=START + 10 * DAY)]


def crowd(n=60, seed=1):
    return ramped(n, np.random.default_rng(seed), WORDS)


def same_scores(one, two):
    for name in ("values", "violations", "returns", "trades", "days"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


@pytest.mark.parametrize("markets", [MARKETS[:1], MARKETS], ids=["one", "two"])
def test_scores_do_not_depend_on_neighbours_threads_or_what_was_asked_before(markets):
    flock = crowd()
    judge = Local(markets, fewest_trades=3)
    whole = judge(flock)
    again, one_thread = judge(flock), Local(markets, fewest_trades=3, threads=1)(flock)
    same_scores(whole, again)
    same_scores(whole, one_thread)
    for i in (0, 7, 30):
        alone = judge(flock.take([i]))
        for name in ("values", "violations", "returns", "trades"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(whole, name)[i], err_msg=name)


def test_scores_do_not_depend_on_where_a_long_market_is_cut_into_stretches():
    """Who reads many columns is walked in shorter stretches than who reads few."""
    market, flock = noise(9_000, 5, "A/USD"), crowd(240, 4)
    judge = Local([market], fewest_trades=3)
    whole = judge(flock)
    few = [judge(flock.take(np.arange(i, i + 8))) for i in range(0, 240, 8)]
    keys = len(packed(flock).keys)
    assert keys > 8 * max(len(packed(flock.take(np.arange(i, i + 8))).keys) for i in (0, 80, 160))
    assert _stretch_bars(9_000, keys) < _stretch_bars(9_000, keys // 8)
    for name in ("values", "violations", "returns", "trades"):
        np.testing.assert_array_equal(
            np.concatenate([getattr(part, name) for part in few]), getattr(whole, name), err_msg=name
        )


def test_one_market_is_judged_as_the_simulator_and_the_objectives_say():
    flock, market = crowd(), MARKETS[0]
    found = evaluate(genomes_of(flock, "t"), [market])
    figures = {name: table[:, 0] for name, table in found.figures.items()}
    made = objectives(
        found.returns[0], found.closed[0], found.days[0], figures["win_rate"], figures["turnover"], 365.0, 3
    )
    scores = Local([market], fewest_trades=3)(flock)
    np.testing.assert_allclose(scores.values, made.values, rtol=1e-12)
    np.testing.assert_array_equal(scores.violations, made.violations)
    np.testing.assert_array_equal(scores.trades, figures["n_trades"])


SLOW = flock_of(
    Genome(family="t", entry_long=parse_condition(f"{word} < {side}"), exit_long=parse_condition(f"rsi({n}) > 60"))
    for n in (9, 30)
    for word, side in (
        (f"poc({n})", "close"), (f"value_area_high({n + 1})", "close"), (f"volatility_percentile({n}, 50)", "0.4"),
        (f"value_area_low({n})", f"fibonacci(0.5, {n}, fractal)"), (f"ema(lag(sma({n}), 3), {n})", "close"),
    )
)  # fmt: skip


KEPT = 10


@pytest.mark.parametrize("markets", [MARKETS[:1], MARKETS], ids=["one", "two"])
def test_columns_that_were_kept_change_no_score(markets):
    """Slow words are kept when asked for again; then a flock finds its own columns, and half a flock those of the whole."""
    judge = Local(markets, fewest_trades=1)
    first = judge(SLOW)
    assert np.ptp(first.values[np.isfinite(first.values)]) > 0.0
    cache = judge._columns
    assert len(cache) == 0
    same_scores(judge(SLOW), first)
    assert len(cache) == KEPT * len(markets)  # of 18 columns beside the raw ones
    assert cache.hits == 0
    same_scores(judge(SLOW), first)
    assert cache.hits == KEPT * len(markets)
    half = judge(SLOW.take(np.arange(0, len(SLOW), 2)))
    np.testing.assert_array_equal(half.values, first.values[::2])
    object.__setattr__(judge, "_columns", None)
    same_scores(judge(SLOW), first)


@pytest.mark.parametrize("room", [1_000, 25_000], ids=["none", "two"])
def test_where_there_is_no_room_columns_are_computed_again(room):
    judge, crowded = Local(MARKETS, fewest_trades=1), Local(MARKETS, fewest_trades=1)
    cache = Cache(room, dear=12.0, twice=True)
    object.__setattr__(crowded, "_columns", cache)
    for _ in range(3):
        same_scores(crowded(SLOW), judge(SLOW))
        assert cache.bytes <= room
    assert (len(cache) > 0) == (room > 10_000)


def test_a_pass_that_is_interrupted_leaves_no_column_half_filled(monkeypatch):
    judge = Local(MARKETS[:1], fewest_trades=1)
    walk, walks = Pass._walk, []

    def stopped(self, chunk, thread, begin, matrix):
        walks.append(begin)
        raise KeyboardInterrupt

    expected = judge(SLOW)
    monkeypatch.setattr(Pass, "_walk", stopped)
    with pytest.raises(KeyboardInterrupt):
        judge(SLOW)
    assert walks
    assert len(judge._columns) == 0
    monkeypatch.setattr(Pass, "_walk", walk)
    same_scores(judge(SLOW), expected)
    assert len(judge._columns) == KEPT


def test_markets_too_long_to_be_remembered_keep_nothing():
    long = noise(400_000, 1, "A/USD")
    assert Local([long])._columns is None
    assert Local(MARKETS)._columns is not None


def test_returns_and_trades_of_a_market_are_added_where_its_days_are():
    daily = np.array([[[0.1, 0.2, 0.3], [1.0, 0.0, 4.0]], [[0.0, -0.1, 0.0], [0.0, 2.0, 0.0]]])
    returns, closed = np.full((2, 6), 0.5), np.full((2, 6), 10.0)
    add(daily, np.array([1, 2, 4]), returns, closed)
    np.testing.assert_allclose(returns, [[0.5, 0.6, 0.7, 0.5, 0.8, 0.5], [0.5, 0.5, 0.4, 0.5, 0.5, 0.5]])
    assert closed.tolist() == [[10, 11, 11, 11, 14, 14], [10, 10, 12, 12, 12, 12]]


def test_several_markets_are_the_mean_of_those_that_have_bars_on_a_day():
    flock = founders(("open", "high", "low", "close", "volume", "typical", "hour", "weekday")).take([0])
    genome = genomes_of(flock, "t")[0]
    scores = Local(MARKETS, fewest_trades=0)(flock)
    by_day = {}
    for market in MARKETS:
        result = backtest(market, genome)
        for day, earned in zip(result.days.tolist(), result.daily.tolist(), strict=True):
            by_day.setdefault(day, []).append(earned)
    assert scores.days.tolist() == sorted(by_day)
    assert {1, 2} == {len(v) for v in by_day.values()}
    np.testing.assert_allclose(
        scores.returns[0], [np.mean(by_day[day]) for day in sorted(by_day)], atol=1e-15
    )
    assert scores.trades[0] == sum(backtest(market, genome).figures["n_trades"] for market in MARKETS)


def _risky(flock):
    """Genome 0 sizes by risk without a stop, which packing refuses."""
    genes = flock.genes.copy()
    genes[0, [GENE_INDEX["sizing"], GENE_INDEX["stop"], GENE_INDEX["stop_atr"]]] = (
        float(Sizing.RISK),
        np.nan,
        np.nan,
    )
    return Flock(flock.tokens, flock.values, flock.offsets, genes)


def test_a_genome_that_raises_takes_nobody_along():
    good = crowd(21, 2)
    bad = _risky(crowd(1, 3))
    judge = Local(MARKETS[:1], fewest_trades=3)
    scores = judge(joined([good.take(np.arange(13)), bad, good.take(np.arange(13, 21))]))
    alone = judge(good)
    rest = np.delete(np.arange(22), 13)
    np.testing.assert_array_equal(scores.values[rest], alone.values)
    np.testing.assert_array_equal(scores.returns[rest], alone.returns)
    assert scores.values[13].tolist() == [-np.inf] * 4
    assert scores.violations[13] == np.inf
    assert not scores.returns[13].any()
    assert judge(bad).violations.tolist() == [np.inf]
    assert len(judge(good.take([]))) == 0


def test_a_genome_that_never_trades_breaks_the_constraint_beyond_measure():
    never = flock_of([Genome(family="t", entry_long=parse_condition("close < 0"))])
    scores = Local(MARKETS, fewest_trades=3)(never)
    assert scores.violations.tolist() == [np.inf]
    assert scores.trades.tolist() == [0.0]


def test_data_are_named_by_everything_that_is_judged_by():
    market, other = MARKETS
    base = {"markets": [market], "costs": Costs(), "capital": 1e4, "fewest_trades": 30}
    changed = [
        {"markets": [other]}, {"markets": [market, other]}, {"costs": Costs(taker=0.002)}, {"capital": 1e5},
        {"fewest_trades": 31}, {"slice": (START, START + 30 * DAY)}, {"slice": (START, START + 31 * DAY)},
    ]  # fmt: skip
    names = [Local(**base | change).data for change in ({}, *changed)]
    assert len(set(names)) == len(names)
    assert Local(**base).data == names[0] == Local(**base, threads=1).data
    assert Local([hourly(np.random.default_rng(1).normal(size=1_200) * 5e-3, 1, "A/USD")]).data == names[0]


def test_a_slice_is_judged_as_if_there_were_no_other_bars():
    since, until = START + 5 * DAY + 7 * HOUR, START + 40 * DAY
    sliced = Local(MARKETS, slice=(since, until), fewest_trades=3)(crowd())
    cut = [
        part_of(market, since, until) for market in MARKETS
    ]  # fmt: skip
    same_scores(sliced, Local(cut, fewest_trades=3)(crowd()))


def part_of(market, since, until):

    keep = (market.open_s >= since) & (market.open_s < until)
    return Market(
        market.symbol, market.open_s[keep], market.bar_s, np.ascontiguousarray(market.columns[:, keep])
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"markets": []}, "no market was given"),
        ({"markets": MARKETS, "fewest_trades": -1}, "fewest trades were -1"),
        ({"markets": MARKETS, "slice": (0, 100)}, "A/USD has no bars between 0 s and 100 s"),
        ({"markets": [noise(10)]}, "the bars span 1 days"),
        (
            {"markets": [MARKETS[0], hourly(np.zeros(900), asset_class=AssetClass.EQUITY)]},
            "years of 252 and 365",
        ),
        ({"markets": MARKETS, "capital": -1.0}, "-1"),
    ],
)
def test_what_cannot_be_judged_by_is_refused(given, sentence):
    with pytest.raises(BadInput, match=sentence):
        Local(**given)
