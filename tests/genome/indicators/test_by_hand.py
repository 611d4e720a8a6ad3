"""Small markets whose answers a person can see."""

import numpy as np
import pytest

from genome.indicators import compute
from tests.genome.indicators.worlds import DAY, HOUR
from tests.genome.making import bars

NAN = float("nan")


def ohlc(prices, spread=1.0):
    return [(p, p + spread, p - spread, p) for p in prices]


def same(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.requirement("S4-5.1")
def test_a_breakout_channel_never_knows_the_bar_that_breaks_it():
    world = bars(10, 11, 12, (12, 30, 11, 29), 13)

    same(compute("donchian_upper", (3.0,), world), [NAN, NAN, NAN, 12, 30])
    same(compute("donchian_lower", (3.0,), world), [NAN, NAN, NAN, 10, 11])
    assert world.column("close")[3] > compute("donchian_upper", (3.0,), world)[3]


@pytest.mark.requirement("S4-5.2")
def test_a_breakout_threshold_is_a_factor_above_and_its_mirror_below():
    world = bars(100, 100, 100.5, 101.5, 100, 99.4, 98)
    factor = 1.01
    close, upper = world.column("close"), compute("donchian_upper", (2.0,), world)
    lower = compute("donchian_lower", (2.0,), world)

    assert (close > upper * factor).tolist() == [False, False, False, False, False, False, False]
    assert (close > upper).tolist() == [False, False, True, True, False, False, False]
    assert (close < lower * (2.0 - factor)).tolist() == [False, False, False, False, False, False, True]


@pytest.mark.requirement("S1-3.8")
def test_support_and_resistance_are_the_extremes_of_the_closes_of_twenty_days_before():
    closes = [*range(100, 120), 130.0, 90.0, 95.0]
    world = bars(*closes, bar_s=DAY)

    same(compute("resistance", (20.0,), world)[20:], [119, 130, 130])
    same(compute("support", (20.0,), world)[20:], [100, 101, 90])
    assert np.isnan(compute("support", (20.0,), world)[:20]).all()


@pytest.mark.requirement("S1-6.5")
def test_a_gap_is_the_open_over_the_last_close_over_holes_too():
    world = bars((100, 100), (102, 104), None, (94, 91), missing={3: 5})

    same(compute("gap", (), world), [NAN, 0.02, NAN, 94 / 104 - 1])


@pytest.mark.requirement("S1-3.3")
def test_a_bollinger_breakout_is_a_close_beyond_the_band():
    calm = [100.0, 101.0] * 10
    world = bars(*calm, 104.0)
    upper, score = compute("bb_upper", (20.0, 2.0), world), compute("bb_z", (20.0,), world)

    assert upper[19] == pytest.approx(100.5 + 2 * 0.5)
    assert world.column("close")[20] > upper[20]
    assert score[20] > 2.0
    assert not world.column("close")[19] > upper[19]


@pytest.mark.requirement("S1-3.1")
def test_rsi_is_below_thirty_after_a_fall_and_above_seventy_after_a_rise():
    fall, rise = (
        [100.0 - t + 0.3 * (t % 2) for t in range(30)],
        [100.0 + t - 0.3 * (t % 2) for t in range(30)],
    )

    assert compute("rsi", (14.0,), bars(*fall))[-1] < 30
    assert compute("rsi", (14.0,), bars(*rise))[-1] > 70
    # Wilder by hand, n = 2: gains 1 0 2, losses 0 1 0 → averages (0.5, 0.5), then (1.25, 0.25).
    same(compute("rsi", (2.0,), bars(10, 11, 10, 12)), [NAN, NAN, 50, 100 * 1.25 / 1.5])


@pytest.mark.requirement("S1-3.4")
def test_a_volume_profile_finds_where_the_volume_was():
    # 24 bins of 1 from 100 to 124; nearly all volume trades at 110.5, in the eleventh bin.
    rows = [
        (112, 124, 100, 112, 1.0),
        *[(110.5, 110.5, 110.5, 110.5, 40.0)] * 4,
        (120.5, 120.5, 120.5, 120.5, 60.0),
    ]
    world = bars(*rows)

    same(compute("poc", (6.0,), world)[5], 110.5)
    # 160 of 221 are more than 70 %: the area is that bin alone.
    same([compute(f"value_area_{side}", (6.0,), world)[5] for side in ("low", "high")], [110, 111])
    wide = bars(*rows[:-1], (120.5, 120.5, 120.5, 120.5, 100.0))
    same([compute(f"value_area_{side}", (6.0,), wide)[5] for side in ("low", "high")], [110, 121])


def test_the_volume_weighted_price_begins_anew_with_the_utc_day_the_monday_and_the_month():
    start = (
        1_706_666_400 // DAY * DAY
    )  # Wednesday 2024-01-31; Thursday begins the month, Monday the 5th the week
    hours = 12
    world = bars(*[float(p) for p in range(100, 116)], bar_s=hours * HOUR, start_s=start)

    day, week, month = (compute("vwap", (float(a),), world) for a in (0, 1, 2))

    same(
        day, [100, 100.5, 102, 102.5, 104, 104.5, 106, 106.5, 108, 108.5, 110, 110.5, 112, 112.5, 114, 114.5]
    )
    same(month[:5], [100, 100.5, 102, 102.5, 103])
    same(week[9:12], [104.5, 110, 110.5])


def test_months_begin_where_the_calendar_says():
    import datetime as dt

    first = int(dt.datetime(1999, 11, 1, tzinfo=dt.UTC).timestamp())
    days = 366 * 9
    world = bars(*[float(p) for p in range(1, days + 1)], bar_s=DAY, start_s=first)
    dates = [dt.date(1999, 11, 1) + dt.timedelta(days=t) for t in range(days)]

    begun = np.flatnonzero(compute("vwap", (2.0,), world) == world.column("close"))

    assert begun.tolist() == [t for t, date in enumerate(dates) if date.day == 1]


def test_an_ichimoku_span_is_drawn_as_many_bars_later_as_it_says():
    world = bars(10, 20, 30, 40, 50, 60)

    same(compute("ichimoku_conversion", (2.0,), world), [NAN, 15, 25, 35, 45, 55])
    same(compute("ichimoku_span_a", (1.0, 2.0, 3.0), world), [NAN, NAN, NAN, NAN, 17.5, 27.5])
    same(compute("ichimoku_span_b", (2.0, 3.0), world), [NAN, NAN, NAN, NAN, 15, 25])


def test_a_swing_is_known_when_the_bars_after_it_are_there_and_not_before():
    world = bars(*ohlc([10, 11, 15, 12, 11, 9, 12, 13, 14, 13]))

    same(compute("swing_high", (2.0,), world), [NAN] * 4 + [16] * 6)
    same(compute("swing_low", (2.0,), world), [NAN] * 7 + [8] * 3)
    plateau = bars(*ohlc([10, 11, 15, 15, 11, 9]))
    assert np.isnan(compute("swing_high", (2.0,), plateau)).all()


@pytest.mark.requirement("S4-20.9")
def test_a_fibonacci_level_lies_between_confirmed_swings_only():
    prices = [20, 18, 11, 17, 19, 31, 27, 24, 23, 22]
    world = bars(*ohlc(prices))

    got = compute("fibonacci", (0.618, 6.0, 0.0), world)

    # The low (10) is confirmed at bar 4, the high (32) at bar 7: 32 − 0.618·22. At bar 8 the low is 6 bars old: gone.
    same(got, [NAN] * 7 + [32 - 0.618 * 22] + [NAN] * 2)
    upwards = compute("fibonacci", (0.5, 6.0, 2.0), world)
    # At bar 9 of the six before: low 18 − 1 at bar 3, high 32 at bar 5, the high is newer.
    assert upwards[9] == pytest.approx(32 - 0.5 * (32 - 16))
    downwards = bars(*ohlc([30, 40, 35, 30, 20, 24]))
    assert compute("fibonacci", (0.25, 5.0, 2.0), downwards)[5] == pytest.approx(19 + 0.25 * (41 - 19))


def test_a_zigzag_turns_after_two_average_ranges_and_not_on_the_bar_of_its_extreme():
    up = [100.0 + t for t in range(20)]
    down = [up[-1] - t for t in range(1, 12)]
    world = bars(*ohlc([*up, *down, *(down[-1] + t for t in range(1, 12))]))

    got = compute("fibonacci", (0.0, 30.0, 1.0), world)

    highs = np.flatnonzero(np.isfinite(got))
    # The range is 2 on every bar, so a turn takes 4: the low of 107 is confirmed where the high reaches 111.
    assert down[-1] - 1 == 107
    first = 20 + 11 + int(np.argmax(np.array([down[-1] + t + 1 for t in range(1, 12)]) >= 111))
    assert highs[0] == first
    assert got[first] == 107
