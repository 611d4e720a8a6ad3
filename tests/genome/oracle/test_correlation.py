"""The correlation limit of the joint pass (SEMANTICS.md, 8), on paths whose correlations a person sees: 1, −1 and 0."""

import math

import pytest

from tests.genome.making import FREE, HOUR, START, bars, genes, levels
from tests.genome.oracle import both_joint
from tests.genome.oracle.correlation import correlation, log_returns

SIZE = 62
ZIG, ZAG = [100, 101] * (SIZE // 2), [101, 100] * (SIZE // 2)
SLOW = ([50, 50.5, 51, 50.5] * SIZE)[:SIZE]  # two up, two down: half of its steps go with ZIG, half against
STILL = [20] * SIZE
NAMES = {id(path): name for name, path in {"zig": ZIG, "zag": ZAG, "slow": SLOW, "still": STILL}.items()}
NEXT = 41  # the bar that fills; 40 returns stand before it


def outcome(paths, limit=0.5, at=None, **more):
    """Each path a market; all want to enter long at bar NEXT unless told."""
    markets = [path if hasattr(path, "open_s") else bars(*path) for path in paths]
    at = at or [{"entry_long": [NEXT - 1]}] * len(paths)
    signals = [levels(market.size, **some) for market, some in zip(markets, at, strict=True)]
    chosen = genes(**({} if limit is None else {"correlation_limit": limit}), **more)
    return both_joint.run(markets, chosen, FREE, signals=signals)


def outlays(some):
    return [trade.quantity * trade.entry_price for trade in some.trades]


def enters(long=True, at=NEXT, until=None):
    """Levels of one entry, and of its exit."""
    side = "long" if long else "short"
    return {f"entry_{side}": [at - 1]} | ({f"exit_{side}": [until - 1]} if until else {})


def test_the_paths_are_what_they_say():
    rows = [log_returns(bars(*path)) for path in (ZIG, ZAG, SLOW, STILL)]
    before = [START + t * HOUR for t in range(NEXT)]
    assert correlation(rows[0], rows[0], before) == pytest.approx(1)
    assert correlation(rows[0], rows[1], before) == pytest.approx(-1)
    assert correlation(rows[0], rows[2], before) == pytest.approx(0, abs=0.01)
    assert correlation(rows[0], rows[3], before) is None


@pytest.mark.parametrize(
    ("paths", "sides", "shares"),
    [
        ((ZIG, ZIG), (True, True), (0.075, 0.075)),
        ((ZIG, ZAG), (True, True), (0.15, 0.15)),
        ((ZIG, ZIG), (True, False), (0.15, 0.15)),
        ((ZIG, ZAG), (True, False), (0.075, 0.075)),
        ((ZIG, SLOW), (True, True), (0.15, 0.15)),
        ((ZIG, ZIG, ZIG, SLOW), (True,) * 4, (0.05, 0.05, 0.05, 0.15)),
        ((ZIG, STILL), (True, False), (0.075, 0.075)),  # what never moved is unknown: with all, on any side
        ((ZIG, STILL, SLOW), (True, True, True), (0.075, 0.05, 0.075)),
    ],
    ids=lambda value: "-".join(NAMES.get(id(x), str(x)) for x in value),
)  # fmt: skip
def test_what_moves_together_shares_one_place(paths, sides, shares):
    some = outcome(paths, at=[enters(long) for long in sides])
    assert outlays(some) == pytest.approx([share * 10_000 for share in shares])


def test_without_the_gene_nothing_is_divided():
    assert outlays(outcome((ZIG, ZIG), None)) == pytest.approx([1_500, 1_500])


def test_a_limit_of_one_is_never_passed_by_what_is_known():
    assert outlays(outcome((ZIG, ZIG), 1.0)) == pytest.approx([1_500, 1_500])
    assert outlays(outcome((ZIG, STILL), 1.0)) == pytest.approx([750, 750])


def test_twenty_returns_are_enough_and_nineteen_are_not():
    # The bar that fills says nothing yet: before bar 21 stand 20 returns, before bar 20 only 19.
    for at, share in ((21, 0.15), (20, 0.075)):
        assert outlays(outcome((ZIG, ZAG), at=[enters(at=at)] * 2)) == pytest.approx([share * 10_000] * 2)


def test_a_return_needs_both_its_bars():
    # Of 40 returns the one path lacks those into and out of a void bar: each void takes two.
    for n_voids, share in ((10, 0.15), (11, 0.075)):
        torn = [None if t % 3 == 1 and t < 3 * n_voids else price for t, price in enumerate(ZIG)]
        assert outlays(outcome((torn, ZAG))) == pytest.approx([share * 10_000] * 2)


def test_a_close_that_is_not_positive_makes_no_return():
    row = log_returns(bars(100, 101, 0, 102, 103, -1, 104, 105))
    assert list(row) == [START + t * HOUR for t in (1, 4, 7)]
    assert list(row.values()) == pytest.approx([math.log(x) for x in (101 / 100, 103 / 102, 105 / 104)])


def test_only_the_last_sixty_instants_count():
    # Before bar 61 the returns of bars 1 to 60 count; a leap together at bar 1 hides all else, and at bar 61 is seen.
    one, other = [10, *([100, 101] * 40)], [10, *([101, 100] * 40)]
    for at, share in ((61, 0.075), (62, 0.15)):
        assert outlays(outcome((one, other), at=[enters(at=at)] * 2)) == pytest.approx([share * 10_000] * 2)


def test_an_instant_at_which_only_one_has_a_bar_is_one_of_the_sixty():
    # The one has every second bar: of the last 60 instants 30 are common. With every fourth only 15: unknown.
    for step, share in ((2, 0.15), (4, 0.075)):
        size = 80 // step + 2
        rare = bars(*([100, 101, 101, 100] * size)[:size], missing=dict.fromkeys(range(1, size), step - 1))
        often = bars(*(SLOW * 2)[: step * (size - 1) + 1])
        at = [enters(at=size - 1), enters(at=step * (size - 1))]
        some = outcome((rare, often), at=at)
        assert outlays(some) == pytest.approx([share * 10_000] * 2)


def test_what_moves_with_one_that_is_held_does_not_enter():
    later = enters(at=NEXT + 1)
    some = outcome((ZIG, ZIG, SLOW, ZAG), at=[enters(), later, later, later])
    assert [(t.entry_bar, t.reason) for t in some.trades] == [
        (NEXT, "end"),
        (NEXT + 1, "end"),
        (NEXT + 1, "end"),
    ]
    # A short of the contrary moves with it as well.
    some = outcome((ZIG, ZAG), at=[enters(), enters(long=False, at=NEXT + 1)])
    assert len(some.trades) == 1


def test_what_leaves_at_this_open_is_no_longer_held():
    some = outcome((ZIG, ZIG), at=[enters(until=NEXT + 1), enters(at=NEXT + 1)])
    assert [(t.entry_bar, t.exit_bar) for t in some.trades] == [(NEXT, NEXT + 1), (NEXT + 1, SIZE - 1)]


def test_what_is_held_without_a_bar_at_this_instant_still_forbids():
    # The first lacks the bar at which the other wants in.
    held = bars(*ZIG, missing={NEXT + 1: 1})
    some = outcome((held, ZIG), at=[enters(), enters(at=NEXT + 1)])
    assert len(some.trades) == 1


def test_what_may_not_enter_takes_no_place_from_others():
    # ZIG is held; the second ZIG may not enter, and STILL, unknown to all, may not either; SLOW is alone.
    later = enters(at=NEXT + 1)
    some = outcome((ZIG, ZIG, STILL, SLOW), at=[enters(), later, later, later])
    assert [round(x) for x in outlays(some)] == [1_500, 1_500]


def test_one_per_cent_is_asked_after_the_division():
    moving = [*ZIG[:-1], 110]
    for n, n_trades in ((14, 14), (15, 0)):
        assert len(outcome([moving] * n).trades) == n_trades


@pytest.mark.parametrize(("more", "flags"), [({}, set()), ({"size": 0.5}, set())] + [
    ({"sizing": rule, "stop": 0.05}, {"size_rule_unused"} if rule else set()) for rule in range(4)
], ids=str)  # fmt: skip
def test_a_size_rule_that_is_not_used_is_said(more, flags):
    some = outcome([ZIG], None, **more)
    assert some.flags == flags | {"open_at_end"}
    assert outlays(some) == pytest.approx([1_500])
