"""Each defect there is can be put into a clean history, is found there, and never raises the score, whatever else is wrong."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from organism.lake.candles import Candles
from organism.lake.quality import PENALTIES, Around, Defect, Neighbour, Tally, inspect
from tests.lake.spoiled import HOUR, MINUTE, changed, frozen, scaled, walk, without

BARS = 4_000
SPACE = 160
PLACES = BARS // SPACE - 3
CLEAN = walk(BARS, seed=9)
HOLE = 30


class Case(NamedTuple):
    """A history and what stands beside it."""

    candles: Candles
    around: Around
    bar_us: int = MINUTE


def at_once(case, **columns):
    return case._replace(candles=changed(case.candles, **columns))


def one_of(column, at, value):
    out = column.copy()
    out[at] = value
    return out


def counted(case, **more):
    return case._replace(around=replace(case.around, tally=Tally(**more)))


def off_the_grid(case, at):
    return at_once(case, open_us=one_of(case.candles.open_us, at, case.candles.open_us[at] + 9_000_000))


def omitted(case, at):
    """Two minutes are absent from a venue that leaves out minutes without trades."""
    return Case(without(case.candles, at, at + 1), replace(case.around, venue="bitfinex"))


def down(case, at):
    """Half an hour is absent from all symbols of the venue."""
    hole = range(at, at + HOLE)
    silent = without(CLEAN, *hole).open_us
    company = [Neighbour(name, MINUTE, silent) for name in ("A/USDT", "B/USDT")]
    return Case(
        without(case.candles, *hole), replace(case.around, symbol="C/USDT", venue="binance", company=company)
    )


def unlike_the_second(case, at):
    """The second source has another close; its own bars are whole."""
    close = one_of(CLEAN.close, at, CLEAN.close[at] * 1.06)
    return case._replace(around=replace(case.around, second=changed(CLEAN, close=close)))


def zone_changed(case, at):
    """From here on stamps are two hours late, and the price goes on where it was."""
    late = case.candles.open_us + np.where(np.arange(len(case.candles)) >= at, 2 * HOUR, 0)
    close = one_of(case.candles.close, at - 1, case.candles.open[at])
    return at_once(case, open_us=late, close=close)


def a_month_late(case, at):
    """Hourly candles, the last two thirds of which are five hours late, beside a source in the right zone."""
    true = walk(24 * 90, HOUR, sigma=0.01)
    late = true.open_us + np.where(np.arange(len(true)) > 24 * 30 + at // 10, 5 * HOUR, 0)
    return Case(changed(true, open_us=late), replace(case.around, second=true), HOUR)


WAYS = {
    Defect.REFUSED: lambda c, at: counted(c, refused=1 + at),
    Defect.REPEATED: lambda c, at: counted(c, repeated=1 + at),
    Defect.DIFFERING: lambda c, at: counted(c, differing=1 + at),
    Defect.UNUSABLE: lambda c, at: at_once(c, close=one_of(c.candles.close, at, np.nan)),
    Defect.MISSING: lambda c, at: c._replace(candles=without(c.candles, *range(at, at + 7))),
    Defect.OUTLIER: lambda c, at: c._replace(candles=scaled(c.candles, at, 1.6)),
    Defect.DISAGREEING: unlike_the_second,
    Defect.STUCK: lambda c, at: c._replace(candles=frozen(c.candles, at, 15, volume=2.5)),
    Defect.VOLUME: lambda c, at: at_once(c, volume=one_of(c.candles.volume, at, -1.0)),
    Defect.MISALIGNED: off_the_grid,
    Defect.SHIFTED: a_month_late,
    Defect.QUIET: omitted,
    Defect.OUTAGE: down,
    Defect.NO_TRADES: lambda c, at: c._replace(candles=frozen(c.candles, at, 3, volume=0.0)),
    Defect.NO_VOLUME: lambda c, _: at_once(c, volume=np.zeros(len(c.candles))),
    Defect.EXTREME: lambda c, at: c._replace(candles=scaled(c.candles, slice(at, None), 0.8)),
    Defect.JUMP: zone_changed,
}
ALONE = (Defect.SHIFTED, Defect.NO_VOLUME)
"""Of a whole series: what is wrong with its bars cannot be wrong beside them."""


def inspected(case):
    return inspect(case.candles, case.bar_us, case.around)


def test_there_is_a_way_for_every_defect():
    assert set(WAYS) == set(Defect)


@pytest.mark.parametrize("defect", list(Defect))
@settings(max_examples=8)
@given(place=st.integers(1, PLACES))
def test_every_defect_is_found_and_costs_what_the_table_says(defect, place):
    clean = Case(CLEAN, Around())
    assert inspected(clean).score == 100.0
    found = inspected(WAYS[defect](clean, place * SPACE))
    assert found.count(defect) > 0
    own = next(one for one in found.findings if one.defect is defect)
    assert own.points == pytest.approx(min(100.0, PENALTIES[defect] * 100.0 * own.bars / found.expected))
    assert (own.points > 0) == (PENALTIES[defect] > 0)
    assert found.score <= 100.0 - own.points + 1e-9
    if not found.hole_points and all(one.defect is defect for one in found.findings):
        assert found.score == pytest.approx(100.0 - own.points, abs=0.01)


TOGETHER = [defect for defect in Defect if defect not in ALONE]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(TOGETHER), st.integers(1, PLACES)), max_size=8, unique_by=lambda one: one[1]
    )
)
def test_one_defect_more_of_any_kind_never_raises_the_score(spoils):
    # From the back to the front, so that a place still means the same bars after a gap was cut. What takes the place of
    # something beside the series (a tally, a venue, a second source) comes once; and the second source knows of no jump and
    # of no crash, so that after one every bar has a defect already.
    apart = (
        {Defect.REFUSED, Defect.REPEATED, Defect.DIFFERING},
        {Defect.QUIET, Defect.OUTAGE},
        {Defect.DISAGREEING, Defect.JUMP, Defect.EXTREME},
    )
    seen, case = set(), Case(CLEAN, Around())
    score = inspected(case).score
    for defect, place in sorted(spoils, key=lambda one: -one[1]):
        kind = next((n for n, group in enumerate(apart) if defect in group), defect)
        if kind in seen:
            continue
        seen.add(kind)
        case = WAYS[defect](case, place * SPACE)
        worse = inspected(case).score
        assert worse <= score, defect
        score = worse
