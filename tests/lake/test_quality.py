"""Each defect that histories have in the wild is found, named, counted and costs what the table says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.lake.candles import Candles
from organism.lake.quality import PENALTIES, Around, Defect, Neighbour, Tally, inspect, score_of
from organism.lake.quality.defects import MEANING
from tests.lake.spoiled import BEGIN, DAY, HOUR, MINUTE, changed, frozen, scaled, walk, without


def defects(found):
    return {one.defect: one.bars for one in found.findings}


def test_a_clean_series_has_no_defect_and_the_whole_score():
    found = inspect(walk(5_000), MINUTE)
    assert (found.score, found.findings, found.gaps, found.longest_hole) == (100.0, (), 0, 0)
    assert (found.rows, found.expected, found.good) == (5_000, 5_000, True)


def test_no_candle_at_all_is_no_history():
    found = inspect(Candles.empty(), MINUTE)
    assert (found.score, found.first_us, found.good) == (0.0, None, False)


def test_missing_candles_are_counted_with_their_places_and_the_longest_hole():
    found = inspect(without(walk(1_000), 10, 500, 501, 502), MINUTE)
    assert defects(found) == {Defect.MISSING: 4}
    assert (found.gaps, found.longest_hole) == (2, 3)
    assert found.hole == (BEGIN + 500 * MINUTE, BEGIN + 503 * MINUTE)
    assert found.score == pytest.approx(100 - 0.4)
    assert found.findings[0].spans == ((BEGIN + 10 * MINUTE, BEGIN + 11 * MINUTE), found.hole)


def test_a_long_hole_costs_more_than_as_many_candles_here_and_there():
    series = walk(10_000)
    scattered = inspect(without(series, *range(100, 10_000, 198)[:50]), MINUTE)
    in_one = inspect(without(series, *range(5_000, 5_050)), MINUTE)
    assert defects(scattered) == defects(in_one) == {Defect.MISSING: 50}
    assert scattered.score == pytest.approx(99.5)
    assert in_one.score == pytest.approx(99.5 - 1.5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 0.0])
@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
def test_a_price_that_cannot_be_is_unusable(name, value):
    series = walk(300)
    column = getattr(series, name).copy()
    column[7] = value
    found = inspect(replace(series, **{name: column}), MINUTE)
    assert defects(found)[Defect.UNUSABLE] == 1
    assert found.score < 100


def test_crossed_prices_are_unusable():
    series = walk(300)
    found = inspect(changed(series, high=series.low, low=series.high), MINUTE)
    assert defects(found)[Defect.UNUSABLE] == 300
    assert found.score == 0.0


def test_a_bad_tick_that_is_gone_with_the_next_bar_is_an_outlier():
    series = walk(2_000)
    found = inspect(scaled(series, 700, 1.5), MINUTE)
    assert found.count(Defect.OUTLIER) == 1
    assert found.findings[0].spans == ((BEGIN + 700 * MINUTE, BEGIN + 701 * MINUTE),)
    wick = series.high.copy()
    wick[900] *= 10
    assert inspect(changed(series, high=wick), MINUTE).count(Defect.OUTLIER) == 1


def test_a_crash_that_stays_is_named_and_costs_nothing():
    series = walk(2_000)
    found = inspect(scaled(series, slice(700, None), 0.7), MINUTE)
    assert found.count(Defect.OUTLIER) == 0
    assert found.count(Defect.EXTREME) >= 1
    assert found.score == 100.0


def test_an_outlier_that_a_second_source_has_too_is_the_markets_own():
    spiked = scaled(walk(2_000), 700, 1.5)
    alone = inspect(spiked, MINUTE)
    confirmed = inspect(spiked, MINUTE, Around(second=scaled(walk(2_000), 700, 1.45)))
    assert (alone.count(Defect.OUTLIER), confirmed.count(Defect.OUTLIER)) == (1, 0)
    assert confirmed.count(Defect.EXTREME) >= 1
    denied = inspect(spiked, MINUTE, Around(second=walk(2_000)))
    assert denied.count(Defect.OUTLIER) == 1
    assert denied.count(Defect.DISAGREEING) == 1


def test_a_second_source_in_another_unit_disagrees_nowhere():
    series = walk(500)
    assert inspect(series, MINUTE, Around(second=scaled(series, slice(None), 1.2))).score == 100.0


def test_a_feed_that_repeats_its_last_candle_is_stuck():
    series = walk(500)
    columns = {name: getattr(series, name).copy() for name in ("open", "high", "low", "close", "volume")}
    for column in columns.values():
        column[100:110] = column[100]
    found = inspect(replace(series, **columns), MINUTE)
    assert found.count(Defect.STUCK) == 8  # from the third one on
    assert found.score < 100


def test_a_flat_price_is_stuck_after_an_hour_and_no_sooner():
    assert inspect(frozen(walk(500), 100, 58), MINUTE).count(Defect.STUCK) == 0
    assert inspect(frozen(walk(500), 100, 90, volume=0.0), MINUTE).count(Defect.STUCK) == 31


def test_flat_candles_without_volume_are_minutes_without_trades_and_cost_nothing():
    found = inspect(frozen(walk(500), 100, 20, volume=0.0), MINUTE)
    assert defects(found) == {Defect.NO_TRADES: 20}
    assert found.score == 100.0


def test_a_price_that_moves_without_volume_is_a_contradiction():
    series = walk(500)
    volume = series.volume.copy()
    volume[[3, 4]] = 0.0
    found = inspect(changed(series, volume=volume), MINUTE)
    assert defects(found) == {Defect.VOLUME: 2}
    assert found.score < 100


def test_a_series_without_any_volume_is_named_once():
    series = walk(500)
    found = inspect(changed(series, volume=np.zeros(500)), MINUTE)
    assert defects(found) == {Defect.NO_VOLUME: 500}
    assert found.score == 100.0


def test_stamps_off_the_grid_are_misaligned_and_their_candles_are_not_missing():
    series = walk(500)
    opens = series.open_us.copy()
    opens[[5, 80]] += 7_000_000
    found = inspect(changed(series, open_us=opens), MINUTE)
    assert defects(found) == {Defect.MISALIGNED: 2}
    assert found.score == pytest.approx(100 - 0.4)


def test_an_outage_that_all_symbols_share_is_named_and_costs_nothing():
    hole = range(300, 420)
    ours, others = without(walk(1_000), *hole), [without(walk(1_000, seed=n), *hole) for n in (2, 3)]
    company = [
        Neighbour(name, MINUTE, one.open_us)
        for name, one in zip(("ETH/USDT", "ADA/USDT"), others, strict=True)
    ]
    found = inspect(ours, MINUTE, Around("binance", "BTC/USDT", company=company))
    assert defects(found) == {Defect.OUTAGE: 120}
    assert (found.score, found.longest_hole) == (100.0, 0)
    one_trades = [company[0], Neighbour("ADA/USDT", MINUTE, walk(1_000).open_us)]
    assert (
        inspect(ours, MINUTE, Around("binance", "BTC/USDT", company=one_trades)).count(Defect.MISSING) == 120
    )
    assert (
        inspect(ours, MINUTE, Around("binance", "BTC/USDT", company=company[:1])).count(Defect.MISSING) == 120
    )


def test_a_hole_of_all_downloads_is_no_outage_where_another_timeframe_has_candles():
    hole = range(300, 900)
    names = ("ETH/USDT", "ADA/USDT")
    company = [
        Neighbour(name, MINUTE, without(walk(2_000, seed=n), *hole).open_us) for n, name in enumerate(names)
    ]
    hours = Neighbour("BTC/USDT", HOUR, walk(40, HOUR).open_us)
    ours = without(walk(2_000), *hole)
    around = Around("binance", "BTC/USDT", company=[*company, hours])
    assert inspect(ours, MINUTE, around).count(Defect.MISSING) == 600


def test_a_hole_of_three_days_is_no_outage():
    hole = range(30, 102)
    company = [Neighbour(n, HOUR, without(walk(300, HOUR), *hole).open_us) for n in ("ETH/USDT", "ADA/USDT")]
    found = inspect(without(walk(300, HOUR), *hole), HOUR, Around("binance", "BTC/USDT", company=company))
    assert defects(found) == {Defect.MISSING: 72}


def test_minutes_that_bitfinex_leaves_out_are_named_where_binance_would_have_lost_them():
    series = without(walk(1_000), 10, 11, 400)
    quiet = inspect(series, MINUTE, Around("bitfinex", "BTC/USD"))
    assert defects(quiet) == {Defect.QUIET: 3}
    assert quiet.score == 100.0
    assert defects(inspect(series, MINUTE, Around("binance", "BTC/USDT"))) == {Defect.MISSING: 3}
    long = without(walk(1_000), *range(10, 40))
    assert defects(inspect(long, MINUTE, Around("bitfinex", "BTC/USD"))) == {Defect.MISSING: 30}


def test_a_month_in_another_time_zone_is_found_against_a_second_source():
    true = walk(24 * 90, HOUR, sigma=0.01)
    opens = true.open_us.copy()
    opens[: 24 * 45] -= 5 * HOUR
    found = inspect(changed(true, open_us=opens), HOUR, Around(second=true))
    assert set(found.shifts) == {-5}
    assert found.count(Defect.SHIFTED) >= 24 * 30
    assert not found.good
    assert inspect(true, HOUR, Around(second=true)).score == 100.0


def test_a_wrong_zone_is_found_against_the_other_symbols_of_the_venue_too():
    market = np.random.default_rng(5).standard_normal(24 * 60) * 0.01

    def of(seed):
        own = np.random.default_rng(seed).standard_normal(24 * 60) * 0.004
        close = 100 * np.exp(np.cumsum(market + own))
        return Candles(
            BEGIN + HOUR * np.arange(24 * 60), close, close * 1.001, close * 0.999, close, np.ones(24 * 60)
        )

    late = replace(of(1), open_us=of(1).open_us + 3 * HOUR)
    assert set(inspect(late, HOUR, Around(peers=[of(2), of(3)])).shifts) == {3}
    assert inspect(of(1), HOUR, Around(peers=[of(2), of(3)])).shifts == ()


def test_stamps_that_jump_by_whole_hours_while_the_price_stands_are_named():
    series = walk(2_000)
    opens = series.open_us.copy()
    opens[1_000:] += 2 * HOUR
    found = inspect(changed(series, open_us=opens), MINUTE)
    assert found.count(Defect.JUMP) == 120
    assert found.count(Defect.MISSING) == 120


def test_equities_owe_nothing_at_night_on_weekends_and_on_holidays():
    days = ("2021-03-29", "2021-03-30", "2021-03-31", "2021-04-01", "2021-04-05")  # 2 April was Good Friday
    opens = np.array(days, "datetime64[us]").astype(np.int64)
    series = replace(walk(5, DAY), open_us=opens)
    assert defects(inspect(series, DAY, Around("us-equity", "SPY"))) == {}
    assert inspect(series, DAY).count(Defect.MISSING) == 3
    assert inspect(without(series, 2), DAY, Around("us-equity", "SPY")).count(Defect.MISSING) == 1


def test_what_an_import_refused_and_dropped_counts_too():
    found = inspect(walk(1_000), MINUTE, Around(tally=Tally(refused=10, repeated=20, differing=5)))
    assert defects(found) == {Defect.REFUSED: 10, Defect.REPEATED: 20, Defect.DIFFERING: 5}
    assert found.score == pytest.approx(100 - 5.0 - 1.0 - 2.5)


def test_inspecting_alters_nothing():
    series = frozen(scaled(walk(500), 50, 3.0), 100, 70, volume=0.0)
    before = [column.copy() for column in (series.open_us, *series.values())]
    inspect(series, MINUTE)
    for old, new in zip(before, (series.open_us, *series.values()), strict=True):
        np.testing.assert_array_equal(old, new)


def test_every_defect_has_a_penalty_and_a_meaning():
    assert set(PENALTIES) == set(MEANING) == set(Defect)


COUNTS = st.dictionaries(st.sampled_from(list(Defect)), st.integers(0, 2_000))


@given(COUNTS, st.sampled_from(list(Defect)), st.integers(1, 500), st.integers(0, 900), st.integers(0, 900))
def test_the_score_never_rises_with_a_count_or_with_the_hole(counts, defect, more, hole, longer):
    before = score_of(counts, 1_000, hole)
    worse = {**counts, defect: counts.get(defect, 0) + more}
    assert 0.0 <= score_of(worse, 1_000, hole + longer) <= before <= 100.0


CLEAN = walk(1_200, seed=9)
WAYS = {
    "gap": lambda s, at: without(s, *range(at, at + 7)),
    "spike": lambda s, at: scaled(s, at, 1.6),
    "frozen": lambda s, at: frozen(s, at, 15, volume=2.5),
    "void": lambda s, at: changed(s, close=np.where(np.arange(len(s)) == at, np.nan, s.close)),
    "negative": lambda s, at: changed(s, volume=np.where(np.arange(len(s)) == at, -1.0, s.volume)),
    "crossed": lambda s, at: changed(s, high=np.where(np.arange(len(s)) == at, s.low / 2, s.high)),
    "early": lambda s, at: changed(
        s, open_us=np.where(np.arange(len(s)) == at, s.open_us + 9_000_000, s.open_us)
    ),
    "crash": lambda s, at: scaled(s, slice(at, None), 0.8),
}


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(WAYS)), st.integers(0, 18)),
        max_size=12,
        unique_by=lambda one: one[1],
    )
)
def test_spoiling_one_more_clean_stretch_never_raises_the_score(spoils):
    # From the back to the front, so that a place still means the same bars after a gap was cut.
    series, score = CLEAN, inspect(CLEAN, MINUTE).score
    for way, stretch in sorted(spoils, key=lambda one: -one[1]):
        series = WAYS[way](series, 30 + stretch * 60)
        worse = inspect(series, MINUTE).score
        assert worse <= score
        score = worse
