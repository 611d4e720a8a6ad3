"""Recorded and simulated markets."""

import hashlib
import json
from dataclasses import fields
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from organism.errors import BadInput, ConfigError
from organism.market import NS_PER_S
from organism.settings import MarketSettings, PaperSettings
from organs.nervous import bundled, feeds
from organs.nervous.bundled import FOLDER, SYMBOLS, bundled_instruments, load_bundled, watched_instruments
from organs.nervous.columns import Columns, aligned, read, write
from organs.nervous.feeds import instants
from organs.nervous.state import Cursor
from tests.contracts.feed_contract import FeedContract

SHORT = {"warmup_bars": 7, "closing_bars": 3, "max_bars": 25}
BAR_NS = 300 * NS_PER_S


class TestReplay(FeedContract):
    settings = MarketSettings(feed="replay", symbols=("BTC/USDT", "SOL/USDT"), **SHORT)

    def play(self, after=None):
        return instants(self.settings, after)


@pytest.mark.requirement("S3-0.1.5")
class TestSimulated(FeedContract):
    settings = MarketSettings(feed="simulated", **SHORT)

    def play(self, after=None):
        return instants(self.settings, after)


@pytest.mark.parametrize("at", [0, 1, 2_046, 2_047, 2_048, 4_500])
def test_an_endless_simulated_market_resumes_across_its_blocks(at):
    settings = MarketSettings(feed="simulated", warmup_bars=5)
    played = list(islice(instants(settings), at + 4))
    cursor = Cursor(feed="simulated", session=1, at_ns=played[at].at_ns, origin_ns=played[0].at_ns)

    assert list(islice(instants(settings, cursor), 3)) == played[at + 1 :]


def test_simulated_markets_differ_by_seed_and_by_session():
    settings = MarketSettings(feed="simulated", **SHORT)
    one = list(islice(instants(settings), 50))
    other = list(islice(instants(MarketSettings(feed="simulated", seed=2, **SHORT)), 25))

    assert one[10].bars != other[10].bars
    assert [b.close for b in one[10].bars] != [b.close for b in one[35].bars]


def test_simulated_instruments_are_correlated_and_have_calm_and_wild_times():
    settings = MarketSettings(feed="simulated", symbols=("BTC/USDT", "ETH/USDT"))
    closes = np.array([[b.close for b in i.bars] for i in islice(instants(settings), 6_000)])
    returns = np.diff(np.log(closes), axis=0)
    by_day = returns[:5_760, 0].reshape(-1, 128).std(axis=1)

    assert np.corrcoef(returns.T)[0, 1] > 0.4
    assert by_day.max() > 2.0 * by_day.min()
    assert np.abs(returns).max() > 5 * returns.std()


@given(session=st.integers(1, 3), feed=st.sampled_from(["replay", "simulated"]))
def test_after_another_feeds_cursor_a_new_session_begins_later(session, feed):
    """A state folder that was used with other settings is no reason to go back in time."""
    cursor = Cursor(
        feed="elsewhere", session=session, at_ns=1_800_000_000 * NS_PER_S, origin_ns=1_700_000_000 * NS_PER_S
    )
    first = next(instants(MarketSettings(feed=feed, **SHORT), cursor))

    assert first.session == session + 1
    assert first.at_ns > cursor.at_ns
    assert first.warmup


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"feed": "binance"}, "replay"),
        ({"symbols": ("DOGE/USDT",)}, "BTC/USDT"),
        ({"symbols": ()}, "at least one"),
        ({"symbols": ("BTC/USDT", "BTC/USDT")}, "once"),
        ({"bar_s": 60}, "300"),
        ({"max_bars": 100, "warmup_bars": 100}, "max_bars"),
        ({"closing_bars": 0}, "closing_bars"),
        ({"start_bar": 71_700}, "start_bar"),
    ],
)
def test_settings_that_cannot_be_met_are_refused_at_once_with_what_to_do(changes, word):
    with pytest.raises(ConfigError, match=word):
        instants(MarketSettings(**changes))


def test_the_bundled_market_is_what_its_provenance_says():
    provenance = json.loads((FOLDER / "provenance.json").read_text())

    assert {f["symbol"] for f in provenance["files"]} == set(SYMBOLS)
    for entry in provenance["files"]:
        data = (FOLDER / entry["file"]).read_bytes()
        columns = load_bundled((entry["symbol"],))[entry["symbol"]]
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert len(columns) == entry["rows"]
        assert entry["source"]["licence"] in ("MIT", "Apache-2.0")
        assert (np.diff(columns.open_ns) == BAR_NS).all()
    assert (FOLDER / provenance["licence_file"]).exists()


def test_the_bundled_market_is_small_and_needs_no_parquet():
    sizes = [f.stat().st_size for f in FOLDER.glob("*.npz")]

    assert len(sizes) == 3
    assert sum(sizes) < 8_000_000


def test_known_candles_read_back_exactly():
    """First and last row of the source, as its exchange published them."""
    bitcoin = load_bundled(("BTC/USDT",))["BTC/USDT"]

    assert bitcoin.open_ns[0] == 1_704_067_200_000_000_000
    first = (bitcoin.open[0], bitcoin.high[0], bitcoin.low[0], bitcoin.close[0], bitcoin.volume[0])
    assert first == (42283.58, 42397.23, 42261.02, 42397.23, 155.25731)


prices = st.integers(1, 10_000_000).map(lambda n: n / 100)


@given(
    rows=st.lists(
        st.tuples(prices, prices, prices, prices, st.integers(0, 10**13).map(lambda n: n / 1e6)),
        min_size=1,
        max_size=40,
    )
)
def test_any_candles_survive_packing(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("pack") / "x.npz"
    opened, a, b, close, volume = (np.array(c) for c in zip(*rows, strict=True))
    high = np.maximum.reduce((opened, a, b, close))
    low = np.minimum.reduce((opened, a, b, close))
    times = np.arange(len(rows), dtype=np.int64) * BAR_NS
    columns = Columns("X/Y", times, opened, high, low, close, volume)
    write(path, columns, price_decimals=2, volume_decimals=6)
    again = read(path, "X/Y")

    for field in fields(Columns)[1:]:
        np.testing.assert_array_equal(getattr(again, field.name), getattr(columns, field.name))


def test_packing_refuses_numbers_with_more_decimals_than_it_keeps(tmp_path):
    one = np.array([1.005])
    columns = Columns("X/Y", np.array([0], np.int64), one, one, one, one, one)

    with pytest.raises(BadInput, match="decimals"):
        write(tmp_path / "x.npz", columns, price_decimals=2, volume_decimals=6)


def test_a_candle_that_one_instrument_lacks_is_left_out_of_its_instant(monkeypatch):
    def columns(symbol, minutes):
        values = np.full(len(minutes), 5.0)
        return Columns(symbol, np.array(minutes, np.int64) * BAR_NS, *([values] * 5))

    recorded = {
        "BTC/USDT": columns("BTC/USDT", range(10)),
        "ETH/USDT": columns("ETH/USDT", [0, 1, 3, *range(4, 10)]),
    }
    monkeypatch.setattr(feeds, "load_bundled", lambda _symbols: recorded)
    settings = MarketSettings(symbols=("BTC/USDT", "ETH/USDT"), warmup_bars=1, closing_bars=1)
    played = list(islice(instants(settings), 10))

    assert [len(i.bars) for i in played] == [2, 2, 1, 2, 2, 2, 2, 2, 2, 2]
    assert all(b.at_ns - a.at_ns == BAR_NS for a, b in pairwise(played))
    assert len(aligned(tuple(recorded.values()))[1]) == 10


def test_instruments_carry_the_paper_venues_fees_in_the_order_asked_for():
    paper = PaperSettings(taker_fee=0.002, can_short=True)
    instruments = watched_instruments(("SOL/USDT", "BTC/USDT"), paper)

    assert [i.symbol for i in instruments] == ["SOL/USDT", "BTC/USDT"]
    assert str(instruments[0].fees.taker) == "0.002"
    assert all(i.can_short and i.venue == bundled.VENUE for i in instruments)
    assert [i.symbol for i in bundled_instruments(paper)] == list(SYMBOLS)
