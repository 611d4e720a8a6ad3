"""Walking forward keeps what is out of sample out of it, and tells how much of the past was kept."""

import json

import numpy as np
import pytest

from genome.costs import Costs
from genome.reporting.numbers import percent
from genome.seeds import seed
from genome.simulator.windowed import cut, evaluate_within
from genome.tuning import judging
from genome.tuning.documents import walk_document
from genome.tuning.judging import Setting, warm_bars
from genome.tuning.metric import Metric
from genome.tuning.report import walk_page
from genome.tuning.space import bounds_of, space_of
from genome.tuning.walk_forward import of_days, walk_forward
from genome.tuning.windows import Plan, windows
from genome.tuning.words import verdict, walk_warnings
from tests.genome.tuning.worlds import made, noise, planted, threshold

FREE = Costs(taker=0.0, maker=0.0, slippage=0.0)
PLAN = Plan(20, 8)


def walked(market, space=None, plan=PLAN, trials=40, costs=FREE, metric=None, **rest):
    space = space or space_of(seed("ema_crossover"), bounds_of(["fast=2:20", "slow=10:60"]))
    lookback = space.lookback(market.bar_s)
    setting = Setting(market, costs, warm_bars=warm_bars(lookback, market.bar_s), fewest_trades=3)
    planned = windows(market, plan, lookback)
    return walk_forward(space, setting, plan, planned, metric or Metric("sharpe", 3), trials=trials, **rest)


@pytest.fixture(scope="module")
def walk():
    return walked(noise(80, seed=4))


def alike(a, b):
    return (
        a.window == b.window
        and (a.search.points == b.search.points).all()
        and (a.search.scores == b.search.scores).all()
        and (a.returns == b.returns).all()
        and a.outside.keys() == b.outside.keys()
        and np.array_equal(list(a.outside.values()), list(b.outside.values()), equal_nan=True)
    )


@pytest.mark.requirement("S0-1.3.11", "S3-3.1.6")
@pytest.mark.parametrize("anchored", [False, True])
def test_what_comes_after_a_window_changes_nothing_in_it(anchored):
    """Cut the market at the end of a window, or replace what follows: every search and every test before is the same."""
    market, plan = noise(80, seed=4), Plan(20, 8, anchored=anchored)
    whole = walked(market, plan=plan)
    assert len(whole.steps) >= 5
    for k in (0, 2):
        end = whole.steps[k].window.test_to
        short = walked(cut(market, 0, end), plan=plan)
        assert len(short.steps) == k + 1
        close = market.column("close").copy()
        close[end:] *= 1 + 0.5 * np.sin(np.arange(close.size - end))
        other = walked(made(close), plan=plan)
        for a, b, c in zip(whole.steps[: k + 1], short.steps, other.steps, strict=False):
            assert alike(a, b)
            assert alike(a, c)
        assert not alike(whole.steps[k + 1], other.steps[k + 1])


def test_the_search_in_a_window_knows_nothing_of_its_test():
    market = noise(80, seed=4)
    whole = walked(market)
    for k in (0, 3):
        close = market.column("close").copy()
        close[whole.steps[k].window.train_to :] = 50.0
        other = walked(made(close))
        assert (whole.steps[k].search.points == other.steps[k].search.points).all()
        assert (whole.steps[k].search.scores == other.steps[k].search.scores).all()


def test_a_test_is_the_best_point_on_the_bars_of_the_test_with_the_past_to_warm_up_on(walk):
    market, setting = walk.setting.market, walk.setting
    for step in walk.steps:
        w = step.window
        first = max(0, w.test_from - setting.warm_bars)
        direct = evaluate_within(
            [step.search.genome], cut(market, first, w.test_to), w.test_from - first, FREE
        )
        assert (direct.returns[0] == step.returns).all()
        assert direct.figures["sharpe"][0] == step.outside["sharpe"]
        assert step.days.tolist() == np.unique(market.day[w.test_from : w.test_to]).tolist()
        inside = evaluate_within(
            [step.search.genome],
            cut(market, max(0, w.train_from - setting.warm_bars), w.train_to),
            min(w.train_from, setting.warm_bars),
            FREE,
        )
        assert inside.figures["sharpe"][0] == step.inside["sharpe"]


def test_longer_warming_up_changes_nothing(walk):
    """Four lookbacks are enough: with all of the past the tests are the same."""
    market = walk.setting.market
    for step in walk.steps:
        w = step.window
        all_past = evaluate_within([step.search.genome], cut(market, 0, w.test_to), w.test_from, FREE)
        assert np.allclose(all_past.returns[0], step.returns, atol=1e-9)


def test_stitched_days_follow_each_other_and_compound(walk):
    assert (np.diff(walk.days) == 1).all()
    assert walk.days.size == len(walk.steps) * 8
    product = np.prod([1 + step.outside["total_return"] for step in walk.steps])
    assert walk.figures["total_return"] == pytest.approx(product - 1)
    assert walk.figures["n_trades"] == sum(step.outside["n_trades"] for step in walk.steps)


def test_the_same_seed_walks_the_same_and_another_does_not():
    one, two, other = (walked(noise(60), seed=s) for s in (1, 1, 2))
    assert all(alike(a, b) for a, b in zip(one.steps, two.steps, strict=True))
    assert any(not alike(a, b) for a, b in zip(one.steps, other.steps, strict=True))


@pytest.mark.requirement("S3-3.1.7")
def test_a_rule_that_holds_is_kept_and_its_parameter_stands_still():
    space = space_of(threshold(), bounds_of(["cut=-2:2"]))
    walk = walked(planted(level=0.37, days=80), space)
    assert walk.efficiency > 0.8
    (cut_,) = walk.stability
    assert cut_.median == pytest.approx(0.37, abs=0.15)
    assert cut_.near == 1.0
    assert cut_.variation < 0.5
    assert not [said for said in walk_warnings(walk) if "jump" in said or "Efficiency" in said]


@pytest.mark.requirement("S3-3.1.7")
def test_noise_is_called_noise():
    """On a random walk with costs the best of the past is not kept, and parameters jump: both are said in words."""
    walk = walked(noise(160, seed=11), costs=Costs(), plan=Plan(20, 8))
    said = " ".join(walk_warnings(walk))
    assert walk.efficiency < 0.5
    assert "Efficiency is low" in said
    assert "jump" in said
    assert "Nothing of it was kept" in verdict(walk) or f"kept {percent(walk.efficiency, 0)}" in verdict(walk)


def test_stability_counts_windows_near_the_median_on_the_scale_of_the_search(walk):
    points = np.array([step.point for step in walk.steps])
    for i, found in enumerate(walk.stability):
        units = np.log(points[:, i] / walk.space.parameters[i].low) / np.log(
            walk.space.parameters[i].high / walk.space.parameters[i].low
        )
        near = np.abs(units - np.median(units)) <= 0.1 + 1e-9
        assert found.near == pytest.approx(near.mean())
        assert found.variation == pytest.approx(points[:, i].std(ddof=1) / points[:, i].mean())


def test_figures_of_days_are_those_a_person_computes():
    found = of_days(np.array([0.10, -0.50, 0.20]), 365.0)
    assert found["total_return"] == pytest.approx(1.1 * 0.5 * 1.2 - 1)
    assert found["max_drawdown"] == pytest.approx(0.5)
    assert found["cagr"] == pytest.approx(0.66 ** (365 / 3) - 1)
    assert found["calmar"] == pytest.approx(found["cagr"] / 0.5)
    r = np.array([0.10, -0.50, 0.20])
    assert found["sharpe"] == pytest.approx(r.mean() / r.std(ddof=1) * 365**0.5)
    assert of_days(np.array([0.1, -1.0, 0.0]), 365.0)["cagr"] == -1.0


def test_an_interrupt_keeps_the_windows_that_are_whole():
    market = noise(60)
    whole = walked(market)

    def impatient(k, total, done, allowed):
        if k == 2:
            raise KeyboardInterrupt

    found = walked(market, progress=impatient)
    assert found.ended == "interrupted"
    assert len(found.steps) == 2
    assert all(alike(a, b) for a, b in zip(found.steps, whole.steps, strict=False))
    assert f"Interrupted: 2 of {len(whole.planned)} windows" in walk_warnings(found)[0]
    with pytest.raises(KeyboardInterrupt):
        walked(market, progress=lambda k, *_: impatient(k + 2, *_))


def test_every_refit_is_a_trial_and_told_to_the_count():
    class Counting:
        def __init__(self):
            self.told = []

        def add(self, data, hashes, scores, origin):
            self.told += [(data, one, origin) for one in hashes]
            return len(hashes)

    market, count = noise(60), Counting()
    space = space_of(seed("ema_crossover"), bounds_of(["fast=2:20", "slow=10:60"]))
    setting = Setting(market, FREE, warm_bars=500, count=count)
    walk = walk_forward(space, setting, PLAN, windows(market, PLAN, 59), Metric("sharpe", 3), trials=30)
    tests = [
        (judging.Window(setting, step.window.test_from, step.window.test_to, "").data) for step in walk.steps
    ]
    refits = [one for one in count.told if one[0] not in tests]
    assert {origin for _, _, origin in count.told} == {"walk-forward"}
    assert len(refits) == walk.trials == 30 * len(walk.steps)
    assert len({data for data, _, _ in refits}) == len(walk.steps), "each window is data of its own"
    assert [data for data, _, _ in count.told if data in tests] == tests


@pytest.mark.requirement("S0-1.3.12")
def test_the_report_has_each_window_with_its_start_sharpe_ratios_and_parameters(walk):
    document = walk_document(walk)
    json.dumps(document, allow_nan=False)
    page = walk_page(walk, "made")
    assert len(document["windows"]) == len(walk.steps)
    for told, step in zip(document["windows"], walk.steps, strict=True):
        assert told["params"] == {"fast": step.point[0], "slow": step.point[1]}
        assert told["in_sample"]["sharpe"] == pytest.approx(step.inside["sharpe"])
        assert told["out_of_sample"]["sharpe"] == pytest.approx(step.outside["sharpe"])
        assert told["test_start"][:10] in page
        assert told["train_start"][:10] in page
    assert document["trials"] == walk.trials
    assert len(document["equity"]["day"]) == walk.days.size
    assert document["equity"]["equity"][-1] == pytest.approx(10_000 * (1 + walk.figures["total_return"]))


def test_the_page_needs_nothing_else_and_escapes_what_it_shows(walk):
    page = walk_page(walk, "<script>alert(1)</script>", ("<b>bars</b>",))
    assert "<script>alert" not in page
    assert "<b>bars" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count('class="chart field"') == len(walk.steps)
