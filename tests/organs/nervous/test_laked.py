"""Series of the lake as the market an organism lives through."""

from itertools import islice

import numpy as np
import pytest

from organism.errors import ConfigError
from organism.lake.derived import aggregated
from organism.lake.names import series
from organism.lake.store import Lake
from organism.settings import MarketSettings, PaperSettings
from organs.nervous import laked
from organs.nervous.bundled import bundled_instruments
from organs.nervous.feeds import instants
from tests.contracts.feed_contract import FeedContract
from tests.lake.made import START_US, same, walk

HOUR_US = 3_600_000_000
SYMBOLS = ("BTC/USDT", "XRP/USDT")


def filled(folder):
    """Two days of minutes; the second symbol has no candle in hour 30, and a hole of three minutes in hour 10."""
    lake = Lake(folder / "lake", now_us=lambda: START_US)
    lake.append(series("kraken", "BTC/USDT", "1m"), walk(2_880), source="x", received_us=1)
    minute = np.arange(2_880)
    there = (minute // 60 != 30) & ~np.isin(minute, [601, 602, 603])
    lake.append(
        series("kraken", "XRP/USDT", "1m"), walk(2_880, seed=2).take(there), source="x", received_us=1
    )
    return str(lake.root)


def settings_of(lake, **options):
    given = {"lake": lake, "lake_venue": "kraken", "symbols": SYMBOLS, "bar_s": 3_600}
    return MarketSettings(
        feed="replay", **{**given, "warmup_bars": 7, "closing_bars": 3, "max_bars": 25, **options}
    )


class TestReplayOfTheLake(FeedContract):
    @pytest.fixture(autouse=True)
    def _lake(self, tmp_path):
        self.settings = settings_of(filled(tmp_path))

    def play(self, after=None):
        return instants(self.settings, after)


def test_the_bars_are_those_of_the_lake_and_an_hour_nobody_traded_is_not_made_up(tmp_path):
    heard = list(islice(instants(settings_of(filled(tmp_path), max_bars=0)), 48))
    assert [len(instant.bars) for instant in heard] == [1 if hour == 30 else 2 for hour in range(48)]
    expected, _ = aggregated(walk(2_880), HOUR_US)
    bars = [instant.bars[0] for instant in heard]
    assert [bar.open_ns for bar in bars] == (expected.open_us * 1_000).tolist()
    assert [bar.close for bar in bars] == expected.close.tolist()
    assert [bar.volume for bar in bars] == expected.volume.tolist()
    assert heard[-1].final


def test_a_stretch_of_the_lake_is_replayed_alone(tmp_path):
    first_s, last_s = START_US // 1_000_000 + 5 * 3_600, START_US // 1_000_000 + 25 * 3_600
    options = {"max_bars": 0, "lake_start_s": first_s, "lake_end_s": last_s}
    found = laked.recorded(settings_of(filled(tmp_path), **options))
    assert [len(columns) for columns in found] == [20, 20]
    assert found[0].open_ns[0] == first_s * 10**9
    expected = aggregated(walk(2_880), HOUR_US)[0].take(slice(5, 25))
    assert np.array_equal(found[0].high, expected.high)
    assert same(expected, expected)


def test_an_hour_in_which_the_recording_ends_is_left_out(tmp_path):
    lake = Lake(tmp_path / "lake", now_us=lambda: START_US)
    lake.append(series("kraken", "BTC/USDT", "1m"), walk(1_470), source="x", received_us=1)
    found = laked.recorded(settings_of(str(lake.root), symbols=("BTC/USDT",)))
    assert len(found[0]) == 24


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"symbols": ("ETH/USDT",)}, r"\[market\] lake: .* holds no kraken ETH/USDT"),
        ({"bar_s": 90}, r"\[market\] lake: kraken BTC/USDT 90s cannot be made"),
        ({"lake_venue": "ftx"}, r"holds no ftx BTC/USDT; it holds kraken BTC/USDT, kraken XRP/USDT"),
        ({"lake_start_s": 4_000_000_000}, r"\[market\] lake: .* has no candle in the wanted stretch"),
        ({"max_bars": 0, "warmup_bars": 47}, "leaves 48 bars, but 47 warm up"),
    ],
)
def test_what_the_lake_lacks_is_said_at_once(tmp_path, options, said):
    with pytest.raises(ConfigError, match=said):
        instants(settings_of(filled(tmp_path), **options))


def test_what_is_traded_has_the_known_steps_or_finer_ones_and_the_paper_venues_fees():
    paper = PaperSettings()
    found = laked.instruments(settings_of("x"), paper)
    assert found[0] == bundled_instruments(paper)[0]
    assert (found[1].symbol, found[1].base, found[1].quote, found[1].fees) == (
        "XRP/USDT",
        "XRP",
        "USDT",
        found[0].fees,
    )
    perpetual = laked.instruments(settings_of("x", symbols=("ETH/USDT:USDT",)), paper)[0]
    assert (perpetual.base, perpetual.quote) == ("ETH", "USDT")
    with pytest.raises(ConfigError, match="are quoted in EUR, USDT"):
        laked.instruments(settings_of("x", symbols=("BTC/USDT", "BTC/EUR")), paper)
