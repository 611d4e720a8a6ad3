"""The universe as of a date: nothing that came later, nothing that died left out."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from organism.errors import BadInput
from organism.lake.candles import Candles, joined
from organism.lake.names import series
from organism.lake.store import Lake
from organism.lake.universe import RANKS, Wanted, measures, ranked, read_changes, universe, view
from tests.lake.made import START_US, changed, same, walk

DAY_US = 86_400_000_000
LATER = START_US + 5_000 * DAY_US


def day(n):
    return START_US + n * DAY_US


def lake_in(folder):
    return Lake(Path(folder) / "lake", now_us=lambda: LATER)


def listed(
    lake, symbol, first, last, *, venue="binance", timeframe="1d", seed=1, volume=None, received_us=LATER
):
    n = (last - first) * DAY_US // (DAY_US if timeframe == "1d" else 3_600_000_000)
    candles = walk(n, timeframe, day(first), seed=seed)
    candles = changed(candles, volume=(candles.volume if volume is None else np.full(n, volume)))
    lake.append(series(venue, symbol, timeframe), candles, source="x", received_us=received_us)
    return candles


def own_table(lake, text):
    lake.root.mkdir(exist_ok=True)
    (lake.root / "instruments.toml").write_text(text)


lives = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=1, max_size=4)


@pytest.mark.requirement("S4-27.23")
@settings(max_examples=15)
@given(lives, st.integers(0, 90))
def test_each_date_has_every_instrument_that_had_traded_by_then_and_no_other(spans, when):
    """The dead keep their dates: no trial over years is made of survivors alone."""
    with tempfile.TemporaryDirectory() as folder:
        lake = lake_in(folder)
        for i, (first, length) in enumerate(spans):
            listed(lake, f"A{i}/USDT", first, first + length, seed=i)
        found = {one.symbol: one for one in universe(lake, day(when))}
        closed = {
            f"A{i}/USDT": (first, min(first + length, when))
            for i, (first, length) in enumerate(spans)
            if first + 1 <= when
        }
        assert set(found) == set(closed)
        newest = max((last for _, last in closed.values()), default=0)
        for symbol, (first, last) in closed.items():
            assert (found[symbol].first_us, found[symbol].last_us) == (day(first), day(last))
            assert found[symbol].trading == (newest - last <= 7)


@settings(max_examples=15)
@given(
    st.integers(1, 20),
    st.integers(0, 23),
    st.lists(st.sampled_from(["more", "new", "finer", "corrected"]), min_size=1, max_size=4),
)
def test_rows_of_after_a_date_never_change_the_answer(when, hour, deeds):
    as_of = day(when) + hour * 3_600_000_000
    with tempfile.TemporaryDirectory() as folder:
        lake = lake_in(folder)
        listed(lake, "OLD/USDT", 0, 8, seed=1)
        old = listed(lake, "HOURLY/USDT", 0, 12, timeframe="1h", seed=2)
        before = [one.document() for one in universe(lake, as_of)]
        for deed in deeds:
            if deed == "more":
                listed(lake, "OLD/USDT", when + 1, when + 15, seed=3)
            elif deed == "new":
                listed(lake, "NEW/USDT", when + 1, when + 2, seed=4)
            elif deed == "finer":
                listed(lake, "OLD/USDT", when + 1, when + 3, timeframe="1h", seed=5)
            else:
                dearer = changed(old, high=old.high * 3, volume=old.volume * 7)
                lake.append(series("binance", "HOURLY/USDT", "1h"), dearer, source="y", received_us=as_of + 1)
        assert [one.document() for one in universe(lake, as_of)] == before
        assert before


def test_a_delisting_is_known_when_it_was_announced_and_the_dates_stay(tmp_path):
    lake = lake_in(tmp_path)
    listed(lake, "GFT/USDT", 0, 40)
    own_table(
        lake,
        '[[instrument]]\nvenue = "binance"\nsymbol = "GFT/USDT"\nlisted = 2024-01-03\n'
        "delisted = 2024-01-31\nannounced = 2024-01-20\n",
    )
    assert universe(lake, day(1)) == ()
    (before,) = universe(lake, day(25))
    assert before.trading
    assert before.age_days == 23
    (after,) = universe(lake, day(40))
    assert not after.trading
    assert (after.first_us, after.last_us) == (day(2), day(30))
    assert ranked((after,), Wanted(trading=True)) == ()


@pytest.mark.requirement("S1-1.2", "S4-21.4")
def test_more_than_fifty_instruments_are_found_in_four_tiers_without_a_list(tmp_path):
    lake = lake_in(tmp_path)
    volumes = (1e7, 3e5, 3e4, 30.0)  # of coins at about 100 dollars
    for i in range(57):
        listed(lake, f"COIN{i}/USDT", 0, 10, seed=i, volume=volumes[i % 4])
    found = universe(lake, day(10))
    assert len(found) == 57
    assert {tier: sum(one.tier == tier for one in found) for tier in (1, 2, 3, 4)} == {
        1: 15,
        2: 14,
        3: 14,
        4: 14,
    }
    best = ranked(found, Wanted(tiers=(1,), min_age=5), by="volume", top=50)
    assert len(best) == 15
    assert [one.volume for one in best] == sorted((one.volume for one in best), reverse=True)


@pytest.mark.parametrize("by", RANKS)
def test_a_rank_puts_what_traded_first_and_the_unknown_last(tmp_path, by):
    lake = lake_in(tmp_path)
    for i, first in enumerate((0, 5, 9)):
        listed(lake, f"A{i}/USDT", first, 10 if i else 2, seed=i, volume=10.0**i)
    found = [
        replace(one, volatility=float("nan"), spread=float("nan")) if one.symbol == "A1/USDT" else one
        for one in universe(lake, day(10))
    ]
    order = [one.symbol for one in ranked(found, Wanted(), by=by)]
    assert order[-1] == "A0/USDT"  # eight days without a candle
    figure = {"age": "age_days"}.get(by, by)
    first, second = (getattr(one, figure) for one in ranked(found, Wanted(), by=by)[:2])
    assert np.isnan(second) or (first <= second if by == "spread" else first >= second)


def test_a_lake_that_ends_before_the_date_is_measured_at_its_end(tmp_path):
    lake = lake_in(tmp_path)
    listed(lake, "A/USDT", 0, 10)
    assert universe(lake, LATER) == universe(lake, day(10))


def test_bounds_are_met_by_known_figures_alone(tmp_path):
    lake = lake_in(tmp_path)
    listed(lake, "A/USDT", 0, 10)
    (one,) = universe(lake, day(10))
    assert Wanted(min_volume=one.volume, max_spread=one.spread, min_score=one.score, min_age=10).takes(one)
    assert not Wanted(min_volume=one.volume * 1.01).takes(one)
    unknown = replace(one, spread=float("nan"), volatility=float("nan"))
    assert not Wanted(max_spread=1.0).takes(unknown)
    assert not Wanted(min_volatility=0.0).takes(unknown)
    with pytest.raises(BadInput, match="min_volume is a number from 0 on; was nan"):
        Wanted(min_volume=float("nan"))
    with pytest.raises(BadInput, match="are ranked by age, volume"):
        ranked((one,), Wanted(), by="fame")


def test_volume_is_the_median_of_days_in_quote_currency():
    candles = walk(9, "1d")
    typical = (candles.high + candles.low + candles.close) / 3
    assert measures.quote_volume(candles) == pytest.approx(np.median(candles.volume * typical))
    assert measures.quote_volume(candles, in_quote=True) == np.median(candles.volume)
    assert np.isnan(measures.quote_volume(Candles.empty()))


@pytest.mark.parametrize("true", [0.0, 0.01, 0.03])
def test_the_estimated_spread_finds_the_spread_that_trades_were_made_with(true):
    """Trades at half a spread above or below a random walk, 400 a day; the estimate is of the order of the truth."""
    rng = np.random.default_rng(7)
    days, trades = 4_000, 400
    middle = np.cumsum(rng.normal(0, 0.02 / np.sqrt(trades), days * trades)).reshape(days, trades)
    price = 100 * np.exp(middle) * (1 + true / 2 * rng.choice([-1, 1], (days, trades)))
    at = START_US + DAY_US * np.arange(days)
    found = measures.spread(Candles(at, price[:, 0], price.max(1), price.min(1), price[:, -1], np.ones(days)))
    assert found == pytest.approx(true, abs=0.004)


def test_hourly_candles_make_the_spread_less_noisy_and_flat_ones_do_not_count():
    rng = np.random.default_rng(3)
    hours, trades, true = 24 * 90, 60, 0.004
    middle = np.cumsum(rng.normal(0, 0.006 / np.sqrt(trades), hours * trades)).reshape(hours, trades)
    price = 100 * np.exp(middle) * (1 + true / 2 * rng.choice([-1, 1], (hours, trades)))
    at = START_US + 3_600_000_000 * np.arange(hours)
    made = Candles(at, price[:, 0], price.max(1), price.min(1), price[:, -1], np.ones(hours))
    found = measures.spread(made, measures.HOUR_US)
    assert found == pytest.approx(true, abs=0.001)
    still = np.full(hours, 100.0)
    flat = Candles(made.open_us + hours * measures.HOUR_US, still, still, still, still, np.zeros(hours))
    assert measures.spread(joined(made, flat), measures.HOUR_US) == found
    assert np.isnan(measures.spread(flat, measures.HOUR_US))


def test_volatility_is_that_of_daily_returns_a_year_and_a_gap_is_no_return():
    candles = walk(400, "1d")
    returns = np.diff(np.log(candles.close))
    assert measures.volatility(candles) == pytest.approx(returns.std(ddof=1) * np.sqrt(365))
    kept = np.ones(400, np.bool_)
    kept[100] = False
    less = np.delete(returns, [99, 100])
    assert measures.volatility(candles.take(kept)) == pytest.approx(less.std(ddof=1) * np.sqrt(365))
    assert np.isnan(measures.volatility(candles.take(kept).between(None, day(1))))


def test_one_history_goes_on_under_the_new_name_and_the_rows_stay(tmp_path):
    lake = lake_in(tmp_path)
    own_table(
        lake,
        '[[change]]\nbefore = "LEND2"\nafter = "AAVE2"\nat = 2024-01-11\nfactor = 0.01\nvenues = ["binance"]\n',
    )
    old, new = listed(lake, "LEND2/USDT", 0, 10), listed(lake, "AAVE2/USDT", 10, 20, seed=2)
    found = view(lake, "binance", "AAVE2", "USDT", "1d", day(20))
    assert len(found.candles) == 20
    np.testing.assert_allclose(found.candles.close[:10], old.close * 100)
    np.testing.assert_allclose(
        found.candles.close * found.candles.volume, np.r_[old.close * old.volume, new.close * new.volume]
    )
    assert [piece.symbol for piece in found.pieces] == ["LEND2/USDT", "AAVE2/USDT"]
    assert same(lake.read(series("binance", "LEND2/USDT", "1d")).candles, old)
    with pytest.raises(BadInput, match="holds no 1d candles of binance AAVE2/USDT"):
        view(lake, "binance", "AAVE2", "USDT", "1d", day(9))
    (before,) = universe(lake, day(9))
    assert before.became is None
    after = {one.symbol: one.became for one in universe(lake, day(12))}
    assert after["LEND2/USDT"].after == "AAVE2"
    assert after["AAVE2/USDT"] is None


def test_a_name_used_twice_is_two_assets(tmp_path):
    """LUNA of before May 2022 is LUNC today; LUNA of today began then."""
    lake = lake_in(tmp_path)
    at = (1_653_696_000_000_000 - START_US) // DAY_US  # 2022-05-28
    old = listed(lake, "LUNA/USDT", at - 20, at - 15)
    new = listed(lake, "LUNA/USDT", at + 3, at + 8, seed=2)
    classic = listed(lake, "LUNC/USDT", at + 2, at + 8, seed=3)
    assert same(view(lake, "binance", "LUNA", "USDT", "1d", LATER).candles, new)
    whole = view(lake, "binance", "LUNC", "USDT", "1d", LATER).candles
    assert whole.close.tolist() == [*old.close, *classic.close]
    assert same(view(lake, "binance", "LUNA", "USDT", "1d", day(at - 10)).candles, old)


def test_a_contract_of_a_thousand_units_is_shown_as_units(tmp_path):
    lake = lake_in(tmp_path)
    stored = listed(lake, "1000PEPE/USDT:USDT", 0, 5, venue="binance-usdm")
    found = view(lake, "binance-usdm", "PEPE", "USDT", "1d", day(5), settle="USDT").candles
    np.testing.assert_allclose(found.close, stored.close / 1000)
    np.testing.assert_allclose(found.volume, stored.volume * 1000)


def test_the_shipped_table_says_where_each_change_can_be_read(tmp_path):
    table = read_changes(lake_in(tmp_path))
    assert {(c.before, c.after) for c in table.changes} >= {("LUNA", "LUNC"), ("MATIC", "POL"), ("EOS", "A")}
    assert all(change.source for change in table.changes)
    assert table.units("1000PEPE").units == 1000
    assert table.units("PEPE") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[change]]\nbefore = 'A'\nafter = 'B'\nat = 2024-01-01\n", "change 1 lacks factor"),
        ("[[change]]\nbefore = 'A'\nafter = 'A'\nat = 2024-01-01\nfactor = 1\n", "cannot become itself"),
        ("[[change]]\nbefore = 'A'\nafter = 'B'\nat = 'soon'\nfactor = 1\n", "at is a date"),
        ("[[change]]\nbefore = 'A'\nafter = 'B'\nat = 2024-01-01\nfactor = inf\n", "factor is a positive number"),
        ("[[change]]\nbefore = 'A'\nafter = 'B'\nat = 2024-01-01\nfactor = 1\nvenues = 'x'\n", "names in a list"),
        ("[[multiple]]\ncontract = '1KX'\nasset = 'X'\nunits = -1\n", "units is a positive number"),
        ("[[multiple]]\ncontract = 7\nasset = 'X'\nunits = 1\n", "contract is a name"),
        ("[[instrument]]\nvenue='v'\nsymbol='s'\nlisted = 2024-02-01\ndelisted = 2024-01-01\n", "other way round"),
        ("[[merger]]\n", "no use for 'merger'"),
        ("[[volume]]\nvenue='v'\nwhere='w'\n", "no use for where"),
        ("[[", "cannot be read as TOML"),
    ],
)  # fmt: skip
def test_a_wrong_entry_of_the_table_is_named(tmp_path, text, said):
    lake = lake_in(tmp_path)
    own_table(lake, text)
    with pytest.raises(BadInput, match=said):
        read_changes(lake)
