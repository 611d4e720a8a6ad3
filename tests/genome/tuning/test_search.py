"""Searches find what is there, look at nothing twice, and tell everything they looked at."""

import importlib.util
import sys

import numpy as np
import pytest

from genome.costs import Costs
from genome.seeds import seed
from genome.simulator import backtest
from genome.simulator.figures import FIGURES
from genome.simulator.windowed import Windowed
from genome.tuning.judging import Setting, Window
from genome.tuning.methods import grid_levels
from genome.tuning.metric import METRICS, Metric
from genome.tuning.search import search
from genome.tuning.space import bounds_of, space_of, steps_of
from genome.tuning.words import luck, search_warnings
from organism.errors import BadInput
from tests.genome.tuning.worlds import noise, planted, threshold

FREE = Costs(taker=0.0, maker=0.0, slippage=0.0)
has_optuna = pytest.mark.skipif(
    importlib.util.find_spec("optuna") is None, reason="optuna, the extra [tune], is not installed"
)
METHODS = ["de", "grid", pytest.param("tpe", marks=has_optuna)]


def asked(space, market, costs=FREE, metric=None, **rest):
    judge = Window(Setting(market, costs), 0, market.size, "test")
    return search(space, judge, metric or Metric(), **rest)


class Bowl:
    """Judges by distance from a point, without a market: what a method finds is then known."""

    def __init__(self, at, trades=100.0, names=("fast", "slow")):
        self.at, self.trades, self.names, self.batches = at, trades, names, []

    def __call__(self, genomes):
        genes = [dict(g.genes) for g in genomes]
        self.batches.append([tuple(g[name] for name in self.names) for g in genes])
        worth = -np.array(
            [sum((g[n] - a) ** 2 for n, a in zip(self.names, self.at, strict=True)) for g in genes]
        )
        figures = {name: np.full(len(genes), np.nan) for name in FIGURES}
        figures |= {"sharpe": worth, "n_trades": np.full(len(genes), self.trades)}
        return Windowed(figures, np.zeros((len(genes), 2)), np.zeros((len(genes), 2)), np.arange(2))


@pytest.mark.requirement("S0-1.3.10")
@pytest.mark.parametrize("method", METHODS)
def test_the_optimum_that_was_planted_in_a_market_is_found(method):
    space = space_of(threshold(), bounds_of(["cut=-2:2"]))
    found = asked(space, planted(level=0.37), method=method, trials=120)
    assert found.points[found.best][0] == pytest.approx(0.37, abs=0.12)
    assert found.values[found.best] > 2 * abs(found.values[0]) or found.values[0] < 0


@pytest.mark.requirement("S2-10.4")
@has_optuna
def test_tpe_of_optuna_finds_the_bottom_of_a_bowl():
    found = search(space_of(seed("ema_crossover")), Bowl((30, 90)), Metric(), method="tpe", trials=200)
    assert found.values[found.best] > -60.0


def test_differential_evolution_finds_the_bottom_of_a_bowl_exactly():
    found = search(space_of(seed("ema_crossover")), Bowl((30, 90)), Metric(), trials=600)
    assert found.points[found.best].tolist() == [30, 90]


@pytest.mark.parametrize("method", METHODS)
def test_no_point_is_judged_twice_and_never_more_than_allowed(method):
    bowl = Bowl((30, 90))
    found = search(space_of(seed("ema_crossover")), bowl, Metric(), method=method, trials=90)
    judged = [point for batch in bowl.batches for point in batch]
    assert len(judged) == len(set(judged)) == found.trials <= 90
    assert [tuple(row) for row in found.points.tolist()] == judged


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_finds_the_same_in_the_same_order(method):
    space = space_of(seed("rsi_filter"))
    one, two, other = (
        asked(space, noise(40), method=method, trials=60, seed=s, metric=Metric("sharpe", 1))
        for s in (4, 4, 5)
    )
    assert (one.points == two.points).all()
    assert (one.scores == two.scores).all()
    assert method == "grid" or not np.array_equal(one.points, other.points)


def test_threads_change_nothing():
    space, market = space_of(seed("rsi_filter")), noise(60)
    found = [
        search(
            space, Window(Setting(market, threads=n), 0, market.size, "test"), Metric("sharpe", 1), trials=80
        )
        for n in (1, 2)
    ]
    assert (found[0].points == found[1].points).all()
    assert (found[0].scores == found[1].scores).all()


def test_a_grid_visits_each_point_once_and_all_of_them():
    space = space_of(
        seed("ema_crossover"), bounds_of(["fast=5:15", "slow=20:60"]), steps_of(["fast=5", "slow=20"])
    )
    bowl = Bowl((10, 40))
    found = search(space, bowl, Metric(), method="grid", trials=100)
    assert sorted(map(tuple, found.points.tolist())) == [(f, s) for f in (5, 10, 15) for s in (20, 40, 60)]
    assert found.ended == "exhausted"
    assert found.points[found.best].tolist() == [10, 40]


def test_a_grid_without_steps_is_as_fine_as_the_trials_allow():
    space = space_of(seed("ema_crossover"))
    for trials in (4, 50, 333):
        sizes = [level.size for level in grid_levels(space, trials)]
        assert np.prod(sizes) <= trials
        assert (sizes[0] + 2) * (sizes[1] + 2) > trials
    with pytest.raises(BadInput, match="with these steps has 980 points, but 50 trials are allowed"):
        grid_levels(space_of(seed("ema_crossover"), None, steps_of(["fast=5", "slow=4"])), 50)
    with pytest.raises(BadInput, match="of two values each has 32 points"):
        grid_levels(space_of(seed("atr_stop")), 20)


def test_where_every_point_was_seen_the_search_ends():
    space = space_of(seed("ema_crossover"), bounds_of(["fast=5:7", "slow=20:22"]))
    found = search(space, Bowl((6, 21)), Metric(), trials=500)
    assert (found.trials, found.ended) == (9, "exhausted")


@pytest.mark.parametrize("method", ["de", pytest.param("tpe", marks=has_optuna)])
def test_the_textbook_is_looked_at_first(method):
    found = search(space_of(seed("ema_crossover")), Bowl((30, 90)), Metric(), method=method, trials=40)
    assert found.points[0].tolist() == [9, 21]


def test_what_is_judged_are_the_figures_of_a_backtest():
    market, space = noise(50), space_of(seed("ema_crossover"))
    found = asked(space, market, trials=20, metric=Metric("sortino", 1))
    for i in (0, 7, found.best):
        direct = backtest(market, space.genome_at(found.points[i]), FREE).figures
        assert found.figures["n_trades"][i] == direct["n_trades"]
        assert found.figures["sortino"][i] == pytest.approx(direct["sortino"], nan_ok=True)


@pytest.mark.parametrize(("name", "least"), [("max_drawdown", True), ("sharpe", False), ("fees", True)])
def test_a_figure_is_made_large_or_small_as_is_good(name, least):
    assert METRICS[name] is not least
    found = asked(space_of(seed("ema_crossover")), noise(60), trials=60, metric=Metric(name, 5))
    kept = found.values[found.figures["n_trades"] >= 5]
    assert found.values[found.best] == (kept.min() if least else kept.max())


def test_a_point_that_trades_too_little_or_has_no_figure_never_wins():
    figures = {name: np.zeros(4) for name in FIGURES}
    figures |= {
        "sharpe": np.array([9.0, np.nan, -3.0, np.inf]),
        "n_trades": np.array([2.0, 50.0, 50.0, 50.0]),
    }
    found = Windowed(figures, np.zeros((4, 2)), np.zeros((4, 2)), np.arange(2))
    scores = Metric("sharpe", 10).scores(found)
    assert np.isfinite(scores).all()
    assert scores.argmax() == 2
    assert scores[0] > scores[1], "a few trades too few is nearer to something than nothing that can be told"


def test_a_search_in_which_nobody_traded_enough_says_that_nothing_was_found():
    found = search(
        space_of(seed("ema_crossover")), Bowl((30, 90), trades=3.0), Metric("sharpe", 10), trials=30
    )
    assert not found.found
    assert found.n_valid == 0
    assert "nothing was found" in " ".join(search_warnings(found))


def test_an_interrupt_tells_what_was_found_until_then_and_goes_on_where_nothing_was():
    space, bowl = space_of(seed("ema_crossover")), Bowl((30, 90))

    def impatient(genomes, after=3):
        if len(bowl.batches) == after:
            raise KeyboardInterrupt
        return bowl(genomes)

    found = search(space, impatient, Metric(), trials=300)
    assert found.ended == "interrupted"
    assert found.trials == sum(map(len, bowl.batches))
    assert "interrupted" in search_warnings(found)[0]
    with pytest.raises(KeyboardInterrupt):
        search(space, lambda genomes: impatient(genomes, after=3), Metric(), trials=300)


def test_every_look_is_told_to_the_count():
    class Counting:
        def __init__(self):
            self.told = []

        def add(self, data, hashes, scores, origin):
            assert len(scores) == len(hashes)
            assert scores.values.shape == (len(hashes), 4)
            self.told += [(data, one, origin) for one in hashes]
            return len(hashes)

    count, market, space = Counting(), noise(50), space_of(seed("ema_crossover"))
    found = search(
        space, Window(Setting(market, count=count), 0, market.size, "optimize"), Metric(), trials=50
    )
    assert [one for _, one, _ in count.told] == [g.content_hash for g in space.genomes(found.points)]
    assert {origin for _, _, origin in count.told} == {"optimize"}
    assert len({data for data, _, _ in count.told}) == 1


def test_a_lonely_peak_and_a_bound_are_said():
    class Needle(Bowl):
        def __call__(self, genomes):
            found = super().__call__(genomes)
            at = np.array([tuple(dict(g.genes).values()) == (30, 90) for g in genomes])
            found.figures["sharpe"][:] = np.where(at, 5.0, 0.1)
            return found

    space = space_of(seed("ema_crossover"), bounds_of(["fast=20:40", "slow=80:100"]))
    needle = search(space, Needle((30, 90)), Metric(), method="grid", trials=441)
    assert "lonely peak" in " ".join(search_warnings(needle))
    edge = search(space, Bowl((40, 90)), Metric(), method="grid", trials=441)
    assert "on a bound of fast" in " ".join(search_warnings(edge))


def test_luck_grows_with_looking_and_is_what_the_best_of_pure_noise_shows():
    rng = np.random.default_rng(2)
    days, trials = 365, 200
    best = [
        (r.mean(axis=1) / r.std(axis=1, ddof=1)).max() * 365**0.5
        for r in (rng.normal(size=(trials, days)) for _ in range(60))
    ]
    assert luck(trials, days, 365.0) == pytest.approx(np.mean(best), abs=0.12)
    assert luck(1, days, 365.0) == 0.0


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ({"method": "magic"}, "there is no method 'magic'"),
        ({"trials": 0}, "from 1 to 100,000; was 0"),
        ({"trials": 10**9}, "from 1 to 100,000"),
        ({"seed": -1}, "a seed is a whole number from 0 up"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(rest, says):
    with pytest.raises(BadInput, match=says):
        search(space_of(seed("ema_crossover")), Bowl((1, 1)), Metric(), **rest)


def test_an_unknown_metric_is_refused_with_what_was_perhaps_meant():
    with pytest.raises(BadInput, match=r"there is no metric 'sharp'.*'sharpe'"):
        Metric("sharp")


def test_without_optuna_a_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(BadInput, match=r"needs optuna.*organism\[tune\]"):
        search(space_of(seed("ema_crossover")), Bowl((1, 1)), Metric(), method="tpe")


@has_optuna
def test_tpe_is_refused_where_it_would_take_for_ever():
    with pytest.raises(BadInput, match="slows down with every trial, so at most 2,000"):
        search(space_of(seed("ema_crossover")), Bowl((1, 1)), Metric(), method="tpe", trials=2_001)
