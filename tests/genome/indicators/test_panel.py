"""Words that compare assets."""

import numpy as np
import pytest

from genome.indicators import compute, panel
from organism.errors import BadInput
from tests.genome.indicators.worlds import DAY, HOUR, cut, walk
from tests.genome.making import bars
from tests.genome.oracle.panel import panel_word
from tests.genome.oracle.worlds import world

NAN = float("nan")


def test_a_rank_is_the_share_of_the_other_assets_that_rose_less_ties_half():
    up, flat, still, down = (bars(100.0, p) for p in (110.0, 100.0, 100.0, 90.0))

    ranks = panel("momentum_rank", (1.0,), [up, flat, still, down])

    assert [r[1] for r in ranks] == [1.0, 0.5, 0.5, 0.0]
    assert all(np.isnan(r[0]) for r in ranks)
    excess = panel("relative_momentum", (1.0,), [up, down, flat])
    np.testing.assert_allclose([r[1] for r in excess], [0.1, -0.1, 0.0], atol=1e-15)


def test_an_asset_enters_when_it_is_listed_and_alone_it_is_in_the_middle():
    old, new = bars(10, 11, 12, 13, 12), bars(5, 4, 3, start_s=20_000 * DAY + 2 * HOUR)

    ranks = panel("momentum_rank", (1.0,), [old, new])

    np.testing.assert_array_equal(ranks[0], [NAN, 0.5, 0.5, 1.0, 1.0])
    np.testing.assert_array_equal(ranks[1], [NAN, 0.0, 0.0])
    assert panel("relative_momentum", (1.0,), [old])[0][1:].tolist() == [0.0] * 4


def test_panels_are_what_a_loop_over_instants_says_whatever_is_missing():
    markets = [walk(150, seed=s, void=0.1, missing=0.1) for s in range(6)]
    rates = [dict(zip(m.open_s.tolist(), compute("roc", (5.0,), m).tolist(), strict=True)) for m in markets]

    ranks = panel("momentum_rank", (5.0,), markets)
    excess = panel("relative_momentum", (5.0,), markets)

    for i, market in enumerate(markets):
        for t, at in enumerate(market.open_s.tolist()):
            own = rates[i][at]
            others = [r[at] for j, r in enumerate(rates) if j != i and np.isfinite(r.get(at, NAN))]
            if np.isnan(own):
                assert np.isnan(ranks[i][t])
                assert np.isnan(excess[i][t])
                continue
            points = sum((o < own) + (o == own) / 2 for o in others)
            assert ranks[i][t] == pytest.approx(points / len(others) if others else 0.5)
            assert excess[i][t] == pytest.approx(own - np.mean([own, *others]), abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", ["momentum_rank", "relative_momentum"])
def test_panels_are_the_oracles_on_worlds_of_copies_listings_and_holes(name, seed):
    markets = world(np.random.default_rng(seed))
    for n in (1, 5, 20):
        for market, ours in zip(markets, panel(name, (float(n),), markets), strict=True):
            np.testing.assert_allclose(ours, panel_word(name, n, market, markets), rtol=1e-12, atol=1e-14)


def test_the_past_of_a_panel_ignores_its_future():
    markets = [walk(80, seed=s) for s in range(4)]
    whole = panel("momentum_rank", (5.0,), markets)

    for got, all_of_it in zip(
        panel("momentum_rank", (5.0,), [cut(m, 40) for m in markets]), whole, strict=True
    ):
        np.testing.assert_array_equal(got, all_of_it[:40])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: panel("roc", (5.0,), [walk(9)]), "needs one market only"),
        (lambda: panel("momentum_rank", (5.0,), []), "needs at least one"),
        (lambda: panel("momentum_rank", (0.0,), [walk(9)]), "n was 0"),
        (lambda: panel("momentum_rank", (5.0,), [walk(9), walk(9, bar_s=60)]), "bars of one length"),
    ],
)
def test_what_is_no_panel_is_refused(call, says):
    with pytest.raises(BadInput, match=says):
        call()
