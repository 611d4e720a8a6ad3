"""Positions that move together are one bet: who is forbidden, who is divided, in amounts a person divided."""

import dataclasses
import itertools

import numpy as np
import pytest

from genome.market import market as make_market
from genome.simulator import backtest_joint
from tests.genome.making import FREE, HOUR, START, bars, genes, levels
from tests.genome.test_joint import crossing, same_bits

DECIDED = 99
"""Bar of the decision, unless said otherwise; the entry fills at bar 100, after 60 instants whose returns are looked at."""


def flipped(*pairs):
    """Steps of twelve bars up and down in turn, the pairs named the other way about: of 6 pairs k flipped, ρ is 1 − k/3."""
    steps = np.tile([1, -1], 6)
    for pair in pairs:
        steps[2 * pair : 2 * pair + 2] *= -1
    return steps


SAME, CROSSED = np.array([1, -1, 1, -1]), np.array([1, 1, -1, -1])
"""Steps without any correlation, over four bars or a multiple of it."""


def moving(symbol, steps, size=DECIDED + 3, first=0):
    """Bars that rise and fall by 1 % in the pattern of `steps`, which runs from instant 0 on."""
    pattern = np.resize(steps, size)
    prices = (100.0 * np.exp(0.01 * np.cumsum(pattern)))[first:]
    return dataclasses.replace(bars(*prices.tolist(), start_s=START + HOUR * first), symbol=symbol)


def without(market, *dropped):
    """The same market with bars missing."""
    kept = np.setdiff1d(np.arange(market.size), dropped)
    return dataclasses.replace(
        market, open_s=market.open_s[kept], columns=np.ascontiguousarray(market.columns[:, kept])
    )


def at(market, instant):
    """Number of the market's newest bar at an instant."""
    return int(np.searchsorted(market.open_s, START + HOUR * instant, side="right")) - 1


def outlays(markets, limit=0.7, *, shorts="", early="", leave="", last=DECIDED, **rest):
    """What each asset is given when all want in at `last`, those of `early` twenty bars before.

    shorts   symbols that want to be short; leave: symbols that are closed at the open where the others enter
    """
    signals = []
    for market in markets:
        side = "short" if market.symbol in shorts else "long"
        decided = at(market, last - 20 if market.symbol in early else last)
        exits = {f"exit_{side}": [at(market, last)]} if market.symbol in leave else {}
        signals.append(levels(market.size, **{f"entry_{side}": [decided]}, **exits))
    chosen = {} if limit is None else {"correlation_limit": limit}
    result = backtest_joint(markets, genes(**chosen), FREE, signals=signals, **rest)
    return {trade.symbol: round(trade.quantity * trade.entry_price, 6) for trade in result.trades}


def test_two_that_move_together_share_one_size_and_a_third_has_its_own():
    markets = [moving("A", SAME), moving("B", SAME), moving("C", CROSSED)]
    assert outlays(markets) == {"A": 750.0, "B": 750.0, "C": 1_500.0}
    assert outlays(markets, None) == dict.fromkeys("ABC", 1_500.0)


def test_k_others_divide_a_size_by_1_and_k():
    assert outlays([moving(name, SAME) for name in "ABC"]) == dict.fromkeys("ABC", 500.0)
    # C moves with A and B alike, which have ρ = 1/3 with each other: a third for C, a half for them.
    chain = [moving("A", flipped(0)), moving("B", flipped(1)), moving("C", flipped())]
    assert outlays(chain, 0.6) == {"A": 750.0, "B": 750.0, "C": 500.0}


def test_the_limit_is_met_at_more_than_it_and_not_below():
    # One pair of six the other way about: ρ = 2/3.
    markets = [moving("A", flipped()), moving("B", flipped(2))]
    assert outlays(markets, 0.66) == dict.fromkeys("AB", 750.0)
    assert outlays(markets, 0.67) == dict.fromkeys("AB", 1_500.0)


def test_a_limit_of_1_is_never_passed_by_a_correlation_that_is_known():
    assert outlays([moving("A", SAME), moving("B", SAME)], 1.0) == dict.fromkeys("AB", 1_500.0)


def test_sides_decide_what_moves_together():
    alike, opposite = [moving("A", SAME), moving("B", SAME)], [moving("A", SAME), moving("B", -SAME)]
    assert outlays(alike, shorts="B") == dict.fromkeys("AB", 1_500.0)
    assert outlays(alike, shorts="AB") == dict.fromkeys("AB", 750.0)
    assert outlays(opposite) == dict.fromkeys("AB", 1_500.0)
    assert outlays(opposite, shorts="A") == dict.fromkeys("AB", 750.0)


def test_what_moves_together_with_a_position_does_not_enter():
    markets = [moving("A", SAME), moving("B", SAME), moving("C", CROSSED)]
    assert outlays(markets, early="A").keys() == {"A", "C"}
    assert outlays(markets, early="A", shorts="B").keys() == {"A", "B", "C"}
    assert outlays(markets, early="A", shorts="A").keys() == {"A", "B", "C"}
    assert outlays(markets, early="A", shorts="AB").keys() == {"A", "C"}


def test_a_position_that_is_closed_here_forbids_nothing():
    found = outlays([moving("A", SAME), moving("B", SAME)], early="A", leave="A")
    assert found.keys() == {"A", "B"}
    assert found["B"] == pytest.approx(1_500.0, rel=0.01)  # of the equity after the trade of A, whole


def test_a_position_without_a_bar_here_forbids_as_well():
    missing = without(moving("A", SAME), 100)
    assert outlays([missing, moving("B", SAME)], early="A").keys() == {"A"}
    assert outlays([missing, moving("B", CROSSED)], early="A").keys() == {"A", "B"}


def test_what_is_forbidden_divides_nobody():
    # ρ of H and B, and of B and C, is 2/3, that of H and C 1/3. H is held and forbids B: C is alone.
    markets = [moving("H", flipped()), moving("B", flipped(0)), moving("C", flipped(0, 1))]
    found = outlays(markets, 0.6, early="H")
    assert found.keys() == {"H", "C"}
    assert outlays(markets, 0.6) == {"H": 750.0, "B": 500.0, "C": 750.0}
    assert found["C"] == pytest.approx(1_500.0, rel=0.01)


def test_a_size_is_divided_before_it_is_held_against_the_least():
    # 15 % among 14 is more than 1 %, among 16 less: each of the 16 counts, though none of them is large enough.
    many = [moving(f"A{i:02}", SAME) for i in range(16)]
    assert outlays(many[:14]) == {market.symbol: pytest.approx(1_500 / 14) for market in many[:14]}
    assert outlays(many) == {}


def test_unknown_for_want_of_returns_counts_as_together_whatever_the_sides():
    # B is listed n bars before the entry and has n − 1 returns by then; 20 of them have no correlation.
    def joined(n, **rest):
        return outlays([moving("A", SAME), moving("B", CROSSED, first=100 - n)], **rest)

    assert joined(21) == dict.fromkeys("AB", 1_500.0)
    assert joined(20) == joined(20, shorts="B") == joined(20, limit=1.0) == dict.fromkeys("AB", 750.0)
    assert joined(20, early="A").keys() == {"A"}
    assert joined(20, early="A", shorts="B").keys() == {"A"}


@pytest.mark.parametrize("step", [0, 1])
def test_unknown_for_want_of_variance_counts_as_together(step):
    # Of one price, or rising by the same 1 % each bar, of which rounding makes returns of many sizes.
    steady = moving("B", np.array([step]))
    assert outlays([moving("A", SAME), steady]) == dict.fromkeys("AB", 750.0)
    assert outlays([moving("A", SAME), steady], shorts="B") == dict.fromkeys("AB", 750.0)


def test_sixty_instants_are_looked_at_and_no_more():
    # They moved together for long, and apart in the last 60 instants; shifted by four bars the last 60 are 56 and 4.
    def turned(at):
        steps = np.concatenate([np.resize(SAME, at), np.resize(CROSSED, DECIDED + 3 - at)])
        return [moving("A", SAME), moving("B", steps)]

    assert outlays(turned(40), 0.3) == dict.fromkeys("AB", 1_500.0)
    # 4 of 60 together: ρ = 1/15; 20 of 60: ρ = 1/3
    assert outlays(turned(44), 0.3) == dict.fromkeys("AB", 1_500.0)
    assert outlays(turned(60), 0.3) == dict.fromkeys("AB", 750.0)
    assert outlays(turned(60), 0.34) == dict.fromkeys("AB", 1_500.0)


def test_instants_are_of_all_assets_and_only_bars_that_both_have_count():
    # B has a bar every third instant: the 60 instants hold 20 of its returns, each of three bars of its own pattern.
    # One more bar missing leaves 19, and then nobody knows.
    def thin(*more):
        kept = set(range(1, DECIDED + 3, 3)) - set(more)
        pattern = np.repeat(CROSSED, 3)
        return without(moving("B", pattern), *(set(range(DECIDED + 3)) - kept))

    assert outlays([moving("A", CROSSED), thin()], 1.0) == dict.fromkeys("AB", 1_500.0)
    assert outlays([moving("A", CROSSED), thin(70)], 1.0) == dict.fromkeys("AB", 750.0)


@pytest.mark.parametrize(("row", "value"), [(0, np.nan), (3, np.nan), (3, 0.0), (3, -1.0)])
def test_a_void_bar_or_a_close_that_is_not_positive_takes_two_returns_away(row, value):
    # 22 returns by the entry; such a bar takes that to it and that from it.
    def joined(*broken):
        late = moving("B", CROSSED, first=77)
        columns = late.columns.copy()
        columns[row, list(broken)] = value
        return outlays([moving("A", SAME), dataclasses.replace(late, columns=columns)], 1.0)

    assert joined(10) == dict.fromkeys("AB", 1_500.0)
    assert joined(10, 11) == joined(10, 12) == dict.fromkeys("AB", 750.0)


def related(seed, count=5, size=300):
    """Random markets with one mover in common, some more and some less, and listed one after the other."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=size) * 0.01
    found = []
    for i in range(count):
        first, share = 7 * i, i / count
        close = 100 * np.exp(np.cumsum(share * common + (1 - share) * rng.normal(size=size) * 0.01))[first:]
        opened = np.concatenate([[100.0], close[:-1]])
        high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
        volume = np.exp(rng.normal(size=close.size))
        found.append(
            make_market(
                "ABCDEFGH"[i], START + HOUR * np.arange(first, size), HOUR, (opened, high, low, close, volume)
            )
        )
    return found


EVERYTHING = {
    "correlation_limit": 0.5, "liquidity_weight": 1.0, "volatility_weight": 0.5, "momentum_weight": 0.3, "stop": 0.03,
}  # fmt: skip


def test_the_order_of_related_markets_changes_no_bit():
    markets = related(1)
    genome = crossing(**EVERYTHING)
    one = backtest_joint(markets, genome)
    assert len(one.trades) > 20
    assert len(one.trades) != len(
        backtest_joint(markets, crossing(**EVERYTHING | {"correlation_limit": 1.0})).trades
    )
    for order in list(itertools.permutations(range(5)))[7::19]:
        same_bits(one, backtest_joint([markets[i] for i in order], genome), markets, order)


@pytest.mark.parametrize("cut", [60, 150, 299])
def test_what_comes_later_changes_nothing_before(cut):
    """Bars from an instant on are exchanged for others: until then each equity is the same bit for bit, and each trade."""
    markets, genome = related(2), crossing(**EVERYTHING)

    def changed(market, other):
        k = int(np.searchsorted(market.open_s, START + HOUR * cut))
        columns = np.concatenate([market.columns[:, :k], other.columns[:, k:]], axis=1)
        return dataclasses.replace(market, columns=np.ascontiguousarray(columns))

    one = backtest_joint(markets, genome)
    other = backtest_joint([changed(a, b) for a, b in zip(markets, related(3), strict=True)], genome)

    def done(result):
        return [t for t in result.trades if markets[t.asset].open_s[t.exit_bar] < START + HOUR * cut]

    assert one.equity[:cut].tobytes() == other.equity[:cut].tobytes()
    assert one.exposures[:cut].tobytes() == other.exposures[:cut].tobytes()
    assert one.equity[cut:].tobytes() != other.equity[cut:].tobytes()
    assert done(one) == done(other)


def test_no_two_positions_opened_apart_ever_moved_together():
    """What the rule promises, looked up again from the closes: at each entry, nothing held before moves with it."""
    markets = related(4)
    result = backtest_joint(markets, crossing(correlation_limit=0.5))
    returns = np.array(
        [
            np.concatenate([np.full(300 - m.size + 1, np.nan), np.diff(np.log(m.column("close")))])
            for m in markets
        ]
    )
    starts = [300 - m.size for m in markets]
    looked = 0
    for late, early in itertools.permutations(result.trades, 2):
        entered = starts[late.asset] + late.entry_bar
        if not starts[early.asset] + early.entry_bar < entered < starts[early.asset] + early.exit_bar:
            continue
        both = returns[[late.asset, early.asset], max(0, entered - 60) : entered]
        both = both[:, ~np.isnan(both).any(axis=0)]
        assert both.shape[1] >= 20
        assert late.side * early.side * np.corrcoef(both)[0, 1] <= 0.5 + 1e-9
        looked += 1
    assert looked > 20
